"""Runs a real pytest with the plugin in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import Tree
from tests.hooks.project import CLEAN


@dataclass(frozen=True)
class Outcome:
    """What a run of pytest left behind; ``results`` maps node ids to ``passed``, ``failed`` or ``error``."""

    status: int
    results: dict[str, str]
    output: str


Run = Callable[..., Outcome]


@pytest.fixture
def project(tree: Tree) -> Callable[[Mapping[str, str]], Path]:
    """Writes the clean backend, with some files added or replaced."""
    return lambda changes: tree({**CLEAN, **changes})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs pytest in the project's folder with this plugin and pytest-xdist."""

    def run_pytest(*arguments: str) -> Outcome:
        results = tmp_path / "results.xml"
        results.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", f"--junitxml={results}", "-o", "junit_family=xunit1", "-rA"]
        done = subprocess.run(
            [*command, "-p", "xdist", "-p", "sessionlint.pytest_plugin", "-p", "no:cacheprovider", *arguments],
            cwd=tmp_path,
            # Other plugins of this environment would take most of the time.
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, _results(results) if results.exists() else {}, done.stdout + done.stderr)

    return run_pytest


def _results(path: Path) -> dict[str, str]:
    found = {}
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        where = case.get("file") or case.get("classname") or ""
        verdict = "error" if "error" in kinds else "failed" if "failure" in kinds else "passed"
        found[f"{where}::{case.get('name')}"] = verdict
    return found
