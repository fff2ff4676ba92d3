"""Code that runs once and ends: under ``if __name__ == "__main__"``, or at the top of a file that nothing imports."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo, ModuleInfo

_MAIN = "__main__"
_WORK = ("use", "txn")


def runs_once(program: Program, event: Event) -> bool:
    """Whether something at the top of a file is done by a script, which shares nothing with requests."""
    if event.function.name != "<module>":
        return False
    if any(_covers(span, event.span) for span in main_blocks(event.function.module)):
        return True
    if event.path in program.shared(_imported) or any(site[0] == event.path for site in program.solver.routers):
        return False
    return _works_with(event)


def _works_with(event: Event) -> bool:
    """Whether the file's own top level uses what it keeps; one that only keeps it does so for others."""
    kept = set(event.subject)
    # what a cursor does, its connection does
    kept |= {atom.parent for atom in event.subject if atom.tag == "handle" and atom.parent is not None}
    body = event.function
    if any(e.kind == "use" and kept & set(e.subject) for e in body.events) or any(
        e.kind == "call" and e.name != "__init__" and any(kept & set(value) for _, value in e.bindings)
        for e in body.events
    ):
        return True
    users = {f for f in body.module.functions if any(e.kind in _WORK and kept & set(e.subject) for e in f.events)}
    return bool(users) and users <= _run_by(body)


def _run_by(body: FunctionInfo) -> set[FunctionInfo]:
    """The functions of a file that its top level calls, directly or through each other; no server calls those."""
    found: set[FunctionInfo] = set()
    pending = [body]
    while pending:
        called = {e.callee for e in pending.pop().events if e.kind == "call" and e.callee is not None} - found
        own = {f for f in called if f.module is body.module and not f.routes and not f.registrations}
        found |= own
        pending += own
    return found


def main_blocks(module: ModuleInfo) -> list[ir.Span4]:
    """The places of ``if __name__ == "__main__"`` in a file."""
    return [s[1] for s in module.body.facts[4] if s[0] == "I" and _asks_for_main(s[2])]


def _asks_for_main(test: Any) -> bool:
    return test[0] == "x" and any(side[0] == "k" and side[2] == _MAIN for side in (test[2], *test[4]))


def _covers(outer: ir.Span4, inner: ir.Span4) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def _imported(program: Program) -> frozenset[str]:
    """The files that other files import."""
    names = program.solver.names
    found: set[str | None] = set()
    for module in program.modules:
        for dotted, member, *_ in module.imports:
            deeper = names.path_of(f"{dotted}.{member}", module.path) if member else None
            path = deeper or names.path_of(dotted, module.path)
            if path != module.path:
                found.add(path)
    return frozenset(path for path in found if path is not None)
