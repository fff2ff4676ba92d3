"""Several processes give what one gives, and survive each other's death."""

from __future__ import annotations

import ast
import marshal
import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from sessionlint.facts import extract as extract_module
from sessionlint.facts import parallel
from sessionlint.facts.cache import FactsCache
from sessionlint.facts.extract import Extraction, extract

TESTS_OWN_PROCESS = os.getpid()


@pytest.fixture(autouse=True)
def _always_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract_module, "_WORTH_A_PROCESS", 0)


@pytest.fixture
def workers_do_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves all chunks to the workers, so that it is certain who meets which file."""
    monkeypatch.setattr(parallel._Team, "work", lambda self: [])


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    names = []
    for number in range(60):
        names.append(f"m{number:02}.py")
        (tmp_path / names[-1]).write_text(f"x{number} = 1\n" * (number * number + 1))
    (tmp_path / "m07.py").write_text("x = = 1\n")
    (tmp_path / "m08.py").write_text("type X = f'{x['y']}'\n")
    return names


def lower(tree: ast.Module, source: str) -> tuple[Any, ...]:
    return (source.count("\n"), os.getpid() == TESTS_OWN_PROCESS)


def run(root: Path, files: list[str], workers: int = 3, lowering: Any = lower, cache: Any = None) -> Extraction:
    return extract(root, files, cache or FactsCache(None), lowering, re.compile(rb"x[^3]"), workers)


def counts(extraction: Extraction) -> dict[str, int | None]:
    return {path: marshal.loads(blob)[0] if blob else None for path, blob in extraction.blobs.items()}


def no_children_left() -> bool:
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    return True


@pytest.mark.parametrize("workers", [2, 5, 200])
def test_the_result_is_that_of_one_process(tmp_path: Path, files: list[str], workers: int) -> None:
    alone, together = run(tmp_path, files, 1), run(tmp_path, files, workers)
    assert list(counts(together).items()) == list(counts(alone).items())
    assert together.errors == alone.errors
    assert [error.path for error in together.errors] == ["m07.py"]
    assert together.stats == alone.stats
    assert no_children_left()


@pytest.mark.usefixtures("workers_do_everything")
def test_other_processes_do_the_work(tmp_path: Path, files: list[str]) -> None:
    blobs = run(tmp_path, files).blobs
    assert {marshal.loads(blob)[1] for blob in blobs.values() if blob} == {False}


@pytest.mark.usefixtures("workers_do_everything")
def test_what_workers_find_in_the_cache_by_content_is_not_read_again(tmp_path: Path, files: list[str]) -> None:
    cache = FactsCache(None)
    first = run(tmp_path, files, cache=cache)

    def never(tree: ast.Module, source: str) -> tuple[Any, ...]:
        raise AssertionError(source)

    for name in files:
        os.utime(tmp_path / name, ns=(1, 1))
    second = run(tmp_path, files, lowering=never, cache=cache)
    assert (second.blobs, second.errors) == (first.blobs, first.errors)
    assert (second.stats.reused, second.stats.read) == (60, 0)


@pytest.mark.usefixtures("workers_do_everything")
@pytest.mark.parametrize("workers", [2, 4])
def test_a_worker_that_dies_costs_only_the_file_it_died_of(tmp_path: Path, files: list[str], workers: int) -> None:
    (tmp_path / "m20.py").write_text("x_deadly = 1\n")
    (tmp_path / "m40.py").write_text("x_deadly = 2\n")

    def deadly(tree: ast.Module, source: str) -> tuple[Any, ...]:
        if "x_deadly" in source:
            os.kill(os.getpid(), signal.SIGKILL)
        return lower(tree, source)

    result = run(tmp_path, files, workers, deadly)
    died = "cannot be read: the process reading it died (signal 9); exclude it from the check"
    assert [(error.path, error.message) for error in result.errors if error.path != "m07.py"] == [
        ("m20.py", died),
        ("m40.py", died),
    ]
    assert len(result.blobs) == 57
    assert no_children_left()


@pytest.mark.usefixtures("workers_do_everything")
def test_a_worker_that_leaves_without_a_word_costs_only_its_file(tmp_path: Path, files: list[str]) -> None:
    def leaving(tree: ast.Module, source: str) -> tuple[Any, ...]:
        if source.startswith("x20 "):
            os._exit(3)
        return lower(tree, source)

    result = run(tmp_path, files, lowering=leaving)
    assert [error.path for error in result.errors] == ["m07.py", "m20.py"]
    assert "(exit status 3)" in result.errors[1].message


def test_an_interrupt_leaves_no_process_behind(tmp_path: Path, files: list[str]) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(tmp_path, files, FactsCache(None), lower, workers=3, progress=interrupt)
    assert no_children_left()


def test_progress_only_grows_and_ends_at_all_files(tmp_path: Path, files: list[str]) -> None:
    calls: list[tuple[int, int]] = []
    extract(tmp_path, files, FactsCache(None), lower, workers=3, progress=lambda *call: calls.append(call))
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1] == (60, 60)


def no_fork() -> int:
    raise OSError(11, "Resource temporarily unavailable")


def test_without_room_for_a_process_one_does_it_all(
    tmp_path: Path, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", no_fork)
    assert counts(run(tmp_path, files)) == counts(run(tmp_path, files, 1))


def test_without_fork_one_process_does_it_all(
    tmp_path: Path, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fork")
    assert counts(run(tmp_path, files)) == counts(run(tmp_path, files, 1))


def test_with_other_threads_running_nothing_is_forked(
    tmp_path: Path, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert len(run(tmp_path, files).blobs) == 59
    finally:
        done.set()
        thread.join()
