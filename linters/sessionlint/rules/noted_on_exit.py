"""Context managers of the project that record the errors of their block: in an ``except`` around ``yield``, on exit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.raised_later import outcome
from sessionlint.rules.walking import nodes_below, own_nodes_below
from sessionlint.rules.watching import is_loud, is_within

_STACKS = ("contextlib.ExitStack", "contextlib.AsyncExitStack")
_PUSHES = (".push", ".push_async_exit")
_EXITS = ("__exit__", "__aexit__")
#: Who asks whether an event leaves a trace that may tell of an outcome.
Recording = Callable[[Event], bool]


def noted_blocks(function: FunctionInfo, clauses: Callable[[FunctionInfo], bool], records: Recording) -> list[ir.Span4]:
    """The ``with`` statements of a function whose manager records what leaves their block.

    ``clauses`` says of a generator that it has such an ``except`` around its ``yield``.
    """
    entered = {
        e.span for e in function.events if e.kind == "call" and _is_entered(e) and e.callee and clauses(e.callee)
    }
    left = {
        e.span: e.callee
        for e in function.events
        if e.kind == "call" and e.callee is not None and e.callee.name in _EXITS and notes_error(e.callee, records)
    }
    if not entered and not left:
        return []
    found = (n for n in own_nodes_below(ir.body_of(function.facts)) if n[0] == "w/" and len(n) == 5)
    return [n[1] for n in found if n[1] in left or any(item[1] in entered for item, _ in n[2])]


def _is_entered(event: Event) -> bool:
    return "cm" in event.flags and "context" in event.flags


def noted_by_callbacks(function: FunctionInfo, records: Recording) -> list[ir.Span4]:
    """What stands in the block of an exit stack behind ``stack.push_async_exit(record)``, which is told of errors."""
    pushed = [
        e for e in function.events
        if e.kind == "external" and e.name.startswith(_STACKS) and e.name.endswith(_PUSHES) and e.args
        and any(a.tag == "fn" and notes_error(a.info, records, a.info.class_info is not None) for a in e.args[0])
    ]  # fmt: skip
    if not pushed:
        return []
    blocks = [n for n in own_nodes_below(ir.body_of(function.facts)) if n[0] == "w/" and len(n) == 5]
    return [
        (*e.span[2:], *block[1][2:]) for e in pushed for block in blocks
        if is_within(e.span, block[1]) and any(_is_stack_of(e, target) for _, target in block[2])
    ]  # fmt: skip


def _is_stack_of(event: Event, target: ir.Expr | None) -> bool:
    """Whether a ``with`` gives the name whose method a call is."""
    call = event.expr
    if target is None or target[0] != "n" or call is None or call[0] != "c" or call[2][0] != "a":
        return False
    return bool(call[2][2][0] == "n" and call[2][2][2] == target[2])


def notes_error(method: FunctionInfo, records: Recording, bound: bool = True) -> bool:
    """Whether an ``__exit__`` records the error it is told of, or logs it and lets it go on."""
    body = ir.body_of(method.facts)
    errors = dict.fromkeys([p[0] for p in method.params[int(bound) :]], True)
    done = list(_on_error(body, errors, distinct=False))
    if any(_is_in(e, statement) and records(e) for statement in done for e in method.events):
        return True
    lets_go = not any(n[0] == "R" and n[2] is not None and n[2][2] for n in own_nodes_below(body) if _is_return(n))
    return lets_go and any(is_loud(n) for statement in done for n in nodes_below((statement,)))


def _is_return(node: Any) -> bool:
    return node[0] == "R" and len(node) == 3 and (node[2] is None or node[2][0] == "k")


def _on_error(body: Any, errors: dict[str, bool], distinct: bool) -> Iterator[ir.Stmt]:
    """The single statements that run when there is an error and either only then (``distinct``), or work with it."""
    for statement in body:
        op = statement[0]
        if op == "I":
            settled = outcome(statement[2], errors)
            if settled is None:
                yield from _on_error(statement[3], errors, distinct)
                yield from _on_error(statement[4], errors, distinct)
                continue
            taken, passed = (statement[3], statement[4]) if settled else (statement[4], statement[3])
            yield from _on_error(taken, errors, True)
            if taken and taken[-1][0] in ("R", "!"):
                return
            distinct = distinct or bool(passed and passed[-1][0] in ("R", "!"))
        elif op in ("T", "w/", "L", "W"):
            inner = statement[{"T": 2, "w/": 3, "L": 4, "W": 3}[op]]
            yield from _on_error(inner, errors, distinct or (op == "w/" and _mentions(statement[2], errors)))
        elif distinct or _mentions((statement,), errors):
            yield statement


def _mentions(nodes: Any, names: dict[str, bool]) -> bool:
    return any(n[0] == "n" and len(n) == 3 and n[2] in names for n in own_nodes_below(nodes))


def _is_in(event: Event, statement: ir.Stmt) -> bool:
    return is_within(event.span, statement[1])
