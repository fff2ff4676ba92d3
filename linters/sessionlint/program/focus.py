"""A program seen at a few files: their events and functions are gone through, questions are answered for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo, ModuleInfo

_T = TypeVar("_T")


def focused(program: Program, paths: frozenset[str]) -> Program:
    """``program`` for rules that are to judge these files only (see :attr:`Rule.program_wide`)."""
    return cast("Program", _Focus(program, paths))


class _Focus:
    """Lists what lies in some files; everything else is the program's."""

    def __init__(self, program: Program, paths: frozenset[str]) -> None:
        self._program = program
        self._paths = paths
        self.whole = program
        self.modules: tuple[ModuleInfo, ...] = tuple(m for m in program.modules if m.path in paths)
        self.functions: tuple[FunctionInfo, ...] = tuple(f for f in program.functions if f.path in paths)
        self.classes: tuple[ClassInfo, ...] = tuple(c for c in program.classes if c.path in paths)
        self._by_kind: dict[str, list[Event]] = {}
        for function in self.functions:
            for event in function.events:
                self._by_kind.setdefault(event.kind, []).append(event)

    def judges(self, path: str) -> bool:
        """Whether it is one of these files."""
        return path in self._paths

    def events(self, *kinds: str) -> Iterator[Event]:
        """Events of the given kinds in these files."""
        return chain.from_iterable(self._by_kind.get(kind, ()) for kind in kinds)

    def shared(self, compute: Callable[[Program], _T]) -> _T:
        """What ``compute`` finds out about the whole program."""
        return self._program.shared(compute)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program, name)
