"""Classes of which one object serves all: a module, or the state of an application, keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.entered_names import entered_names
from sessionlint.program.model import KEPT, ClassInfo, Event, ModuleInfo

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

Cell = tuple[str, str, str]


def singletons(solver: Solver, modules: Iterable[ModuleInfo], stores: Iterable[Event]) -> frozenset[ClassInfo]:
    """These classes, and those above them; ``stores`` are the events of what is kept somewhere."""
    modules = list(modules)
    declared = {cell: module for module in modules for cell in _declared(module)}
    passed_by = entered_names(modules) | frozenset(declared)
    kept = [a for value in solver.long_lived(passed_by) for a in value if a.tag == "inst"]
    for cell, module in declared.items():
        kept += _given(solver, cell, module)
    # what a block has entered is told of where it is kept: it is the object of that one call
    entered = {a for e in stores if e.name in ("global", "state") for a in e.value if _is_entered(e, a)}
    infos = {a.info for a in kept if a not in entered}
    return frozenset(base for info in infos for base in solver.mro(info))


def _is_entered(store: Event, atom: Any) -> bool:
    return atom.tag == "inst" and any(key.tag == "handle" and set(v) & set(store.subject) for key, v in atom.bindings)


def _declared(module: ModuleInfo) -> list[Cell]:
    """The names at the top of a file that are declared there, ``last: Unit | None = None``, and not given anything."""
    if not any(s[0] == ":" for s in module.body.facts[4]):
        return []
    found: set[str] = set()
    others: set[str] = set()
    for s in module.body.facts[4]:
        if s[0] == ":" and s[2][0] == "n":
            (found if s[4] is None or (s[4][0] == "k" and s[4][2] is None) else others).add(s[2][2])
        else:
            others.update(_bound(s))
    return [("name", module.path, name) for name in found - others]


def _bound(node: Any) -> Iterator[str]:
    """The names that a statement, or one in its blocks, binds."""
    if type(node) is not tuple or not node or node[0] in ("F", "C"):
        return
    targets = node[2] if node[0] == "=" and len(node) == 4 else node[2:3] if node[0] in (":", "+=", "L") else ()
    if node[0] == "w/" and len(node) == 5:
        targets = [target for _, target in node[2] if target is not None]
    yield from (t[2] for t in targets if type(t) is tuple and t and t[0] == "n")
    for child in node:
        yield from _bound(child)


def _given(solver: Solver, cell: Cell, module: ModuleInfo) -> list[Any]:
    """The objects that somebody puts under a declared name, not those that only its annotation tells of."""
    held = [a for a in solver.peek(cell) if a.tag == "inst"]
    if not held:
        return []
    told = [a for a in held if not any(key.tag == "handle" for key, _ in a.bindings)]
    made = [a for a in held if a not in told]
    # an object that is made has the session that its class keeps; of other classes nothing tells one
    if any(_says_global(f.body, cell[2]) for f in module.functions if cell[2] in f.facts[8].split()):
        made += [a for a in told if not any(solver.peek(("attr", c, KEPT)) for c in solver.mro(a.info))]
    return made


def _says_global(node: ir.Stmt | tuple[ir.Stmt, ...], name: str) -> bool:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "glob" and len(child) == 3 and name in child[2]:
                return True
            if _says_global(child, name):
                return True
    return False
