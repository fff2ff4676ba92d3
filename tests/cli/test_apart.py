"""Several programs in one repository: each is solved and remembered by itself, and the report is that of one run."""

import dataclasses
import json
import subprocess
import sys

import pytest

from sessionlint import apart, forked
from sessionlint.policy import load_policy
from sessionlint.program import parts
from sessionlint.run import run

POLICY = """\
[tool.sessionlint]
preset = "scrapersky"
session-modules = ["shop/db.py", "desk/db.py", "gone.py"]
session-contexts = ["shop.db.get_session", "desk.db.get_session"]
ignore = ["TXN5", "TXN405"]
[tool.sessionlint.layers]
service = ["*/services.py"]
"""
DB = """\
from contextlib import contextmanager
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
Session = sessionmaker(create_engine("postgresql://db/app"))
@contextmanager
def get_session():
    with Session() as session:
        yield session
"""
SERVICES = """\
from {app}.db import get_session
def save(session, row):
    session.add(row)
    session.commit()
def job(row):
    with get_session() as session:
        save(session, row)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "WORTH", 0)
    monkeypatch.setattr(parts, "_LARGE", 500)
    (tmp_path / "pyproject.toml").write_text(POLICY)
    for app in ("shop", "desk"):
        (tmp_path / app).mkdir()
        (tmp_path / app / "__init__.py").write_text("")
        (tmp_path / app / "db.py").write_text(DB)
        (tmp_path / app / "services.py").write_text(SERVICES.format(app=app))
    return tmp_path


@pytest.fixture
def judged(monkeypatch):
    """The parts that were solved, as their smallest files. Here everything happens in this process."""
    seen = []
    real = apart._judged

    def judged(root, divided, policy, folder, judge, part, first):
        seen.append(min(part))
        return real(root, divided, policy, folder, judge, part, first)

    monkeypatch.setattr(apart, "_judged", judged)
    monkeypatch.setattr(forked, "can_fork", lambda: False)
    return seen


def checked(project):
    return run(project, load_policy(project))


def codes(report):
    return [(finding.code, finding.path, finding.span.line) for finding in report.findings]


def in_one_piece(project, monkeypatch):
    with monkeypatch.context() as whole:
        whole.setattr(parts, "WORTH", 1 << 30)
        return run(project, load_policy(project), use_cache=False)


def test_the_report_is_that_of_one_piece(project, monkeypatch):
    whole = in_one_piece(project, monkeypatch)
    divided = checked(project)
    assert ("TXN201", "desk/services.py", 4) in codes(divided)
    assert dataclasses.replace(divided, statistics={}) == dataclasses.replace(whole, statistics={})
    assert divided.statistics == whole.statistics


def test_the_policy_is_judged_once(project):
    assert [f.message for f in checked(project).findings if f.code == "TXN905"] == [
        "In session-modules, 'gone.py' is no file of the project. Correct it or remove it."
    ]


def test_an_edit_has_its_own_program_solved_again_and_no_other(project, judged):
    first = checked(project)
    assert sorted(judged) == ["desk/__init__.py", "shop/__init__.py"]
    judged.clear()
    services = project / "shop" / "services.py"
    services.write_text(services.read_text().replace("    session.commit()\n", "    session.rollback()\n"))
    second = checked(project)
    assert judged == ["shop/__init__.py"]
    assert set(codes(first)) - set(codes(second)) >= {("TXN201", "shop/services.py", 4)}
    assert ("TXN202", "shop/services.py", 4) in codes(second)
    assert ("TXN201", "desk/services.py", 4) in codes(second)


def test_an_edit_is_told_as_a_fresh_run_tells_it(project, monkeypatch):
    checked(project)
    (project / "desk" / "db.py").write_text("# moved by a line\n" + DB)
    assert checked(project).findings == in_one_piece(project, monkeypatch).findings


def test_programs_that_meet_where_no_import_says_so_are_solved_together(project, judged, monkeypatch):
    services = project / "shop" / "services.py"
    services.write_text(
        services.read_text() + 'import importlib\nother = importlib.import_module("desk.services")\n'
        "def both(row):\n    with get_session() as session, session.begin():\n        other.save(session, row)\n"
    )
    report = checked(project)
    assert judged == ["shop/__init__.py", "desk/__init__.py", "desk/__init__.py"]  # the last time as one
    assert ("TXN205", "shop/services.py", 12) in codes(report)
    assert report.findings == in_one_piece(project, monkeypatch).findings
    judged.clear()
    services.write_text(services.read_text() + "# more\n")
    checked(project)
    assert "desk/__init__.py" in judged


def test_a_damaged_answer_counts_as_absent(project, judged):
    first = checked(project)
    for path in (project / ".sessionlint_cache").glob("*.json"):
        path.write_bytes(path.read_bytes()[:-20])
    judged.clear()
    assert checked(project).findings == first.findings
    assert sorted(judged) == ["desk/__init__.py", "shop/__init__.py"]


_WITH_PROCESSES = """
import os, sys
from pathlib import Path
from sessionlint import apart, cli
from sessionlint.program import parts

parts.WORTH, parts._LARGE = 0, 500
parent, real, log = os.getpid(), apart._judged, Path(sys.argv[1])


def judged(*arguments):
    with log.open("a") as file:
        file.write(f"{min(arguments[5])} {'here' if os.getpid() == parent else 'apart'}\\n")
    if os.getpid() != parent and "desk/__init__.py" in arguments[5]:
        os._exit(9)
    return real(*arguments)


apart._judged = judged
cli.main(["check", "--format", "json", "--no-cache"])
"""


def test_a_process_that_dies_costs_nothing_but_time(project, monkeypatch, tmp_path_factory):
    """In an interpreter of its own: the threads of a test run would keep it from forking."""
    log = tmp_path_factory.mktemp("log") / "judged.txt"
    words = [sys.executable, "-c", _WITH_PROCESSES, str(log)]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    found = [(f["code"], f["path"], f["line"]) for f in json.loads(done.stdout)["findings"]]
    assert found == codes(in_one_piece(project, monkeypatch))
    assert sorted(log.read_text().split("\n")[:-1]) == [
        "desk/__init__.py apart",
        "desk/__init__.py here",
        "shop/__init__.py apart",
    ]
