"""What the cache gives back is what was put in, or nothing."""

from __future__ import annotations

import marshal
import tempfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionlint.facts import cache as cache_module
from sessionlint.facts.cache import FactsCache, content_key

SECOND = 10**9
DAY = 86_400 * SECOND
NOW = 20_000 * DAY


@dataclass(frozen=True)
class Stat:
    """A file as the file system shows it, last changed an hour ago."""

    st_size: int = 10
    st_mtime_ns: int = NOW - 3_600 * SECOND
    st_ctime_ns: int = NOW - 3_600 * SECOND
    st_ino: int = 7


def opened(directory: Path | None, now: int = NOW, version: int = 1) -> FactsCache:
    return FactsCache(directory, version=version, clock=lambda: now)


def saved(directory: Path, **blobs: bytes) -> None:
    cache = opened(directory)
    for path, blob in blobs.items():
        cache.put(path, Stat(), content_key(path.encode()), blob)
    assert cache.save()


def the_pack(directory: Path) -> Path:
    (pack,) = directory.glob("*.pack")
    return pack


def test_an_unchanged_file_is_found_by_the_next_run(tmp_path: Path) -> None:
    saved(tmp_path / "cache", a=b"facts of a", b=b"")
    cache = opened(tmp_path / "cache")
    assert (cache.lookup("a", Stat()), cache.lookup("b", Stat()), cache.lookup("c", Stat())) == (
        b"facts of a",
        b"",
        None,
    )


@pytest.mark.parametrize(
    "changed",
    [Stat(st_size=11), Stat(st_mtime_ns=1), Stat(st_ctime_ns=1), Stat(st_ino=8)],
    ids=["size", "modification time", "change time", "inode"],
)
def test_a_changed_file_is_not_found_but_its_old_content_is(tmp_path: Path, changed: Stat) -> None:
    saved(tmp_path, a=b"facts of a")
    cache = opened(tmp_path)
    assert cache.lookup("a", changed) is None
    assert cache.get(content_key(b"a")) == b"facts of a"


@pytest.mark.parametrize("field", ["st_mtime_ns", "st_ctime_ns"])
@pytest.mark.parametrize(("age", "trusted"), [(1 * SECOND, False), (3 * SECOND, True), (-DAY, False)])
def test_a_file_that_changed_just_before_the_run_must_be_read_again(
    tmp_path: Path, field: str, age: int, trusted: bool
) -> None:
    stat = replace(Stat(), **{field: NOW - age})
    cache = opened(tmp_path)
    cache.put("a", stat, content_key(b"a"), b"facts")
    cache.save()
    later = opened(tmp_path, NOW + DAY)
    assert later.lookup("a", stat) == (b"facts" if trusted else None)


def test_an_untrusted_file_does_not_become_trusted_by_being_carried_along(tmp_path: Path) -> None:
    stat = Stat(st_mtime_ns=NOW)
    cache = opened(tmp_path)
    cache.put("a", stat, content_key(b"a"), b"facts")
    cache.save()
    other = opened(tmp_path, NOW + DAY)
    other.put("b", Stat(), content_key(b"b"), b"other")
    other.save()
    assert opened(tmp_path, NOW + DAY).lookup("a", stat) is None


def test_a_file_read_again_is_trusted_from_then_on(tmp_path: Path) -> None:
    stat = Stat(st_mtime_ns=NOW)
    for now in (NOW, NOW + DAY):
        cache = opened(tmp_path, now)
        cache.put("a", stat, content_key(b"a"), b"facts")
        cache.save()
    assert opened(tmp_path, NOW + DAY).lookup("a", stat) == b"facts"


def test_another_version_of_the_facts_starts_empty_and_leaves_the_first_alone(tmp_path: Path) -> None:
    saved(tmp_path, a=b"facts")
    newer = opened(tmp_path, version=2)
    assert newer.get(content_key(b"a")) is None
    newer.put("a", Stat(), content_key(b"a"), b"newer facts")
    newer.save()
    assert opened(tmp_path).lookup("a", Stat()) == b"facts"
    assert opened(tmp_path, version=2).lookup("a", Stat()) == b"newer facts"


def test_a_pack_renamed_to_another_version_is_not_read(tmp_path: Path) -> None:
    saved(tmp_path, a=b"facts")
    pack = the_pack(tmp_path)
    pack.rename(tmp_path / pack.name.replace("facts-1-", "facts-2-"))
    assert opened(tmp_path, version=2).lookup("a", Stat()) is None


CONTENT = {name: marshal.dumps((name, tuple(range(20)))) for name in ("a", "b", "c")}


@given(st.data())
def test_a_damaged_pack_gives_the_right_facts_or_none_and_heals(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        saved(directory, **CONTENT)
        sound = the_pack(directory).read_bytes()
        damaged = bytearray(sound[: data.draw(st.integers(0, len(sound)), "length")])
        for at in data.draw(st.lists(st.integers(0, max(len(damaged) - 1, 0)), max_size=4), "flipped"):
            if damaged:
                damaged[at] ^= data.draw(st.integers(1, 255), "bits")
        the_pack(directory).write_bytes(damaged + data.draw(st.binary(max_size=20), "appended"))

        cache = opened(directory)
        for path, blob in CONTENT.items():
            assert cache.lookup(path, Stat()) in (None, blob)
            cache.put(path, Stat(), content_key(path.encode()), blob)
        assert cache.save()
        healed = opened(directory)
        assert {path: healed.lookup(path, Stat()) for path in CONTENT} == CONTENT


@pytest.mark.parametrize("garbage", [b"", b"SLFACTS1", b"\0" * 4_096, b"SLFACTS1" + b"\xff" * 100])
def test_garbage_in_place_of_the_pack_is_an_empty_cache(tmp_path: Path, garbage: bytes) -> None:
    saved(tmp_path, a=b"facts")
    the_pack(tmp_path).write_bytes(garbage)
    assert opened(tmp_path).lookup("a", Stat()) is None


def test_one_damaged_blob_costs_only_itself(tmp_path: Path) -> None:
    saved(tmp_path, a=b"facts of a", b=b"facts of b")
    pack = the_pack(tmp_path)
    pack.write_bytes(pack.read_bytes().replace(b"facts of a", b"fakes of a"))
    cache = opened(tmp_path)
    assert (cache.lookup("a", Stat()), cache.lookup("b", Stat())) == (None, b"facts of b")
    cache.put("a", Stat(), content_key(b"a"), b"facts of a")
    cache.save()
    assert opened(tmp_path).lookup("a", Stat()) == b"facts of a"


def use(directory: Path, now: int, *paths: str) -> None:
    """A run that looks at some of the files and reads one that is new to it."""
    cache = opened(directory, now)
    for path in paths:
        assert cache.lookup(path, Stat()) is not None
    cache.put(f"new-{now}", Stat(), content_key(b"new %d" % now), b"new")
    assert cache.save()


def test_facts_nobody_asks_for_are_kept_two_weeks(tmp_path: Path) -> None:
    saved(tmp_path, used=b"used", unused=b"unused")
    use(tmp_path, NOW + 14 * DAY, "used")
    assert opened(tmp_path).get(content_key(b"unused")) == b"unused"
    use(tmp_path, NOW + 15 * DAY, "used")
    cache = opened(tmp_path)
    assert (cache.get(content_key(b"unused")), cache.lookup("unused", Stat())) == (None, None)
    assert cache.lookup("used", Stat()) == b"used"


def test_facts_asked_for_by_runs_that_change_nothing_stay(tmp_path: Path) -> None:
    saved(tmp_path, a=b"facts")
    for day in range(0, 40, 10):
        cache = opened(tmp_path, NOW + day * DAY)
        assert cache.lookup("a", Stat()) == b"facts"
        cache.save()
    use(tmp_path, NOW + 40 * DAY)
    assert opened(tmp_path).lookup("a", Stat()) == b"facts"


def test_facts_nobody_asks_for_do_not_outgrow_their_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "KEEP_BYTES", 250)
    saved(tmp_path, **{f"f{number}": b"%d" % number * 100 for number in range(5)}, used=b"x" * 1_000)
    use(tmp_path, NOW, "used")
    cache = opened(tmp_path)
    assert cache.lookup("used", Stat()) == b"x" * 1_000
    assert sum(cache.get(content_key(b"f%d" % number)) is not None for number in range(5)) == 2


def test_a_run_that_learns_nothing_does_not_write(tmp_path: Path) -> None:
    saved(tmp_path, a=b"facts")
    inode = the_pack(tmp_path).stat().st_ino
    cache = opened(tmp_path)
    cache.lookup("a", Stat())
    assert cache.save()
    assert the_pack(tmp_path).stat().st_ino == inode


def test_a_run_that_saves_twice_writes_again_only_what_it_learned_since(tmp_path: Path) -> None:
    cache = opened(tmp_path / "cache")
    cache.put("a", Stat(), content_key(b"a"), b"facts of a")
    assert cache.save()
    first = the_pack(tmp_path / "cache").stat().st_ino
    assert cache.save()
    cache.keep(content_key(b"a"), b"facts of a")
    assert cache.save()
    assert the_pack(tmp_path / "cache").stat().st_ino == first
    cache.keep(content_key(b"b"), b"facts of b")
    assert cache.save()
    later = opened(tmp_path / "cache")
    assert (later.lookup("a", Stat()), later.get(content_key(b"b"))) == (b"facts of a", b"facts of b")


def test_a_new_directory_is_marked_as_a_cache_and_kept_out_of_git(tmp_path: Path) -> None:
    saved(tmp_path / "deep" / "cache", a=b"facts")
    made = tmp_path / "deep" / "cache"
    assert (made / ".gitignore").read_text() == "*\n"
    assert (made / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    saved(tmp_path, a=b"facts")
    assert not (tmp_path / ".gitignore").exists()


def test_without_a_directory_facts_live_as_long_as_the_run() -> None:
    cache = opened(None)
    cache.put("a", Stat(), content_key(b"a"), b"facts")
    assert cache.lookup("a", Stat()) == b"facts"
    assert cache.save()


def test_a_directory_that_cannot_be_made_or_written_is_tolerated(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = opened(tmp_path / "file" / "cache")
    cache.put("a", Stat(), content_key(b"a"), b"facts")
    assert cache.lookup("a", Stat()) == b"facts"
    assert not cache.save()


def test_a_failed_write_leaves_the_old_pack_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, a=b"facts")

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    cache = opened(tmp_path)
    cache.put("b", Stat(), content_key(b"b"), b"more")
    monkeypatch.setattr(Path, "replace", refuse)
    assert not cache.save()
    assert [path.name for path in tmp_path.iterdir()] == [the_pack(tmp_path).name]
    assert opened(tmp_path).lookup("a", Stat()) == b"facts"


def test_litter_of_killed_runs_and_old_versions_is_swept_up(tmp_path: Path) -> None:
    saved(tmp_path, a=b"facts")
    for name in ("facts-abc.tmp", "facts-0-cpython-311.pack"):
        (tmp_path / name).write_bytes(b"old")
    (tmp_path / "other.txt").write_bytes(b"not ours")
    # The clock stands in 2024, the files are of today: only a run in their future may remove them.
    use(tmp_path, NOW)
    assert len(list(tmp_path.iterdir())) == 4
    use(tmp_path, (tmp_path / "facts-abc.tmp").stat().st_mtime_ns + 15 * DAY)
    assert {path.name for path in tmp_path.iterdir()} == {the_pack(tmp_path).name, "other.txt"}


def test_checksums_are_of_the_content() -> None:
    assert content_key(b"a") == content_key(b"a") != content_key(b"b")
    assert len(content_key(b"")) == 16
    assert zlib.crc32(b"") == 0
