"""Thread pools: what they are given runs at the same time as what else they were given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.program.scheduling import is_pool
from sessionlint.program.values import TASK, contained
from sessionlint.rules.background_work import started_values
from sessionlint.rules.sharing import count, is_shared, ranked
from sessionlint.rules.walking import nodes_below

#: What tells of the error that a piece of work ended in, or hands on what does.
_ASKS = frozenset({"result", "exception", "add_done_callback"})
#: What one may do with the futures without learning of their errors.
_WAITS = frozenset({"wait", "len", "append", "add"})


def is_waited_for(event: Event) -> bool:
    """Whether a pool's result is kept, to be asked for."""
    return is_pool(event.name) and "statement" not in event.flags


def goes_on(event: Event) -> bool:
    """Whether an event loop's executor is given work whose future the function neither awaits at once nor returns."""
    if not event.name.endswith(".run_in_executor") or "awaited" in event.flags:
        return False
    returned = contained(event.function.summary.returns, 2)
    return not any(a.tag == "obj" and a.name == TASK and a.site == event.site for a in returned)


def loses_errors(event: Event) -> bool:
    """Whether a pool is given work whose outcome nobody asks for, so that nobody gets to see its error."""
    if "statement" in event.flags:
        return True
    body = event.function.body
    if event.name.endswith(".map") or any(n[0] == "a" and len(n) > 3 and n[3] in _ASKS for n in nodes_below(body)):
        # who goes through what ``map`` gives meets the errors
        return False
    names = frozenset(_kept_as(body, event.span))
    return bool(names) and not _mentions(body, names)


def _kept_as(body: Any, span: ir.Span4) -> Iterator[str]:
    """The names of the variables that a future, or a list of futures, is put into."""
    for node in nodes_below(body):
        targets: Any = ()
        if node[0] == "=":
            targets = node[2]
        elif node[0] == "E" and len(node) == 3:
            called: ir.Expr = node[2][2] if node[2][0] == "c" else ()
            targets = (called[2],) if called[:1] == ("a",) and called[3] in _WAITS else ()
        if (
            targets
            and all(t[0] == "n" for t in targets)
            and any(n[1] == span for n in nodes_below(node) if n[0] == "c")
        ):
            yield from (t[2] for t in targets)


def _mentions(node: Any, names: frozenset[str]) -> bool:
    """Whether something is done with the futures of these names, besides waiting for their end."""
    if node[:1] == ("n",) and len(node) == 3:
        return node[2] in names
    parts = node
    if node[:1] == ("=",):
        parts = (*(t for t in node[2] if t[0] != "n"), node[3])
    elif node[:1] == ("c",) and len(node) == 5 and node[2][-1] in _WAITS:
        parts = (*(a for a in node[3] if a[0] != "n"), *node[4])
    return any(_mentions(part, names) for part in parts if type(part) is tuple)


def pooled(program: Program, events: list[Event]) -> Iterator[tuple[Event, Any, str]]:
    """A session that a second piece of work gets before the first one's result was asked for."""
    given = [e for e in events if e.kind == "schedule" and is_waited_for(e)]
    at_once = _asked_at_once(given[0].function.body) if given else frozenset()
    counts: Counter[Any] = Counter()
    for event in given:
        if event.span in at_once:
            continue
        many = event.name.endswith(".map") or "loop" in event.flags
        for session, number in ranked(count(program, [(started_values(event), many)])):
            before = counts[session]
            counts[session] += number
            if counts[session] > 1 and before < 2 and is_shared(program, event.function, session, many):
                yield event, session, "several threads of the pool"
                break


def _asked_at_once(node: Any) -> frozenset[ir.Span4]:
    """Where ``pool.submit(…).result()`` waits before it goes on."""
    found: set[ir.Span4] = set()
    pending = [node]
    while pending:
        current = pending.pop()
        if current and current[0] == "a" and len(current) > 3 and current[3] == "result":
            found.add(current[2][1])
        pending.extend(child for child in current if type(child) is tuple)
    return frozenset(found)
