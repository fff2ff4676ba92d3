"""The applications of a repository, and which of them a file belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from sessionlint.program.api import Program
from sessionlint.program.importing import below, reached_from_files

#: What stands for the application of files that lie outside every one.
NO_APPLICATION = "-"
#: Applications that may hold one of Starlette's, and are none that routers are looked for in.
_HOSTS = frozenset({"litestar.Litestar", "litestar.app.Litestar", "quart.Quart", "flask.Flask", "sanic.Sanic"})


class Applications:
    """The folders of the included files in which applications are made."""

    def __init__(self, program: Program, included: Iterable[str]) -> None:
        self.program = program
        self.included = frozenset(included)

    @cached_property
    def applications(self) -> tuple[str, ...]:
        """The folders in which applications are made (``""``: the root), deepest first.

        What another framework's application takes in from a folder below its own is a part of that one.
        """
        made = {
            site[0]
            for site, entry in self.program.solver.routers.items()
            if entry.get("name") != "fastapi.APIRouter" and site[0] in self.included
        }
        calls = self.program.events("external") if made else ()
        hosts = {e.path for e in calls if e.name in _HOSTS and e.path in self.included}
        parts = {path for host in hosts - made for path in made if self._takes_in(host, path)}
        folders = {path.rpartition("/")[0] for path in (made - parts) | (hosts if parts else set())}
        return tuple(sorted(folders, key=lambda f: (-f.count("/"), f)))

    def _takes_in(self, host: str, path: str) -> bool:
        folder = host.rpartition("/")[0]
        below = path.startswith(f"{folder}/") if folder else "/" in path
        return below and path in reached_from_files(self.program, [host])

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
