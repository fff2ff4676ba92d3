"""What requests about findings are answered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types

from sessionlint.fixes.bench import Bench, State
from sessionlint.server.buffers import Buffer
from sessionlint.server.editing import raw_text, text_edits, workspace_edit
from sessionlint.server.places import Places
from sessionlint.server.positions import Units
from sessionlint.server.presenting import Presenter, key_of
from sessionlint.server.workspace import Overview, Shown


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a client can do: fetch the edit of an action later, show why an action is not to be had, tell versions
    of documents apart, ask for the reason of a suppression."""

    resolves: bool = False
    shows_disabled: bool = False
    versions: bool = False
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """A file of a program that holds it as the editor does."""

    path: str
    root: Path
    bench: Bench
    state: State

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return self.state.sources[self.path]


@dataclass(frozen=True, slots=True)
class Scene:
    """An overview, and the open files it was made with."""

    overview: Overview
    buffers: Mapping[Path, Buffer]
    places: Places
    units: Units
    abilities: Abilities
    presenter: Presenter

    def shown(self, file: Path) -> tuple[Shown, ...]:
        """What is shown in a file."""
        return self.overview.shown.get(file, ())

    def find(self, file: Path, key: Mapping[str, Any]) -> Shown | None:
        """The finding that :func:`~sessionlint.server.presenting.key_of` gave ``key`` for."""
        wanted = {name: key.get(name) for name in ("fingerprint", "line", "column")}
        return next((shown for shown in self.shown(file) if key_of(shown.finding) == wanted), None)

    def checked(self, file: Path) -> Checked | None:
        """The file in its program; None when it is in none, or only a last version that could be parsed."""
        project = self.overview.owner(file)
        if project is None or project.bench is None:
            return None
        path, checkup = project.path_of(file), self.overview.checkups.get(project.root)
        if path is None or checkup is None or checkup.state is None or path not in checkup.state.sources:
            return None
        found = Checked(path, project.root, project.bench, checkup.state)
        buffer = self.buffers.get(file)
        return found if buffer is None or buffer.data == found.data else None

    def edit(self, root: Path, contents: Mapping[str, tuple[bytes, bytes]]) -> types.WorkspaceEdit | None:
        """The edit that gives files (paths below ``root``) new contents; None when an open one is not as it was."""
        files = []
        for path, (before, after) in contents.items():
            buffer = self.buffers.get(root / path)
            if buffer is not None and buffer.data != before:
                return None
            text = raw_text(before) if buffer is None else buffer.text
            edits = text_edits(text, raw_text(after), self.units)
            files.append((self.places.uri(root / path), buffer.version if buffer else None, edits))
        return workspace_edit(files, versioned=self.abilities.versions)
