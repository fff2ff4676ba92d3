"""Functions behind the qualified names that a policy gives: the approved ways to a session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessionlint.program.model import FunctionInfo
from sessionlint.program.solver import Solver

#: Methods through which an object named in the policy hands out a session.
_OPENERS = ("__call__", "__aenter__", "__enter__", "__aiter__", "__init__")


def functions_named(solver: Solver, names: Iterable[str]) -> frozenset[FunctionInfo]:
    """The functions that run when one of these is used, methods included (``app.db.Units.open``)."""
    found: set[FunctionInfo] = set()
    for name in set(names):
        module, _, member = name.rpartition(".")
        path = solver.names.path_of(module)
        if path is not None and path in solver.modules:
            found.update(f for a in solver.member(path, member) for f in _openers(solver, a))
        owner, _, cls = module.rpartition(".")
        path = solver.names.path_of(owner) if owner else None
        if path is not None and path in solver.modules:
            for atom in solver.member(path, cls):
                if atom.tag in ("cls", "inst"):
                    method = solver.method(atom.info, member)
                    found.update([method] if method else [])
    return frozenset(found)


def _openers(solver: Solver, atom: Any) -> list[FunctionInfo]:
    """The functions that run when a named way to a session is used: a function, a class, an object."""
    if atom.tag == "fn":
        return [atom.info]
    if atom.tag == "partial":
        inner = (*atom.function, *(a for value in atom.args[:1] for a in value))
        return [f for a in inner for f in _openers(solver, a)]
    if atom.tag in ("cls", "inst"):
        methods = (solver.method(atom.info, name) for name in _OPENERS)
        return [m for m in methods if m is not None]
    return []
