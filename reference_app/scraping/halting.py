"""Ending a scan from outside: requests are given up at once, what a page's receiver is doing is never cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reference_app.scraping.records import Ending

T = TypeVar("T")


class HaltedError(Exception):
    """The scan is to end now."""


class Halt:
    """Set at most once; the first reason holds."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason: Ending | None = None

    def set(self, reason: Ending) -> None:
        """Ends the scan for ``reason``."""
        if self.reason is None:
            self.reason = reason
            self._event.set()

    async def or_give_up(self, work: Awaitable[T]) -> T:
        """Awaits ``work``; cancels it and raises HaltedError as soon as the scan is to end."""
        working = asyncio.ensure_future(work)
        halting = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({working, halting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            halting.cancel()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        if self.reason is not None:
            raise HaltedError
        return working.result()

    async def watch(self, should_stop: Callable[[], Awaitable[bool]], interval: float) -> None:
        """Asks ``should_stop`` every ``interval`` seconds until the scan ends."""
        while self.reason is None:
            if await should_stop():
                self.set("stopped")
                return
            try:
                async with asyncio.timeout(interval):
                    await self._event.wait()
            except TimeoutError:
                continue
