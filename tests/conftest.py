"""Fixtures every room's tests share."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

#: So many more objects than went away are left for the collector, which looks through them behind a test.
_LEFT = 200_000

Tree = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes files (relative path to text) into a fresh folder and returns the folder."""

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return tmp_path

    return write


def pytest_collection_finish() -> None:
    """What is made for all tests stays, and the collector is off in them: it takes a tenth of the engine's time."""
    gc.collect()
    gc.freeze()
    gc.disable()


def pytest_runtest_teardown() -> None:
    """Takes away what the tests have left in cycles."""
    if gc.get_count()[0] > _LEFT:
        gc.collect()
