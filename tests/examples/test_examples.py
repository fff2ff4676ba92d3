"""The two example backends: one shows every family of rules, its twin does the same work the approved way."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sessionlint.codes import CODES

EXAMPLES = Path(__file__).parents[2] / "examples"
_MARKER = re.compile(r"#((?: TXN\d{3})+)$")


def check(folder: Path) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON report of the command line on ``folder``."""
    command = [sys.executable, "-m", "sessionlint", "check", "--no-cache", "--format", "json", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def marked(folder: Path) -> list[tuple[str, int, str]]:
    """Path, line and code of every marker in ``folder``."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = _MARKER.search(line)
            if match:
                found += [(path.relative_to(folder).as_posix(), number, code) for code in match[1].split()]
    return sorted(found)


def test_the_noncompliant_backend_has_exactly_the_marked_findings() -> None:
    status, report = check(EXAMPLES / "noncompliant")
    assert sorted((f["path"], f["line"], f["code"]) for f in report["findings"]) == marked(EXAMPLES / "noncompliant")
    assert report["errors"] == []
    assert status == 1


def test_the_noncompliant_backend_shows_every_rule_of_families_1_to_8() -> None:
    shown = {code for _, _, code in marked(EXAMPLES / "noncompliant")}
    assert shown == {code for code in CODES if not code.startswith("TXN9")}


def test_the_compliant_twin_is_clean() -> None:
    status, report = check(EXAMPLES / "compliant")
    assert report["findings"] == []
    assert report["errors"] == []
    assert report["summary"]["compliance_percent"] == 100.0
    assert status == 0


def test_the_compliant_twin_needs_no_markers_and_no_suppressions() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (EXAMPLES / "compliant").rglob("*.py")]
    assert [text for text in texts if "TXN" in text or "noqa" in text or "sessionlint:" in text] == []


def test_both_backends_have_the_same_policy() -> None:
    policies = [
        (EXAMPLES / name / "pyproject.toml").read_text(encoding="utf-8") for name in ("noncompliant", "compliant")
    ]
    assert policies[0] == policies[1]


@pytest.mark.parametrize("name", ["noncompliant", "compliant"])
def test_every_file_of_the_examples_parses(name: str) -> None:
    files = sorted((EXAMPLES / name).rglob("*.py"))
    assert len(files) > 25
    for path in files:
        ast.parse(path.read_text(encoding="utf-8"), str(path))


@pytest.mark.parametrize("name", ["noncompliant", "compliant"])
def test_the_examples_are_formatted(name: str) -> None:
    command = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
