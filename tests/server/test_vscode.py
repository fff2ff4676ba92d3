"""The extension for VS Code: built from its sources, and in agreement with the server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from sessionlint.server.actions import ASK_AND_SUPPRESS, SUPPRESS
from sessionlint.server.project import POLICY_FILES
from tests.support.processes import missing_part

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
SOURCE = (EXTENSION / "src" / "extension.ts").read_text()
MANIFEST = json.loads((EXTENSION / "package.json").read_text())


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged extension, built in a folder of its own."""
    if shutil.which("npm") is None or not (EXTENSION / "node_modules").is_dir():
        missing_part("the packages of editors/vscode are not installed (make editor)")
    folder = tmp_path_factory.mktemp("vscode")
    left_out = shutil.ignore_patterns("node_modules", "dist")
    shutil.copytree(EXTENSION, folder, dirs_exist_ok=True, ignore=left_out)
    (folder / "node_modules").symlink_to(EXTENSION / "node_modules")
    made = subprocess.run(
        ["npm", "run", "--silent", "package"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / "dist" / "sessionlint.vsix"


def test_the_package_holds_the_extension_and_nothing_else(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = {name for name in archive.namelist() if name.startswith("extension/")}
        manifest = json.loads(archive.read("extension/package.json"))
    assert names == {"extension/package.json", "extension/readme.md", "extension/dist/extension.js"}
    assert manifest["main"] == "./dist/extension.js"


def test_the_extension_has_the_version_of_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = json.loads((EXTENSION / "package-lock.json").read_text())
    assert MANIFEST["version"] == lock["version"] == project["version"]


def test_every_command_of_the_manifest_and_of_the_server_is_there() -> None:
    registered = set(re.findall(r'registerCommand\("([^"]+)"', SOURCE))
    assert registered == {ASK_AND_SUPPRESS, *(entry["command"] for entry in MANIFEST["contributes"]["commands"])}
    assert f'command: "{SUPPRESS}"' in SOURCE
    assert "asksForReason: true" in SOURCE


def test_every_setting_that_is_read_is_in_the_manifest() -> None:
    stated = set(MANIFEST["contributes"]["configuration"]["properties"])
    assert stated == {"sessionlint.command", "sessionlint.trace.server"}
    assert set(re.findall(r"sessionlint\.command", SOURCE)) <= stated


def test_policy_files_are_sent_to_the_server() -> None:
    names = ",".join(name.removesuffix(".toml") for name in POLICY_FILES)
    assert f'"**/{{{names}}}.toml"' in SOURCE


def test_packages_are_pinned_and_nothing_installed_is_in_git() -> None:
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in MANIFEST["devDependencies"].values())
    assert (EXTENSION / ".gitignore").read_text().split() == ["node_modules/", "dist/"]
