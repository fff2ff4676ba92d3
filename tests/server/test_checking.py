"""Checks that follow each other, and changes that arrive meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from lsprotocol import types

from sessionlint.server.buffers import Buffer
from sessionlint.server.checking import Checker, Desk
from sessionlint.server.language_server import Server
from sessionlint.server.workspace import Overview, Workspace


class SlowWorkspace(Workspace):
    """Checks when it is allowed to, and remembers which texts."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = threading.Semaphore(0)
        self.checked: list[str] = []
        self.rescans: list[bool] = []

    def arrange(self, folders: Sequence[Path], files: Iterable[Path], *, rescan: bool) -> None:
        self.rescans.append(rescan)

    def check(self, buffers: Mapping[Path, Buffer], outdated: Callable[[], bool] = lambda: False) -> Overview | None:
        (buffer,) = buffers.values()
        self.checked.append(buffer.text)
        self.allowed.acquire()
        if buffer.text == "defect":
            raise ValueError("broken")
        return None if outdated() else Overview(notices=(buffer.text,))


class Typist:
    """A text that changes, and what is said about it."""

    def __init__(self) -> None:
        self.text, self.number = "", 0
        self.published: list[str] = []
        self.failures: list[str] = []
        self.workspace = SlowWorkspace()
        self.checker = Checker(self._desk, self._publish, lambda e: self.failures.append(str(e)), self.workspace)

    def type(self, text: str, *, rescan: bool = False) -> None:
        self.text, self.number = text, self.number + 1
        self.checker.want(rescan=rescan)

    def _desk(self) -> Desk:
        return Desk((), {Path("a.py"): Buffer("", self.text)}, self.number)

    def _publish(self, desk: Desk, overview: Overview) -> None:
        self.published += overview.notices


@pytest.fixture
def typist() -> Typist:
    return Typist()


async def begun(typist: Typist, number: int) -> None:
    while len(typist.workspace.checked) < number:
        await asyncio.sleep(0)


async def test_changes_during_a_check_are_checked_together_and_the_outdated_result_is_dropped(typist: Typist) -> None:
    typist.type("first")
    await begun(typist, 1)
    for number in range(40):
        typist.type(f"then {number}")
    typist.workspace.allowed.release(2)
    _, overview = await typist.checker.settled()
    assert typist.workspace.checked == ["first", "then 39"]
    assert typist.published == ["then 39"]
    assert overview.notices == ("then 39",)


async def test_the_disk_is_read_at_first_and_when_it_is_asked_for(typist: Typist) -> None:
    typist.workspace.allowed.release(3)
    typist.type("first")
    await typist.checker.settled()
    typist.type("second")
    await typist.checker.settled()
    typist.type("third", rescan=True)
    await typist.checker.settled()
    assert typist.workspace.rescans == [True, False, True]


async def test_after_a_check_that_failed_the_next_one_is_made(typist: Typist) -> None:
    typist.workspace.allowed.release(2)
    typist.type("defect")
    await typist.checker.settled()
    typist.type("sound")
    await typist.checker.settled()
    assert (typist.failures, typist.published) == (["broken"], ["sound"])


async def test_a_call_is_told_when_the_text_changes_and_when_nobody_waits_any_more(typist: Typist) -> None:
    asked, answer = threading.Event(), threading.Event()
    heard: list[bool] = []

    def call(outdated: Callable[[], bool]) -> None:
        heard.append(outdated())
        asked.set()
        answer.wait()
        heard.append(outdated())

    running = asyncio.ensure_future(typist.checker.run(call))
    await asyncio.to_thread(asked.wait)
    typist.number += 1
    answer.set()
    await running
    assert heard == [False, True]

    asked.clear()
    answer.clear()
    running = asyncio.ensure_future(typist.checker.run(call))
    await asyncio.to_thread(asked.wait)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    answer.set()
    await typist.checker.run(lambda _: None)
    assert heard == [False, True, False, True]


def test_a_text_that_changed_while_it_was_checked_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    said: list[types.PublishDiagnosticsParams] = []
    monkeypatch.setattr(server.language_server, "text_document_publish_diagnostics", said.append)
    checked = {Path("/a.py"): Buffer("file:///a.py", "", 1), Path("/b.py"): Buffer("file:///b.py", "", 1)}
    server._buffers = {**checked, Path("/a.py"): Buffer("file:///a.py", "new", 2)}
    server._publish(Desk((), checked, 1), Overview())
    assert [(params.uri, params.version) for params in said] == [("file:///b.py", 1)]
