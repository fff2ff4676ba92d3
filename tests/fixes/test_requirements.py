"""Which versions of a package a project asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessionlint.fixes.requirements import Requirements

UV = """\
version = 1

[[package]]
name = "fastapi"
version = "{version}"
"""
POETRY = """\
[tool.poetry.dependencies]
python = "^3.11"
fastapi = {{ version = "{version}", extras = ["standard"] }}
"""
PIPFILE = json.dumps({"default": {"fastapi": {"version": "==0.110.0"}}})
PROJECT = """\
[project]
name = "backend"
dependencies = ["fastapi[standard]{version}"]
"""


def forbidding(root: Path, path: str = "app/main.py") -> str:
    asked = Requirements(root).forbidding("FastAPI", "0.121.0", path)
    return f"{asked.path}:{asked.line} {asked.text}" if asked else ""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", "a==1\nfastapi==0.115.8  # pinned\n", "requirements.txt:2 fastapi==0.115.8"),
        ("requirements.txt", "fastapi[all] ~= 0.115.0 ; python_version > '3'\n", "requirements.txt:1 fastapi~=0.115.0"),
        ("requirements.txt", "fastapi-x==1\nfastapi==0.120.4 --hash=a:b\n", "requirements.txt:2 fastapi==0.120.4"),
        ("requirements.txt", "fastapi==0.115.*\n", "requirements.txt:1 fastapi==0.115.*"),
        ("requirements.txt", "fastapi\n", ""),
        ("requirements.txt", "fastapi>=0.100\n", ""),
        ("requirements.txt", "fastapi>0.121.0,<0.122\n", ""),
        ("requirements.txt", "fastapi==0.121.*\n", ""),
        ("requirements.txt", "-r base.txt\nfastapi-users==0.1\nnot a requirement!\n", ""),
        ("requirements/base.txt", "fastapi==0.99\n", "requirements/base.txt:1 fastapi==0.99"),
        ("uv.lock", UV.format(version="0.116.1"), "uv.lock:4 fastapi==0.116.1"),
        ("poetry.lock", UV.format(version="0.121.0"), ""),
        ("pyproject.toml", POETRY.format(version="^0.115"), "pyproject.toml:3 fastapi>=0.115,<0.116"),
        ("pyproject.toml", POETRY.format(version="~0.121"), ""),
        ("pyproject.toml", POETRY.format(version="^0.121.1"), ""),
        ("pyproject.toml", POETRY.format(version="0.120.0"), "pyproject.toml:3 fastapi==0.120.0"),
        ("pyproject.toml", POETRY.format(version="*"), ""),
        ("pyproject.toml", PROJECT.format(version="<0.121"), "pyproject.toml:3 fastapi<0.121"),
        ("pyproject.toml", PROJECT.format(version=">=0.120,<1"), ""),
        ("pyproject.toml", "not = [toml", ""),
        ("Pipfile.lock", PIPFILE, "Pipfile.lock:1 fastapi==0.110.0"),
    ],
)  # fmt: skip
def test_a_requirement_that_allows_no_newer_version_is_found(tmp_path: Path, name: str, text: str, expected: str):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert forbidding(tmp_path) == expected


def test_the_folder_closest_to_the_file_counts(tmp_path: Path):
    for folder, version in ((tmp_path, "0.115.8"), (tmp_path / "backend", "0.130.0")):
        folder.mkdir(exist_ok=True)
        (folder / "requirements.txt").write_text(f"fastapi=={version}\n")
    assert forbidding(tmp_path, "backend/app/main.py") == ""
    assert forbidding(tmp_path, "worker/app/main.py") == "requirements.txt:1 fastapi==0.115.8"


def test_a_project_that_says_nothing_forbids_nothing(tmp_path: Path):
    assert forbidding(tmp_path) == ""
    assert Requirements().forbidding("fastapi", "0.121.0", "main.py") is None
