"""Real git repositories, real git hooks and the real pre-commit, without the network and the user's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hooks.project import CLEAN
from tests.hooks.repository import CHECKOUT, Repository

WHEELHOUSE = Path(sys.prefix) / "wheelhouse"
_PACKAGE = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "linters", "reports")
_GIT_SETTINGS = "[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n"


@pytest.fixture(autouse=True)
def _git_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "gitconfig").write_text(_GIT_SETTINGS)
    for name in [name for name in os.environ if name.startswith(("GIT_", "PRE_COMMIT"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git = shutil.which("git")
    if git is None:
        missing_part("git is not installed")
    # Hooks have to find sessionlint by themselves.
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(str(git)).parent), "/usr/local/bin", "/usr/bin", "/bin"]))


@pytest.fixture
def empty(tmp_path: Path) -> Repository:
    """A repository without a commit."""
    repository = Repository(tmp_path / "work")
    repository.path.mkdir()
    repository.git("init", "--quiet")
    return repository


@pytest.fixture
def repository(empty: Repository) -> Repository:
    """The clean backend, committed."""
    empty.stage(CLEAN)
    assert empty.commit("--quiet").status == 0
    return empty


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """This checkout as a repository of its own with one commit, which is what pre-commit clones."""
    folder = tmp_path_factory.mktemp("released")
    for name in _PACKAGE:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        else:
            shutil.copy2(source, folder / name)
    settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for arguments in (["init", "--quiet"], ["add", "--all"], [*settings, "commit", "--quiet", "-m", "Release"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def wheelhouse() -> Path:
    """The folder of wheels from which sessionlint installs without the network."""
    if not WHEELHOUSE.is_dir():
        missing_part(f"{WHEELHOUSE} is missing; 'make test' fills it")
    return WHEELHOUSE


def missing_part(reason: str) -> None:
    """Skips a test that needs a part this machine lacks; on CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
