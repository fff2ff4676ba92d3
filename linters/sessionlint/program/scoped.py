"""Scoped registries: factories that pass what is asked of them on to the one session that they keep per scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program import knowledge

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver


def is_registry(solver: Solver, atom: Any) -> bool:
    """Whether a factory is a ``scoped_session``: made as one, declared as one, or given as one."""
    if atom.tag == "handle":
        return bool(atom.registry)
    if atom.tag == "ext":
        return atom.name.removesuffix("()") in knowledge.REGISTRIES
    return atom.tag in ("param", "injected") and any(
        v.tag in ("handle", "ext") and is_registry(solver, v) for v in solver.views(atom)
    )
