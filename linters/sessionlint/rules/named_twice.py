"""A session known by its type alone, which two coroutines get by the same name: then it is one and the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import contained
from sessionlint.rules.handed_locks import handed_as, place_of, root_of, stays
from sessionlint.rules.repeating import is_repeated
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.model import Event


def is_named_twice(event: Event, session: Any) -> bool:
    """Whether two of the coroutines that ``event`` runs together take ``session`` from one name, as ``ctx.session``.

    Only from a name that stands for one thing in the whole function, or from its entry under a key (``ctx["db"]``).
    """
    return session.tag == "ext" and any(number > 1 for number in Counter(_names(event, session)).values())


def _names(event: Event, session: Any) -> Iterator[str]:
    function = event.function
    for used in function.events:
        if used.kind not in ("use", "txn") or session not in used.subject or not is_within(used.span, event.span):
            continue
        name = place_of(used.expr[2][2]) if used.expr and used.expr[0] == "c" and used.expr[2][0] == "a" else None
        if name is not None and stays(function, root_of(name)):
            yield from [name] * (2 if is_repeated(function, used.span, event.span) else 1)
    for started in {a for value in event.args for a in contained(value) if a.tag == "pending"}:
        for key, value in started.bindings if started.site[0] == function.path else ():
            name = handed_as(started, function, key.name, "") if key.tag == "param" and session in value else None
            if name is not None:
                yield from [name] * (2 if is_repeated(function, started.site[1], event.span) else 1)
