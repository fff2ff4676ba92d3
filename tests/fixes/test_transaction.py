"""Several files are written as one, whatever happens on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessionlint.errors import UsageError
from sessionlint.fixes import transaction
from sessionlint.fixes.transaction import (
    Recovery,
    Write,
    finish_interrupted,
    journal_folder,
    recover,
    restore,
    write_together,
)
from sessionlint.policy import Policy

WRITES = (Write("a.py", b"a = 1\n", b"a = 2\n"), Write("b/b.py", b"b = 1\n", b"b = 2\n"))


@pytest.fixture
def root(tree):
    return tree({"a.py": "a = 1\n", "b/b.py": "b = 1\n", ".cache/x": ""})


def contents(root: Path) -> tuple[str, str]:
    return (root / "a.py").read_text(), (root / "b/b.py").read_text()


def interrupted(root: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Leaves things as a process does that is killed after writing ``after`` files."""
    put = transaction._put
    written: list[Path] = []

    def dying(path: Path, data: bytes) -> None:
        if len(written) == after:
            raise KeyboardInterrupt
        written.append(path)
        put(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(transaction, "_put", dying)
        with pytest.raises(KeyboardInterrupt):
            write_together(root, root / ".cache", WRITES)


def test_all_files_are_written_and_the_journal_goes(root):
    write_together(root, root / ".cache", WRITES)
    assert contents(root) == ("a = 2\n", "b = 2\n")
    assert not (root / ".cache/fix-journal.json").exists()


def test_what_was_written_can_be_put_back(root):
    write_together(root, root / ".cache", WRITES)
    restore(root, root / ".cache", WRITES)
    assert contents(root) == ("a = 1\n", "b = 1\n")


def test_a_file_that_changed_meanwhile_stops_everything(root):
    (root / "b/b.py").write_text("b = 3\n")
    with pytest.raises(UsageError, match=r"b/b\.py has changed while it was worked on; nothing is written"):
        write_together(root, root / ".cache", WRITES)
    assert contents(root) == ("a = 1\n", "b = 3\n")


def test_a_file_that_cannot_be_written_takes_the_others_back(root, monkeypatch):
    put = transaction._put

    def failing(path, data):
        if path.name == "b.py":
            raise OSError(28, "No space left on device")
        put(path, data)

    monkeypatch.setattr(transaction, "_put", failing)
    with pytest.raises(UsageError, match=r"cannot write b/b\.py: No space left on device; nothing is changed"):
        write_together(root, root / ".cache", WRITES)
    assert contents(root) == ("a = 1\n", "b = 1\n")
    assert not (root / ".cache/fix-journal.json").exists()


def test_mode_and_links_stay(root):
    (root / "real").mkdir()
    (root / "a.py").rename(root / "real/a.py")
    (root / "a.py").symlink_to("real/a.py")
    (root / "real/a.py").chmod(0o751)
    write_together(root, root / ".cache", WRITES)
    assert (root / "a.py").is_symlink()
    assert (root / "real/a.py").read_text() == "a = 2\n"
    assert (root / "real/a.py").stat().st_mode & 0o777 == 0o751


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_files_with_their_owner(root):
    os.chown(root / "a.py", 1234, 4321)
    write_together(root, root / ".cache", WRITES)
    status = (root / "a.py").stat()
    assert (status.st_uid, status.st_gid) == (1234, 4321)


@pytest.mark.parametrize("after", [0, 1])
def test_an_interrupted_write_is_completed_at_the_next_start(root, monkeypatch, after):
    interrupted(root, monkeypatch, after)
    (root / "b/.b.py.abcdefgh.tmp").write_bytes(b"b =")
    said = finish_interrupted(root, Policy(root=root, cache_dir=".cache"))
    assert said == "An interrupted fix was completed: a.py, b/b.py."
    assert contents(root) == ("a = 2\n", "b = 2\n")
    assert sorted(path.name for path in (root / "b").iterdir()) == ["b.py"]
    assert finish_interrupted(root, Policy(root=root, cache_dir=".cache")) == ""


def test_an_interrupted_write_is_undone_when_somebody_edited_a_file_since(root, monkeypatch):
    interrupted(root, monkeypatch, 1)
    (root / "b/b.py").write_text("b = 9\n")
    assert recover(root, root / ".cache") == Recovery(restored=("a.py",), edited=("b/b.py",))
    assert contents(root) == ("a = 1\n", "b = 9\n")
    assert not (root / ".cache/fix-journal.json").exists()


def test_a_journal_that_cannot_be_read_is_left_for_a_person(root):
    journal = root / ".cache/fix-journal.json"
    journal.write_text("{")
    with pytest.raises(UsageError, match=r"fix-journal\.json is left from an interrupted fix and cannot be read"):
        finish_interrupted(root, Policy(root=root, cache_dir=".cache"))
    assert journal.exists()


def test_two_writers_at_once_do_not_mix(root):
    with (
        transaction._locked(root / ".cache"),
        pytest.raises(UsageError, match="another process is fixing this project"),
    ):
        write_together(root, root / ".cache", WRITES)
    assert contents(root) == ("a = 1\n", "b = 1\n")


def test_a_project_without_a_place_for_the_journal_is_told(tree):
    root = tree({"cache": "a file\n"})
    with pytest.raises(UsageError, match=r"cannot write to .*cache: make it writable"):
        journal_folder(root, Policy(root=root, cache_dir="cache"))


def test_killed_at_200_points_no_file_is_half_written_and_no_change_half_done(tmp_path):
    program = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, program, tmp_path, "200", "20261121"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    seen = [tuple(pair) for pair in json.loads(done.stdout)]
    assert len(seen) == 200
    # the kills did hit the middle: some files were new and others still old
    assert len(set(seen)) == 5
    assert sum(0 < old < 4 for old, _ in seen) > 40
