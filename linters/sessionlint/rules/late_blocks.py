"""Transaction blocks that a generator opens behind its last ``yield``, and in which it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.model import Effect

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo, Transaction


def written_late(function: FunctionInfo) -> Transaction | None:
    """The first block that is opened when the caller is done, and commits what is written there.

    Where an error of the caller is handled, nobody was told yet that all went well.
    """
    if not function.is_generator or not any(_writes(effect) for effect in function.summary.effects):
        return None
    given = [e.span for e in function.events if e.kind == "yield"]
    for event in function.events if given else ():
        if "handler" in event.flags or not _is_write(event):
            continue
        for block in event.transactions:
            path, span = block.site
            if not block.savepoint and path == function.path and span > max(given):
                return block
    return None


def _writes(effect: Effect) -> bool:
    return effect.kind in ("use", "change") or effect[:2] == ("create", "session")


def _is_write(event: Event) -> bool:
    if event.kind == "effect":
        return event.effect is not None and event.effect[:2] == ("use", "write")
    return event.kind == "use" and "write" in event.flags
