"""Work that a helper starts inside of a function of its own, which stands around it with an ``except`` clause.

``create_task(self._run(work))``: what ``work`` raises ends in ``_run()``, and whether that records it is told there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.values import Pending
from sessionlint.rules.failing import is_broad
from sessionlint.rules.walking import own_nodes_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: Helpers that hand work on are followed this far.
_MOST_HOPS = 8


def is_supervised(program: Program, event: Event) -> bool:
    """Whether what a call passes to be started runs only in functions that catch whatever it raises."""
    starts = list(_starts(event))
    return bool(starts) and all(_only_in_care(program, start, work) for start, work in starts)


def _starts(event: Event) -> Iterator[tuple[Event, Any]]:
    """Where the helper that an ``effect`` goes through starts work, and what the work is called there."""
    function, effect = event.callee, event.effect
    for _ in range(_MOST_HOPS):
        hop = function.summary.hop(effect) if function is not None and effect is not None else None
        if hop is None or function is None or effect is None:
            return
        if hop.callee is None or hop.inner is None:
            yield from ((e, effect.subject) for e in function.events if e.kind == "schedule" and e.site == hop.site)
            return
        function, effect = hop.callee, hop.inner


def _only_in_care(program: Program, start: Event, work: Any) -> bool:
    """Whether a start runs functions that are handed the work, and not the work itself."""
    runners = [(started.info, name) for started in start.value for name in _handed(start, started, work)]
    care = (_catches(each, name) for runner, name in runners for each in _instead(program, runner))
    return bool(runners) and work not in start.value and all(care)


def _handed(start: Event, started: Any, work: Any) -> Iterator[str]:
    """The parameters of a function that is started which get the work."""
    if isinstance(started, Pending):
        keys = (key for key, value in started.bindings if work in value)
        yield from (key.name for key in keys if key.tag == "param" and key.info is started.info)
    elif started.tag == "fn":
        names = [p[0] for p in started.info.params][started.receiver is not None :]
        yield from (name for name, value in zip(names, start.args, strict=False) if work in value)


def _instead(program: Program, runner: FunctionInfo) -> Iterator[FunctionInfo]:
    """A method, and those that classes below have in its place."""
    yield runner
    if runner.class_info is not None:
        below = (info.methods.get(runner.name) for info in program.solver.subclasses(runner.class_info))
        yield from (method for method in below if method is not None)


def _catches(function: FunctionInfo, name: str) -> bool:
    """Whether a function runs what it is handed, and only where an ``except`` clause catches whatever comes."""
    if all(p[0] != name for p in function.params):
        return False
    body = ir.body_of(function.facts)
    names = {name}
    for node in own_nodes_below(body):
        # ``injected = inject(work)``
        if node[0] == "=" and len(node) == 4 and _mentions(node[3], names):
            names.update(target[2] for target in node[2] if target[0] == "n")
    broad = {e.span for e in function.events if e.kind == "handler" and is_broad(e)}
    return _runs(body, names, frozenset()) and not _runs(body, names, broad)


def _runs(node: Any, names: set[str], broad: Any) -> bool:
    """Whether something below a node runs what goes by one of some names, outside of a ``try`` with such a clause."""
    for child in node:
        if type(child) is not tuple or not child or child[0] in ("F", "C", "lam"):
            continue
        if child[0] == "T" and len(child) == 6 and any(clause[0] in broad for clause in child[3]):
            child = (*child[:2], (), *child[3:])
        called = child[0] == "c" and len(child) == 5 and child[2][0] == "n" and child[2][2] in names
        awaited = child[0] == "aw" and len(child) == 3 and _mentions(child[2], names)
        if called or awaited or _runs(child, names, broad):
            return True
    return False


def _mentions(node: Any, names: set[str]) -> bool:
    return any(n[0] == "n" and len(n) == 3 and n[2] in names for n in own_nodes_below((node,)))
