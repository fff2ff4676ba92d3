"""Files without a word that the screen knows, which use what hands out sessions under a name of the project's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionlint.engine import Engine
from sessionlint.facts import screen
from sessionlint.policy import Policy, load_policy
from sessionlint.program.build import read_program, solve_part
from sessionlint.report import Report
from sessionlint.run import check_program, run

_CORE = """
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Maker = sessionmaker(create_engine("postgresql://u@h/d"))


@contextmanager
def unit():
    with Maker() as found:
        yield found


def other():
    return 1
"""
_SAVING = """
from ..core import unit
from ..rows import Thing


def save(name):
    with unit() as u:
        u.add(Thing(name=name))
"""
_POLICY = """
session-modules = ["pkg/core.py"]
session-contexts = ["pkg.core.unit"]
layers.service = ["pkg/services/**"]
layers.test = ["pkg/checks/**"]
"""


def _written(root: Path, files: dict[str, str]) -> Path:
    for path, text in {"sessionlint.toml": _POLICY, "pkg/__init__.py": "", "pkg/core.py": _CORE, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def _checked(root: Path) -> list[tuple[str, str, int]]:
    return _found(run(root, load_policy(root), use_cache=False))


def _found(report: Report) -> list[tuple[str, str, int]]:
    return [(f.code, f.path, f.span.line) for f in report.findings if f.code < "TXN900"]


@pytest.fixture
def told() -> list[tuple[str, str, int]]:
    """What there is to say of the file that saves."""
    return [("TXN106", "pkg/services/saving.py", 7), ("TXN209", "pkg/services/saving.py", 8)]


def test_the_screen_knows_no_word_of_the_file() -> None:
    assert not screen.matters(_SAVING)


def test_a_file_that_nothing_imports_is_read_for_the_name_it_mentions(
    tmp_path: Path, told: list[tuple[str, str, int]]
) -> None:
    _written(tmp_path, {"pkg/services/saving.py": _SAVING})
    assert _checked(tmp_path) == told


def test_a_file_is_read_for_a_name_that_only_another_such_file_gives_it(tmp_path: Path) -> None:
    wrapped = "from ..core import unit\n\n\ndef piece():\n    return unit()\n"
    using = _SAVING.replace("..core import unit", ".pieces import piece").replace("unit()", "piece()")
    _written(tmp_path, {"pkg/services/pieces.py": wrapped, "pkg/services/saving.py": using})
    assert ("TXN106", "pkg/services/saving.py", 7) in _checked(tmp_path)


def test_a_file_is_read_for_what_it_imports_of_the_layer_that_nobody_may_import(tmp_path: Path) -> None:
    guard = "import jwt\n\n\nclass Badge:\n    def read(self, key):\n        return jwt.decode(key)\n"
    naming = "from ..guards.badges import Badge\n\n__all__ = ['Badge']\n"
    _written(tmp_path, {"pkg/guards/badges.py": guard, "pkg/services/naming.py": naming})
    with (tmp_path / "sessionlint.toml").open("a") as policy:
        policy.write('layers.auth = ["pkg/guards/**"]\nselect = ["TXN404"]\n')
    assert not screen.matters(naming)
    inside = "def badge(key):\n    from ..guards.badges import Badge\n\n    return Badge().read(key)\n"
    (tmp_path / "pkg/services/later.py").write_text(inside)
    assert not screen.matters(inside)
    assert _checked(tmp_path) == [("TXN404", "pkg/services/later.py", 2), ("TXN404", "pkg/services/naming.py", 1)]


def test_tests_and_files_with_other_names_are_left_alone(tmp_path: Path) -> None:
    other = _SAVING.replace("unit", "other")
    _written(tmp_path, {"pkg/checks/saving.py": _SAVING, "pkg/services/others.py": other})
    assert _checked(tmp_path) == []


def test_an_edit_that_comes_to_mention_the_name_is_seen(tmp_path: Path, told: list[tuple[str, str, int]]) -> None:
    policy = Policy(
        root=tmp_path,
        session_modules=("pkg/core.py",),
        session_contexts=("pkg.core.unit",),
        layers={"service": ("pkg/services/**",)},
    )
    engine = Engine(tmp_path, policy)
    sources = {"pkg/__init__.py": b"", "pkg/core.py": _CORE.encode(), "pkg/services/saving.py": b"x = 1\n"}
    assert _found(check_program(engine.solve(sources), policy, sorted(sources)).report) == []
    edited = {**sources, "pkg/services/saving.py": _SAVING.encode()}
    program = engine.solve(edited, edit=True)
    assert _found(check_program(program, policy, sorted(edited)).report) == told
    longer = {**sources, "pkg/services/saving.py": b"\n" + _SAVING.encode()}
    program = engine.solve(longer, edit=True)
    assert program.changed == frozenset({"pkg/services/saving.py"})
    assert [line - 1 for _, _, line in _found(check_program(program, policy, sorted(edited)).report)] == [7, 8]


def test_a_part_of_a_divided_program_reads_no_file_that_may_join_it_to_another(tmp_path: Path) -> None:
    root = _written(tmp_path, {"pkg/services/saving.py": _SAVING})
    policy = load_policy(root)
    assert policy is not None
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    reading = read_program(root, files, policy)
    whole = solve_part(reading, policy)
    part = solve_part(reading, policy, part=frozenset({"pkg/__init__.py", "pkg/core.py"}))
    assert set(whole.modules) - set(part.modules) == {"pkg/services/saving.py"}
