"""Which files move a database from one state to the next: revisions, what runs them, and folders of the name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from sessionlint.infer.table_changers import changes_tables
from sessionlint.infer.takers import takers
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import ModuleInfo
from sessionlint.program.strings import texts_of
from sessionlint.program.values import ENGINE, FACTORY, POOL

#: Inside of a revision or its environment.
_OF_REVISIONS = ("alembic.op", "alembic.context")
#: What does the same for who runs revisions without an environment.
_OF_RUNNERS = (
    "alembic.operations.Operations", "alembic.operations.base.Operations", "alembic.environment.EnvironmentContext",
    "alembic.runtime.environment.EnvironmentContext",
)  # fmt: skip
#: Folders beside the usual ``migrations`` and ``alembic``.
_FOLDERS = regex(r"(?:\w*_)?migrations?\Z", re.I)
_DEFINES = regex(r"\s*(?:alter|create|drop)\s+(?:unique\s+)?(?:table|index|column|type|view)\b", re.I)
_EXEMPT = ("test", "migration")


def migrations(program: Program) -> frozenset[str]:
    """The files that use what only migrations can, ``alembic.op`` or ``alembic.context``, but serve nothing else.

    Requests may be run by functions beside a helper for migrations, and sessions opened from an engine there. Likewise
    the files of a folder, or a file that defines tables, that is called after migrations, of which requests run none;
    and a script that does little else than to change tables.
    """
    named = {m.path: folder for m in program.modules if (folder := _folder_of_migrations(program, m.path))}
    alone = {m.path: m.path for m in program.modules if m.path not in named and _is_module_of_them(program, m)}
    found = {m.path: m for m in program.modules if m.path in named or m.path in alone or _uses_alembic(m)}
    if not found:
        return frozenset()
    named.update(alone)
    serving = _serving(program, found.values())
    served = {named[path] for path in serving | (_called_by_requests(program) if named else set()) if path in named}
    apart = {path for path, folder in named.items() if folder in served and not _uses_alembic(found[path])}
    return frozenset(found.keys() - serving - apart)


def _serving(program: Program, modules: Iterable[ModuleInfo]) -> set[str]:
    """Those that answer requests, or make the engine that others work with."""
    paths = {m.path: m for m in modules}
    asked_for = {f.path for f in program.dependency_functions}
    serving = {p for p, m in paths.items() if p in asked_for or any(f.routes for f in m.functions)}
    if any(e.name in (ENGINE, FACTORY, POOL) and e.path in paths for e in program.events("create")):
        others = {m.path for m in program.modules if program.policy.layer_of(m.path) not in _EXEMPT} - paths.keys()
        serving |= {path for path, users in takers(program, others).items() if users}
    return serving & paths.keys()


def runners(program: Program) -> frozenset[str]:
    """Those that are no revisions themselves, but carry them out: a module like any other among its neighbours."""
    moving = program.shared(migrations)
    found = (m for m in program.modules if m.path in moving and not _folder_of_migrations(program, m.path))
    return frozenset(m.path for m in found if not _names(m, _OF_REVISIONS))


def _uses_alembic(module: ModuleInfo) -> bool:
    return _names(module, (*_OF_REVISIONS, *_OF_RUNNERS))


def _names(module: ModuleInfo, wanted: Collection[str]) -> bool:
    return any(f"{name}.{member}" in wanted or name in wanted for name, member, *_ in module.imports)


def _folder_of_migrations(program: Program, path: str) -> str:
    """The first folder above a file that has the name; ``""`` where there is none, or the policy knows the file."""
    folders = path.split("/")[:-1]
    at = next((at for at, name in enumerate(folders) if _FOLDERS.match(name)), None)
    if at is None or program.policy.layer_of(path) is not None:
        return ""
    return "/".join(folders[: at + 1])


def _is_module_of_them(program: Program, module: ModuleInfo) -> bool:
    """Whether a file changes what tables there are, and is called after migrations itself or a script for that."""
    stem = module.path.rpartition("/")[2].removesuffix(".py")
    if program.policy.layer_of(module.path) is not None:
        return False
    if not _FOLDERS.match(stem):
        return changes_tables(module)
    sent = (e for f in (module.body, *module.functions) for e in f.events if e.kind == "sql")
    return any(_DEFINES.match(t.text) for e in sent for t in texts_of(e.value))


def _called_by_requests(program: Program) -> set[str]:
    """The files of the functions that endpoints call."""
    calls = (e for f in program.functions if f.routes for e in f.events if e.kind == "call")
    return {e.callee.path for e in calls if e.callee is not None}
