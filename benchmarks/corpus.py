"""The code that is checked: source distributions from the package index, pinned, Python files only."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

#: What `sessionlint check` is told about the corpus: every rule, and where imports start.
_POLICY = """\
preset = "scrapersky"
src = [{sources}]
"""


@dataclass(frozen=True)
class Project:
    """A release on the package index; ``source`` is the import root in it."""

    name: str
    version: str
    source: str = ""

    @property
    def folder(self) -> str:
        """Where its files lie in the corpus."""
        return f"{self.name}-{self.version}"


FULL = (
    Project("apache-airflow-core", "3.3.2", "src"),
    Project("ckan", "2.12.0"),
    Project("prefect", "3.9.1", "src"),
)
QUICK = (Project("advanced-alchemy", "1.12.0"),)


@dataclass(frozen=True)
class Corpus:
    """Projects on disk; ``sizes`` holds the number of files and of lines of each."""

    root: Path
    projects: tuple[Project, ...]
    sizes: tuple[tuple[int, int], ...]

    @property
    def lines(self) -> int:
        """Lines of Python in all."""
        return sum(lines for _, lines in self.sizes)

    @property
    def files(self) -> list[str]:
        """All Python files, relative to ``root``."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*.py"))


def prepare(cache: Path, projects: tuple[Project, ...], label: str) -> Corpus:
    """Downloads and unpacks the projects unless they are there already. Raises :class:`SystemExit`."""
    root = cache / "corpus" / label
    for project in projects:
        if not (root / project.folder / ".complete").exists():
            _extract(_download(cache / "downloads", project), root / project.folder)
    # Every tool sees a repository of its own: no ignore file above it counts, none of semgrep's defaults do.
    (root / ".git").mkdir(exist_ok=True)
    (root / ".semgrepignore").write_text("", encoding="utf-8")
    sources = [f'"{project.folder}/{project.source}"'.replace('/"', '"') for project in projects]
    (root / "sessionlint.toml").write_text(_POLICY.format(sources=", ".join(['"."', *sources])), encoding="utf-8")
    return Corpus(root, projects, tuple(_size(root / project.folder) for project in projects))


def _download(folder: Path, project: Project) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{project.name}-{project.version}".replace("-", "_").lower()
    found = [path for path in folder.glob("*.tar.gz") if path.name.lower().replace("-", "_") == f"{stem}.tar.gz"]
    if found:
        return found[0]
    print(f"Downloading {project.name} {project.version}", file=sys.stderr)
    wanted = f"{project.name}=={project.version}"
    # Only the project itself has to be a source distribution: its build tools may come as wheels.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", project.name]
    done = subprocess.run([*command, "--dest", str(folder), wanted], check=False)
    if done.returncode:
        raise SystemExit(f"cannot download {wanted}; is the package index reachable?")
    return _download(folder, project)


def _extract(archive: Path, target: Path) -> None:
    """Unpacks the Python files of ``archive`` without its top folder; nothing can land outside ``target``."""
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts[1:]
            if not member.isfile() or not member.name.endswith(".py") or ".." in parts:
                continue
            data = tar.extractfile(member)
            if data is not None:
                path = target.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data.read())
    (target / ".complete").write_text("", encoding="utf-8")


def _size(folder: Path) -> tuple[int, int]:
    files = list(folder.rglob("*.py"))
    return len(files), sum(path.read_bytes().count(b"\n") for path in files)
