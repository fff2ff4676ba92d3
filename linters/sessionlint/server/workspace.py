"""All projects an editor has open: found, checked and put together. Used by one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sessionlint.errors import PolicyError
from sessionlint.policy import locate
from sessionlint.report import Finding
from sessionlint.server.buffers import Buffer
from sessionlint.server.project import POLICY_FILES, Checkup, Project

_DEEPEST = 2
"""Folders below a workspace folder in which a policy is looked for before a file there is opened."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding, and the project it comes from."""

    finding: Finding
    project: Project
    line_of: Callable[[str, int], str | None]


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is to say about files (by absolute path), and notices about no file. ``checkups`` are by root."""

    shown: Mapping[Path, tuple[Shown, ...]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    checkups: Mapping[Path, Checkup] = field(default_factory=dict)
    projects: Mapping[Path, Project] = field(default_factory=dict)

    def owner(self, file: Path) -> Project | None:
        """The project ``file`` belongs to: the one whose root is nearest above it."""
        found = [root for root in self.projects if file.is_relative_to(root)]
        return self.projects[max(found, key=lambda root: len(root.parts))] if found else None


class Workspace:
    """The projects of some folders and open files."""

    def __init__(self) -> None:
        self._projects: dict[Path, Project] = {}
        self._folders: tuple[Path, ...] = ()
        self._opened: frozenset[Path] = frozenset()

    def arrange(self, folders: Sequence[Path], files: Iterable[Path], *, rescan: bool) -> None:
        """Takes on the projects of ``folders`` and open ``files``, and drops others. With ``rescan`` the disk is read
        again."""
        opened = frozenset(file.parent for file in files)
        if not rescan and tuple(folders) == self._folders and opened == self._opened:
            return
        self._folders, self._opened = tuple(folders), opened
        before, self._projects = self._projects, {}
        for root in _roots(folders, opened):
            project = before.get(root)
            if project is None or rescan:
                project = project or Project(root)
                project.rescan()
            self._projects[root] = project

    def check(self, buffers: Mapping[Path, Buffer], outdated: Callable[[], bool] = lambda: False) -> Overview | None:
        """Checks every project; None as soon as ``outdated`` says that nobody wants to know any more."""
        arranged = Overview(projects=dict(self._projects))
        checkups: dict[Path, Checkup] = {}
        shown: dict[Path, list[Shown]] = {}
        for root, project in self._projects.items():
            if outdated():
                return None
            own = {path: b for file, b in buffers.items() if (path := project.path_of(file)) is not None}
            checkup = checkups[root] = project.check(own)
            for path, findings in checkup.findings.items():
                file = root / path
                if arranged.owner(file) is project:
                    shown.setdefault(file, []).extend(Shown(f, project, checkup.line_of) for f in findings)
        notices = tuple(notice for checkup in checkups.values() for notice in checkup.notices)
        return Overview({file: tuple(s) for file, s in shown.items()}, notices, checkups, arranged.projects)


def _roots(folders: Sequence[Path], opened: Iterable[Path]) -> list[Path]:
    """Where the projects lie: each folder's own policy or those just below it, and those of files opened elsewhere."""
    found: dict[Path, None] = {}
    for folder in folders:
        root, stated = _place(folder)
        below = [] if stated else _policies_below(folder)
        found.update(dict.fromkeys(below or [root]))
    for folder in opened:
        root, stated = _place(folder)
        if stated or not any(folder.is_relative_to(known) for known in found):
            found[root] = None
    return list(found)


def _place(folder: Path) -> tuple[Path, bool]:
    """The root for a folder and whether a policy is written down for it, usable or not."""
    try:
        place = locate(folder)
    except PolicyError as error:
        for candidate in (folder, *folder.parents):
            if (candidate / Path(error.source).name).is_file():
                return candidate, True
        return folder, True
    return place.root, place.policy is not None


def _policies_below(folder: Path) -> list[Path]:
    found = []
    for depth in range(1, _DEEPEST + 1):
        for name in POLICY_FILES:
            for file in sorted(folder.glob("/".join(["*"] * depth + [name]))):
                if not any(part.startswith(".") or part == "node_modules" for part in file.relative_to(folder).parts):
                    found += [root for root, stated in [_place(file.parent)] if stated and root == file.parent]
    return list(dict.fromkeys(found))
