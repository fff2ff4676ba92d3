"""Which files take the engine, the factory or a connection from where it is made, whatever they do with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from sessionlint.program.api import Program
from sessionlint.program.importing import meant_by
from sessionlint.program.model import ClassInfo, Event
from sessionlint.program.values import ENGINE, FACTORY, POOL

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
    closed = {info for info in makers if info is not None and _keeps_to_itself(program, info)}
    built_on = {(info.path, base) for info in program.classes for base in program.solver.mro(info)[1:]}

    def alone(info: ClassInfo, path: str) -> bool:
        return info in closed and (path, info) not in built_on

    for module in program.modules:
        for dotted, member, *_ in module.imports:
            path = program.solver.names.path_of(dotted, module.path) if member else None
            for atom in meant_by(program, path, member) if path is not None and member is not None else ():
                if atom.tag == "handle" and atom.kind in _MAKERS:
                    yield module.path, atom.root[0]
                elif atom.tag in ("cls", "inst") and atom.info in makers:
                    yield from () if alone(atom.info, module.path) else ((module.path, atom.info.path),)


def _keeps_to_itself(program: Program, info: ClassInfo) -> bool:
    """Whether a class opens sessions, but hands none out: who imports it takes none, but for classes built on it."""
    methods = info.methods.values()
    if not any(e.kind == "create" and e.name not in _MAKERS for f in methods for e in f.events):
        return False
    shown = [f for f in methods if not f.name.startswith("_") or f.name.endswith("__")]
    handed = (a for f in shown for value in (f.summary.returns, f.summary.yields) for a in value)
    return not any(program.kind(a) is not None or a.tag == "inst" for a in handed)
