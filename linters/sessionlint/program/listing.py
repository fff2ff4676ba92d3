"""What a program has, file by file: so that a program that differs in one file takes over the lists of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sessionlint.program.events import Event
from sessionlint.program.model import FunctionInfo
from sessionlint.program.solver import Solver


class FileListing(NamedTuple):
    """The functions of one file that were evaluated, module body included, and their events, in order of line."""

    functions: tuple[FunctionInfo, ...]
    by_kind: dict[str, list[Event]]
    #: what was worked out from these alone, see :meth:`Program.by_file`
    kept: dict[Any, Any]


def listings(solver: Solver, known: Mapping[str, FileListing]) -> dict[str, FileListing]:
    """The listings of all files by path, in order; those ``known`` are taken over."""
    found: dict[str, list[FunctionInfo]] = {
        path: [module.body] for path, module in solver.modules.items() if path not in known
    }
    for function in solver.functions:
        path = function.module.path
        if path not in known and function.evaluated:
            found.setdefault(path, []).append(function)
    return {path: known[path] if path in known else _listed(found[path]) for path in sorted({*known, *found})}


def _listed(functions: Iterable[FunctionInfo]) -> FileListing:
    ordered = tuple(sorted(functions, key=lambda f: (f.header, f.span)))
    table: dict[str, list[Event]] = {}
    for function in ordered:
        for event in function.events:
            entry = table.get(event.kind)
            if entry is None:
                table[event.kind] = [event]
            else:
                entry.append(event)
    return FileListing(ordered, table, {})
