"""The applications of a repository, and which of them a file belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from sessionlint.program.api import Program
from sessionlint.program.importing import below

#: What stands for the application of files that lie outside every one.
NO_APPLICATION = "-"


class Applications:
    """The folders of the included files in which applications are made."""

    def __init__(self, program: Program, included: Iterable[str]) -> None:
        self.program = program
        self.included = frozenset(included)

    @cached_property
    def applications(self) -> tuple[str, ...]:
        """The folders in which applications are made (``""``: the root), deepest first."""
        made = {
            site[0].rpartition("/")[0]
            for site, entry in self.program.solver.routers.items()
            if entry.get("name") != "fastapi.APIRouter" and site[0] in self.included
        }
        return tuple(sorted(made, key=lambda f: (-f.count("/"), f)))

    def application_of(self, path: str) -> str:
        """The application a file belongs to: the nearest folder above it that makes one, else the only one that imports
        it, else ``NO_APPLICATION``."""
        around = self.application_around(path)
        if around is not None:
            return around
        importing = self._importing(path)
        return importing[0] if len(importing) == 1 else NO_APPLICATION

    def application_around(self, path: str) -> str | None:
        """The nearest folder above a file that makes an application."""
        return next((a for a in self.applications if not a or path.startswith(f"{a}/")), None)

    def shared(self, paths: Iterable[str]) -> bool:
        """Whether applications import any of the files from beside their folders."""
        return any(self._importing(path) for path in paths)

    def _importing(self, path: str) -> list[str]:
        """The applications that import a file, without those inside of others."""
        found = [a for a in self.applications if path in self._held[a]]
        return [a for a in found if not any(a.startswith(f"{other}/") for other in found)]

    @cached_property
    def _held(self) -> Mapping[str, frozenset[str]]:
        return {a: below(self.program, f"{a}/" if a else "") for a in self.applications}
