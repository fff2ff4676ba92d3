"""What lets one coroutine after the other into its block: locks, and semaphores that let in no more than one."""

from __future__ import annotations

from collections.abc import Callable

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Ext, Value, literal

LOCKS = ("asyncio.Lock()", "asyncio.locks.Lock()", "anyio.Lock()", "trio.Lock()")
#: Classes that let in as many as they are told, and those that let in one unless they are told.
_COUNTED = ("anyio.Semaphore", "anyio.CapacityLimiter", "trio.Semaphore", "trio.CapacityLimiter")
_ONE = ("asyncio.Semaphore", "asyncio.BoundedSemaphore", "asyncio.locks.Semaphore", "asyncio.locks.BoundedSemaphore")

Keywords = list[tuple[str, Value]]


def _gate(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    """``Semaphore(1)`` is as good as a lock."""

    def made(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        given = args[:1] or [value for _, value in keywords[:1]]
        single = literal(given[0]) == 1 if given else name in _ONE
        return (Ext(LOCKS[0] if single else f"{name}()"),)

    return made


#: What these classes give, by name.
SPECIAL = {name: _gate(name) for name in (*_COUNTED, *_ONE)}
