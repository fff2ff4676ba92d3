"""Which files take the engine, the factory or a connection from where it is made, whatever they do with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from sessionlint.program.api import Program
from sessionlint.program.importing import meant_by
from sessionlint.program.model import ClassInfo, Event
from sessionlint.program.values import ENGINE, FACTORY, POOL, Value

_MAKERS = (ENGINE, FACTORY, POOL)
#: What happens to a handle where it is taken, passed on or worked with.
_TAKES = ("obtain", "use", "external", "call")


def takers(program: Program, included: Set[str]) -> Mapping[str, frozenset[str]]:
    """For every file that makes handles, the other files of the application that take one from there.

    They import it, or a class that makes it (to build on, for example), or are handed it.
    """
    found: dict[str, set[str]] = {}
    for event in program.events(*_TAKES):
        if event.path in included:
            for maker in _makers_in(event):
                found.setdefault(maker, set()).add(event.path)
    for path, maker in _imported(program):
        if path in included:
            found.setdefault(maker, set()).add(path)
    return {maker: frozenset(paths - {maker}) for maker, paths in found.items()}


def _makers_in(event: Event) -> Iterator[str]:
    given = (*(v for _, v in event.keywords), *(v for _, v in event.bindings))
    for value in (event.subject, *event.args, *given):
        for atom in value:
            if atom.tag == "handle":
                yield atom.root[0]


def _imported(program: Program) -> Iterator[tuple[str, str]]:
    """Importing file and file of the handle, for names that stand for one or for a class that makes one."""
    makers = {e.function.class_info for e in program.events("create") if e.name in _MAKERS}
    for module in program.modules:
        for dotted, member, *_ in module.imports:
            path = program.solver.names.path_of(dotted, module.path) if member else None
            if path is not None and member is not None:
                value = meant_by(program, path, member)
                for maker in _made_by(value, makers):
                    yield module.path, maker


def _made_by(value: Value, makers: Set[ClassInfo | None]) -> Iterator[str]:
    for atom in value:
        if atom.tag == "handle" and atom.kind in _MAKERS:
            yield atom.root[0]
        elif atom.tag in ("cls", "inst") and atom.info in makers:
            yield atom.info.path
