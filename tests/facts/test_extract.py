"""Many files become facts; what is wrong with one does not touch the others."""

from __future__ import annotations

import ast
import gc
import marshal
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionlint.facts import extract as extract_module
from sessionlint.facts.cache import FactsCache
from sessionlint.facts.extract import Extraction, extract
from sessionlint.facts.packing import pack, unpack
from sessionlint.facts.source import with_deep_stack
from sessionlint.report import CheckError


class Lowering:
    """Stands in for the lowering: names bound at module level; remembers in which files it was called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, tree: ast.Module, source: str) -> tuple[Any, ...]:
        self.seen.append(source)
        return tuple(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def project(root: Path, **files: str | bytes) -> list[str]:
    for name, content in files.items():
        (root / f"{name}.py").write_bytes(content if isinstance(content, bytes) else content.encode())
    return [f"{name}.py" for name in files]


def later(directory: Path | None) -> FactsCache:
    """A cache that runs a minute from now, so that files written by the test count as settled."""
    return FactsCache(directory, clock=lambda: time.time_ns() + 60 * 10**9)


def run(
    root: Path,
    files: list[str],
    cache: FactsCache | None = None,
    lower: Callable[[ast.Module, str], tuple[Any, ...]] | None = None,
    screen: bytes | None = None,
) -> Extraction:
    pattern = None if screen is None else re.compile(screen)
    return extract(root, files, cache or later(None), lower or Lowering(), pattern)


def facts(extraction: Extraction) -> dict[str, object]:
    return {path: marshal.loads(blob) if blob else None for path, blob in extraction.blobs.items()}


def messages(extraction: Extraction) -> dict[str, str]:
    return {f"{error.path}:{error.line}:{error.column}": error.message for error in extraction.errors}


def test_every_file_gets_its_facts_in_the_order_asked(tmp_path: Path) -> None:
    files = project(tmp_path, b="y = 1", a="x = z", empty="")
    result = run(tmp_path, files)
    assert list(facts(result).items()) == [("b.py", ("y",)), ("a.py", ("x", "z")), ("empty.py", ())]
    assert result.errors == ()


def test_bad_files_are_reported_and_the_others_read(tmp_path: Path) -> None:
    fix = "; fix the file, or exclude it from the check"
    files = project(
        tmp_path,
        syntax="x = 1\ny = = 2\n",
        python2='print "x"\n',
        undecodable=b"x = 1\ny = '\xff'\n",
        null=b"x = 1\0\n",
        parentheses="(" * 2_000 + ")" * 2_000,
        powers="a**" * 20_000 + "a",
        bom=b"\xef\xbb\xbfx = 1\n",
        crlf=b"x = 1\r\ny = 2\r\n",
        formfeed=b"x = 1\n\f\ny = 2\n",
        cookie=b"# coding: latin-1\nx = '\xe9'\n",
        chain="x" + ".a()" * 900,
        good="x = 1\n",
    )
    result = run(tmp_path, files)
    assert list(result.blobs) == ["bom.py", "crlf.py", "formfeed.py", "cookie.py", "chain.py", "good.py"]
    flatten = "break the longest expression into several statements, or exclude the file from the check"
    assert messages(result) == {
        "syntax.py:2:5": f"is not valid Python: invalid syntax{fix}",
        "python2.py:1:1": "looks like Python 2: Missing parentheses in call to 'print'. Did you mean print(...)?; "
        "port the file to Python 3, or exclude it from the check",
        "undecodable.py:2:6": "byte 0xff is not utf-8; "
        "save the file as UTF-8, or name its encoding in a coding comment on line 1",
        "null.py:1:6": "holds a null byte; save the file as UTF-8 text, or exclude it from the check",
        "parentheses.py:1:201": f"the code nests too deeply to be read (too many nested parentheses); {flatten}",
        "powers.py:1:1": f"the code nests too deeply to be read; {flatten}",
    }
    assert (result.stats.files, result.stats.failed, result.stats.read) == (12, 6, 12)


def test_paths_that_hold_no_readable_file_are_reported(tmp_path: Path) -> None:
    files = project(tmp_path, good="x = 1\n")
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    result = run(tmp_path, ["gone.py", "dangling.py", "loop.py", "folder.py", "pipe.py", *files])
    vanished = "cannot be read: no such file (it vanished, or is a link to nothing); run again"
    assert messages(result) == {
        "gone.py:1:1": vanished,
        "dangling.py:1:1": vanished,
        "loop.py:1:1": f"cannot be read: {os.strerror(40)}; grant access to it, or exclude it from the check",
        "folder.py:1:1": "cannot be read: it is a directory; exclude it from the check",
        "pipe.py:1:1": "cannot be read: it is not a regular file; exclude it from the check",
    }
    assert facts(result) == {"good.py": ("x",)}


def test_a_path_that_cannot_exist_is_reported(tmp_path: Path) -> None:
    (error,) = run(tmp_path, ["nul\0.py"]).errors
    assert (error.path, error.line) == ("nul\0.py", 1)
    assert "embedded null" in error.message


def test_a_file_that_vanishes_during_the_run_is_reported(tmp_path: Path) -> None:
    files = project(tmp_path, a="x = 1", b="y = 1", c="z = 1")

    def progress(done: int, total: int) -> None:
        if done == 1:
            (tmp_path / "b.py").unlink()

    result = extract(tmp_path, files, later(None), Lowering(), progress=progress)
    assert list(result.blobs) == ["a.py", "c.py"]
    assert [error.path for error in result.errors] == ["b.py"]
    assert "it vanished" in result.errors[0].message


def test_an_unreadable_file_is_reported_and_read_once_it_is_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = project(tmp_path, a="x = 1", b="y = 1")
    read = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self.name == "a.py":
            raise PermissionError(13, "Permission denied", str(self))
        return read(self)

    cache = later(None)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    result = run(tmp_path, files, cache)
    message = "cannot be read: Permission denied; grant access to it, or exclude it from the check"
    assert result.errors == (CheckError("a.py", 1, message),)
    assert facts(result) == {"b.py": ("y",)}
    monkeypatch.undo()
    assert facts(run(tmp_path, files, cache)) == {"a.py": ("x",), "b.py": ("y",)}


def test_names_with_spaces_and_of_any_script_are_kept(tmp_path: Path) -> None:
    odd = ["with space.py", "größe.py", "日本.py", os.fsdecode(b"latin-\xe9.py")]
    for name in odd:
        (tmp_path / name).write_text("x = 1")
    (tmp_path / odd[1]).write_text("x = = 1")
    result = run(tmp_path, odd, later(tmp_path / "cache"))
    assert list(result.blobs) == [odd[0], odd[2], odd[3]]
    assert [error.path for error in result.errors] == [odd[1]]


def test_a_second_run_reads_nothing_and_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = project(tmp_path, a="x = 1", broken="x = = 1", other="import os")
    cache = later(tmp_path / "cache")
    first = run(tmp_path, files, cache, screen=b"x")
    assert cache.save()
    monkeypatch.setattr(extract_module, "_read", lambda reader, stale, *_: [] if not stale else pytest.fail(str(stale)))
    second = run(tmp_path, files, later(tmp_path / "cache"), screen=b"x")
    assert (second.blobs, second.errors) == (first.blobs, first.errors)
    assert (second.stats.unchanged, second.stats.read, second.stats.failed) == (3, 0, 1)


def test_a_touched_file_is_read_but_not_lowered_again(tmp_path: Path) -> None:
    files = project(tmp_path, a="x = 1", b="y = 1")
    cache = later(None)
    run(tmp_path, files, cache)
    os.utime(tmp_path / "a.py", ns=(1, 1))
    lower = Lowering()
    result = run(tmp_path, files, cache, lower)
    assert facts(result) == {"a.py": ("x",), "b.py": ("y",)}
    assert lower.seen == []
    assert (result.stats.unchanged, result.stats.reused, result.stats.read) == (1, 1, 0)


def test_a_changed_file_is_lowered_again(tmp_path: Path) -> None:
    files = project(tmp_path, a="x = 1", b="y = 1")
    cache = later(None)
    run(tmp_path, files, cache)
    project(tmp_path, a="new = 1")
    lower = Lowering()
    assert facts(run(tmp_path, files, cache, lower)) == {"a.py": ("new",), "b.py": ("y",)}
    assert lower.seen == ["new = 1"]


def test_bytes_that_no_encoding_has_are_reported_in_files_the_screen_leaves_out(tmp_path: Path) -> None:
    """Python refuses them in comments, too."""
    files = project(tmp_path, comment=b"x = 1  # caf\xe9\n", cookie=b"# coding: latin-1\nx = 1  # caf\xe9\n")
    result = run(tmp_path, files, screen=rb"session")
    remedy = "save the file as UTF-8, or name its encoding in a coding comment on line 1"
    assert messages(result) == {"comment.py:1:13": f"byte 0xe9 is not utf-8; {remedy}"}


def test_files_the_screen_leaves_out_are_checked_but_not_lowered(tmp_path: Path) -> None:
    files = project(tmp_path, hit="session = 1", miss="x = 1", broken="y = = 1", new="type X = f'{a['b']}'")
    lower = Lowering()
    result = run(tmp_path, files, lower=lower, screen=rb"session")
    assert facts(result) == {"hit.py": ("session",), "miss.py": None, "new.py": None}
    assert result.blobs["miss.py"] == b""
    assert [error.path for error in result.errors] == ["broken.py"]
    assert lower.seen == ["session = 1"]


@pytest.mark.parametrize("kept", [True, False], ids=["same run", "next run"])
def test_what_one_screen_left_out_another_lets_in(tmp_path: Path, kept: bool) -> None:
    files = project(tmp_path, a="session = 1", b="engine = 1", broken="engine = = 1")
    cache = later(tmp_path / "cache")
    expected = {
        b"session": {"a.py": ("session",), "b.py": None},
        b"engine": {"a.py": None, "b.py": ("engine",)},
    }
    lower = Lowering()
    for screen in (b"session", b"engine", b"session", b"engine"):
        result = run(tmp_path, files, cache, lower, screen)
        assert facts(result) == expected[screen]
        assert [error.path for error in result.errors] == ["broken.py"]
        cache.save()
        cache = cache if kept else later(tmp_path / "cache")
    assert lower.seen == ["session = 1", "engine = 1"]


def test_a_lowering_that_needs_a_deep_stack_gets_one(tmp_path: Path) -> None:
    def depth(node: ast.AST) -> int:
        return 1 + depth(node.left) if isinstance(node, ast.BinOp) else 0

    def lower(tree: ast.Module, source: str) -> tuple[int]:
        (statement,) = tree.body
        assert isinstance(statement, ast.Expr)
        return (depth(statement.value),)

    files = project(tmp_path, a="a" + "+a" * 2_000)
    assert facts(run(tmp_path, files, lower=lower)) == {"a.py": (2_000,)}


def failing(error: Exception) -> Callable[[ast.Module, str], tuple[Any, ...]]:
    def lower(tree: ast.Module, source: str) -> tuple[Any, ...]:
        if "bad" in source:
            raise error
        return ()

    return lower


def nested(levels: int) -> tuple[Any, ...]:
    value: tuple[Any, ...] = ()
    for _ in range(levels):
        value = (value,)
    return value


DEEP = "the code nests too deeply to be analysed; simplify the code, or exclude the file from the check"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError("deep"), DEEP),
        (MemoryError(), DEEP),
        (KeyError("x"), "cannot be analysed (KeyError: 'x'); this is a fault of sessionlint, please report it"),
        (ValueError("x"), "cannot be analysed (ValueError: x); this is a fault of sessionlint, please report it"),
    ],
)
def test_a_failing_lowering_costs_one_file_and_is_tried_again(tmp_path: Path, error: Exception, message: str) -> None:
    files = project(tmp_path, a="good = 1", b="bad = 1", c="good = 2")
    cache = later(None)
    result = run(tmp_path, files, cache, failing(error))
    assert result.errors == (CheckError("b.py", 1, message),)
    assert list(result.blobs) == ["a.py", "c.py"]
    assert run(tmp_path, files, cache).errors == ()


def test_facts_deeper_than_marshal_stores_at_once_come_back_whole(tmp_path: Path) -> None:
    files = project(tmp_path, a="x")
    result = run(tmp_path, files, lower=lambda tree, source: nested(5_000))
    assert result.errors == ()
    levels, facts = 0, with_deep_stack(lambda: unpack(result.blobs["a.py"]))
    while facts:
        levels, (facts,) = levels + 1, facts
    assert levels == 5_000


def test_a_string_that_looks_like_the_mark_of_deep_facts_is_a_string() -> None:
    facts = ("k", ("\0deep", "b"), "\0deep")
    assert unpack(pack(facts)) == facts


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_off_while_reading_and_then_as_before(tmp_path: Path, enabled: bool) -> None:
    states: list[bool] = []

    def lower(tree: ast.Module, source: str) -> tuple[Any, ...]:
        states.append(gc.isenabled())
        raise KeyboardInterrupt

    files = project(tmp_path, a="x")
    before = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, files, lower=lower)
        assert (states, gc.isenabled()) == ([False], enabled)
    finally:
        gc.enable() if before else gc.disable()


def test_progress_counts_cached_files_too_and_ends_at_all(tmp_path: Path) -> None:
    files = project(tmp_path, a="x", b="y", c="z")
    cache = later(None)
    run(tmp_path, files[:1], cache)
    calls: list[tuple[int, int]] = []
    extract(tmp_path, files, cache, Lowering(), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(2, 3), (3, 3)]


def test_small_work_is_done_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    assert list(run(tmp_path, project(tmp_path, a="x", b="y")).blobs) == ["a.py", "b.py"]


def test_no_files_are_no_facts(tmp_path: Path) -> None:
    result = run(tmp_path, [])
    assert (result.blobs, result.errors, result.stats.files) == ({}, (), 0)
