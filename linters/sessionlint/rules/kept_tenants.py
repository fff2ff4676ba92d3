"""Dependencies that hand out no tenant but settle one: for the request, in a context variable, or by refusing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import headers
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.stdlib import CONTEXT_SET
from sessionlint.program.values import Value
from sessionlint.rules.tenancy import is_tenant_key
from sessionlint.rules.walking import own_nodes_below

_READS = tuple([f".{place}{how}" for place in ("headers", "cookies", "query_params") for how in (".get", "[]")])


def settles_tenant(program: Program, function: FunctionInfo) -> bool:
    """Whether a function keeps the request's tenant for what runs later, or refuses a request that has none."""
    asked = frozenset(name for name, given in _filled(function) if _is_tenant(program, given))
    for event in function.events:
        kept: Value = ()
        if event.kind == "external" and event.name == CONTEXT_SET and event.args:
            kept = event.args[0]
        elif event.kind == "setattr" and ".state." in event.text:
            kept = event.value
        if kept and _is_tenant(program, (*kept, *_of_parameters(function, kept))):
            return True
    raised = [e.span for e in function.events if e.kind == "raise"]
    read = [e.span for e in function.events if e.kind == "external" and _reads_tenant(program, e)] if raised else []
    return bool(raised) and (bool(asked) or bool(read)) and _refuses(function, asked, read, raised)


def _filled(function: FunctionInfo) -> Iterator[tuple[str, Value]]:
    return ((name, default) for name, (_, default) in function.param_values.items() if default)


def _of_parameters(function: FunctionInfo, value: Value) -> Value:
    """What the request holds for those parameters in a value that FastAPI fills."""
    named = [a.name for a in value if a.tag == "param" and a.info is function]
    return tuple([a for name in named for a in function.param_values.get(name, ((), ()))[1]])


def _is_tenant(program: Program, value: Value) -> bool:
    read = (a for a in value if headers.is_read(a) and a.name.endswith("]"))
    return any(is_tenant_key(program, a.name.rpartition("[")[2][:-1]) for a in read)


def _reads_tenant(program: Program, event: Event) -> bool:
    first = event.args[0] if event.name.endswith(_READS) and event.args else ()
    return any(a.tag == "const" and a.kind == "str" and is_tenant_key(program, a.value) for a in first)


def _refuses(function: FunctionInfo, asked: frozenset[str], read: list[ir.Span4], raised: list[ir.Span4]) -> bool:
    """Whether one of these errors is raised under a condition on the tenant: a parameter, or what was read."""
    nodes = [n for n in own_nodes_below(function.body) if len(n) > 2 and type(n[1]) is tuple]
    assigned = (n for n in nodes if n[0] == "=" and any(_within(span, n[3][1]) for span in read))
    names = asked | {t[2] for n in assigned for t in n[2] if t[0] == "n"}
    for node in nodes:
        if node[0] == "I" and (_mentions(node[2], names) or any(_within(span, node[2][1]) for span in read)):
            inner = [s[1] for s in (*node[3], *node[4])]
            if any(_within(span, place) for span in raised for place in inner):
                return True
    return False


def _mentions(test: Any, names: frozenset[str] | set[str]) -> bool:
    return any(n[0] == "n" and len(n) == 3 and n[2] in names for n in own_nodes_below((test,)))


def _within(span: ir.Span4, outer: ir.Span4) -> bool:
    return outer[:2] <= span[:2] and span[2:] <= outer[2:]


__all__ = ["settles_tenant"]
