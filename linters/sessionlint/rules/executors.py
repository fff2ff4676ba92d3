"""Thread pools: what they are given runs at the same time as what else they were given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.rules.background_work import started_values
from sessionlint.rules.sharing import count, is_shared, ranked

#: Work of these pools that is waited for; the rest is background work.
POOLS = ("concurrent.futures.",)


def is_waited_for(event: Event) -> bool:
    """Whether a pool's result is kept, to be asked for."""
    return event.name.startswith(POOLS) and "statement" not in event.flags


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
