"""Who has a share in what of a solved program: whose edit can be seen by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sessionlint.program import memo as memory
from sessionlint.program.model import ClassInfo, FunctionInfo

Some = tuple[FunctionInfo, ...]


class Ties(NamedTuple):
    """Which functions write a cell, want, read the signature of, or change a function; which files read of a class.

    ``held`` are the cells of a file's names and attributes.
    """

    writers: dict[Any, Some]
    wanted: dict[FunctionInfo, Some]
    signed: dict[FunctionInfo, Some]
    changed: dict[FunctionInfo, Some]
    shaped: dict[ClassInfo, frozenset[str]]
    held: dict[str, set[Any]]

    def hold(self, key: Any) -> None:
        """Notes whose name or attribute a cell is."""
        owner = owner_of(key)
        if owner is not None:
            self.held.setdefault(owner, set()).add(key)

    def rewritten(self, before: dict[Any, set[FunctionInfo]], after: dict[Any, set[FunctionInfo]]) -> None:
        """Notes who writes what when functions that wrote ``before`` write ``after``."""
        for key in before.keys() | after.keys():
            gone, come = before.get(key, set()), after.get(key, set())
            left = [f for f in self.writers.get(key, ()) if f not in gone and f not in come]
            if left or come:
                self.writers[key] = (*left, *come)
            else:
                self.writers.pop(key, None)
        for key in after:
            self.hold(key)


def ties_of(
    functions: Iterable[FunctionInfo], cells: Iterable[Any], mro: Callable[[ClassInfo], tuple[ClassInfo, ...]]
) -> Ties:
    """The ties of a program, from the traces of its functions."""
    writers: dict[Any, dict[FunctionInfo, None]] = {}
    wanted: dict[Any, dict[FunctionInfo, None]] = {}
    signed: dict[Any, dict[FunctionInfo, None]] = {}
    changed: dict[Any, dict[FunctionInfo, None]] = {}
    shaped: dict[ClassInfo, set[str]] = {}
    tables = {memory.WRITE: writers, memory.SIGNATURE: signed, memory.WANT: wanted}
    for function in functions:
        path = function.module.path
        for trace in function.traces:
            for operation, key, _ in trace.operations:
                table = tables.get(operation)
                if table is not None:
                    if key is not function:
                        _add(table, key, function)
                elif operation == memory.SHAPE:
                    for info in mro(key):
                        shaped.setdefault(info, set()).add(path)
                elif operation in (memory.ROUTE, memory.MIDDLEWARE):
                    _add(changed, target_of(operation, key), function)
    ties = Ties(
        _plain(writers), _plain(wanted), _plain(signed), _plain(changed),
        {info: frozenset(paths) for info, paths in shaped.items()}, {},
    )  # fmt: skip
    for key in cells:
        ties.hold(key)
    return ties


def _add(table: dict[Any, dict[FunctionInfo, None]], key: Any, function: FunctionInfo) -> None:
    known = table.get(key)
    if known is None:
        table[key] = {function: None}
    else:
        known[function] = None


def _plain(table: dict[Any, dict[FunctionInfo, None]]) -> dict[Any, Some]:
    return {key: tuple(functions) for key, functions in table.items()}


def target_of(operation: int, key: Any) -> FunctionInfo:
    """The function that something is done to, see :data:`~sessionlint.program.memo.ACTS`."""
    target: FunctionInfo = key[0] if operation == memory.ROUTE else key
    return target


def owner_of(key: Any) -> str | None:
    """The file whose name, attribute or context variable a cell is."""
    if key[0] == "name":
        return str(key[1])
    if key[0] == "context":
        return str(key[1][0])
    return str(key[1].module.path) if key[0] == "attr" else None
