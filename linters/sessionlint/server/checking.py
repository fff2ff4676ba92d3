"""Checks follow each other on one thread; what changes meanwhile is taken together for the next."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sessionlint.server.buffers import Buffer
from sessionlint.server.workspace import Overview, Workspace

T = TypeVar("T")

_THOROUGH = 20
"""After so many checks the collector looks at everything, not only at what is young."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the editor has open at one moment; ``number`` counts the moments."""

    folders: tuple[Path, ...]
    buffers: Mapping[Path, Buffer]
    number: int


class Checker:
    """Keeps the overview up to date.

    A change starts a check at once, unless one is under way: then all changes until its end are checked together.
    So a single edit waits for nothing, and a burst of them costs two checks however long it is.
    """

    def __init__(
        self,
        desk: Callable[[], Desk],
        publish: Callable[[Desk, Overview], None],
        failed: Callable[[Exception], None],
        workspace: Workspace | None = None,
    ) -> None:
        """``publish`` gets every overview and what it is about; ``failed`` what no check should ever raise."""
        self._desk = desk
        self._publish = publish
        self._failed = failed
        self._workspace = workspace or Workspace()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sessionlint-check")
        self._task: asyncio.Task[None] | None = None
        self._rescan = True
        self._wanted = False
        self._checks = 0
        self.overview = Overview()

    def want(self, *, rescan: bool = False) -> None:
        """Something changed; with ``rescan`` on the disk."""
        self._wanted = True
        self._rescan |= rescan
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._work())

    async def settled(self) -> tuple[Desk, Overview]:
        """What the editor has open, and the overview of exactly that."""
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)
        return self._desk(), self.overview

    async def run(self, call: Callable[[Callable[[], bool]], T]) -> T:
        """The result of ``call`` on the checking thread; it is told when anything changed, or nobody waits any more."""
        number = self._desk().number
        given_up = False

        def outdated() -> bool:
            return given_up or self._desk().number != number

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call, outdated)
        except asyncio.CancelledError:
            given_up = True
            raise

    def close(self) -> None:
        """Ends the thread; a check that is under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._wanted:
            rescan, self._wanted, self._rescan = self._rescan, False, False
            desk = self._desk()
            try:
                overview = await loop.run_in_executor(self._thread, self._check, desk, rescan)
            except Exception as error:
                self._failed(error)
                continue
            if overview is not None:
                self.overview = overview
                self._publish(desk, overview)
            if not self._wanted:
                await loop.run_in_executor(self._thread, self._tidy)

    def _check(self, desk: Desk, rescan: bool) -> Overview | None:
        self._workspace.arrange(desk.folders, desk.buffers, rescan=rescan)
        return self._workspace.check(desk.buffers, lambda: self._wanted)

    def _tidy(self) -> None:
        """Collects garbage while nobody waits; the collector is off otherwise, for it would stop checks half way."""
        self._checks += 1
        if self._checks == 1:
            gc.collect()
            gc.freeze()
            for project in self.overview.projects.values():
                project.save_cache()
        gc.collect(2 if self._checks % _THOROUGH == 0 else 1)
