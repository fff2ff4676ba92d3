"""Functions that a runner is handed, each with a flag that says which of its branches it is for.

``run(read_names, read_only=True)`` and ``run(delete_old)``: what deletes never comes to ``if read_only:``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.values import Param, Value, contained
from sessionlint.rules.callers import calls_by_callee
from sessionlint.rules.raised_later import outcome
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: What is certain to be another function than one that is in sight.
_KNOWN = frozenset({"fn", "partial", "cls", "const", "seq", "map", "method"})


def is_for_another_branch(program: Program, event: Event) -> bool:
    """Whether an event happens in a function that its caller was handed, which no call hands it for that branch."""
    function, callee, expr = event.function, event.callee, event.expr
    if event.kind != "effect" or callee is None or expr is None or expr[0] != "c" or expr[2][0] != "n":
        return False
    handed = expr[2][2]
    names = {p[0] for p in function.params}
    tests = list(tests_around(ir.body_of(function.facts), event.span)) if handed in names else []
    if not tests or handed in assigned_in(function):
        return False
    flags = sorted(names - assigned_in(function) - {handed})
    calls = [e for e in program.shared(calls_by_callee).get(function, ()) if _hands(e, Param(function, handed), callee)]
    return bool(calls) and all(_excludes(e, function, flags, tests) for e in calls)


def _hands(call: Event, parameter: Any, wanted: FunctionInfo) -> bool:
    """Whether a call may pass a function for a parameter; what is not known may be any."""
    value: Value = dict(call.bindings).get(parameter, ())
    inside = contained(value)
    if any(a.tag == "fn" and a.info is wanted for a in inside):
        return True
    return not value or any(a.tag not in _KNOWN for a in inside)


def _excludes(call: Event, function: FunctionInfo, flags: list[str], tests: list[tuple[ir.Expr, bool]]) -> bool:
    """Whether one of the conditions does not hold for what a call passes."""
    passed = dict(call.bindings)
    known: dict[str, bool] = {}
    for name in flags:
        value = passed.get(Param(function, name), ())
        truths = {bool(a.value) for a in value if a.tag == "const"}
        if len(truths) == 1 and all(a.tag == "const" and a.kind in ("bool", "NoneType") for a in value):
            known.update(dict.fromkeys([name], truths.pop()))
    return any(outcome(test, known) is (not holds) for test, holds in tests)


def tests_around(block: Any, span: ir.Span4) -> Iterator[tuple[ir.Expr, bool]]:
    """The conditions under which what stands at a place is reached, and how each has come out."""
    for statement in block:
        if not is_within(span, statement[1]):
            if statement[0] == "I" and not statement[4] and statement[3] and statement[3][-1][0] in ("R", "!"):
                yield statement[2], False
            continue
        if statement[0] == "I":
            for inner, holds in ((statement[3], True), (statement[4], False)):
                if any(is_within(span, s[1]) for s in inner):
                    yield statement[2], holds
                    yield from tests_around(inner, span)
        elif statement[0] == "w/":
            yield from tests_around(statement[3], span)
        elif statement[0] == "T":
            for inner in (statement[2], *(clause[3] for clause in statement[3]), statement[4], statement[5]):
                if any(is_within(span, s[1]) for s in inner):
                    yield from tests_around(inner, span)
        return


def assigned_in(function: FunctionInfo) -> set[str]:
    """The names that a function gives something itself."""
    return {
        target[2]
        for node in own_nodes_below(ir.body_of(function.facts))
        if (node[0] == "=" and len(node) == 4) or (node[0] in ("+=", ":") and len(node) > 3)
        for target in (node[2] if node[0] == "=" else (node[2],))
        if type(target) is tuple and target[0] == "n"
    }
