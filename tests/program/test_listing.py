"""What a program takes over of the one before, file by file."""

from __future__ import annotations

from pathlib import Path

from sessionlint.engine import Engine
from sessionlint.program.listing import FileListing
from sessionlint.program.model import FunctionInfo

_SOURCES = {
    "app/jobs.py": b"from app.session import work\n\n\ndef job(session):\n    work(session)\n",
    "app/session.py": b"def work(session):\n    session.commit()\n\n\ndef rest(session):\n    session.rollback()\n",
}


def _named(listing: FileListing) -> list[str]:
    return [f.name for f in listing.functions]


def test_an_edit_of_one_file_leaves_what_is_listed_of_the_others(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    before = engine.solve(_SOURCES)
    edited = _SOURCES["app/jobs.py"].replace(
        b"    work(session)", b"    work(session)\n\n\ndef more(session):\n    session.flush()"
    )
    after = engine.solve({**_SOURCES, "app/jobs.py": edited}, edit=True)
    assert after.changed == frozenset({"app/jobs.py"})
    assert after.listings["app/session.py"] is before.listings["app/session.py"]
    assert list(after.by_file(_named)) == ["<module>", "job", "more", "<module>", "work", "rest"]


def test_what_is_found_in_a_file_is_worked_out_once_per_state_of_it(tmp_path: Path) -> None:
    looked: list[str] = []

    def looking(listing: FileListing) -> list[FunctionInfo]:
        looked.append(listing.functions[0].path)
        return list(listing.functions)

    engine = Engine(tmp_path)
    program = engine.solve(_SOURCES)
    assert len(list(program.by_file(looking))) == len(list(program.by_file(looking))) == 5
    assert looked == ["app/jobs.py", "app/session.py"]
    edited = _SOURCES["app/jobs.py"].replace(b"work(session)", b"work( session)")
    after = engine.solve({**_SOURCES, "app/jobs.py": edited}, edit=True)
    assert {f.name for f in after.by_file(looking)} == {"<module>", "job", "work", "rest"}
    assert looked[2:] == ["app/jobs.py"]
