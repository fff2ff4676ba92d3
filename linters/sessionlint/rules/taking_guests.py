"""Dependencies for which whoever says nothing is somebody all the same: ``return authorization or "guest"``."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.security_schemes import is_lenient
from sessionlint.program.values import Dependency
from sessionlint.rules.refusing_nobody import refuses_nobody


def takes_guests(function: FunctionInfo) -> bool:
    """Whether a function has a name for who brings nothing along, and can be seen to refuse nobody."""
    if not any(e.kind == "return" and e.expr is not None and _names_guest(e.expr) for e in function.events):
        return False
    return refuses_nobody(function, lenient=True)


def is_optional(dependency: Dependency) -> bool:
    """Whether a dependency is a security scheme that lets who brings nothing along go on."""
    return bool(dependency.target) and all(a.tag == "ext" and is_lenient(a.name) for a in dependency.target)


def _names_guest(expr: ir.Expr) -> bool:
    """Whether an expression is a text that is written out, perhaps in the place of something that is missing."""
    op = expr[0]
    if op == "k":
        return isinstance(expr[2], str) and bool(expr[2])
    if op == "o":
        return bool(expr[2] == "or") and _names_guest(expr[3][-1])
    if op == "q":
        return _names_guest(expr[3]) or _names_guest(expr[4])
    return bool(op == "c" and expr[2][0] == "a" and expr[2][3] == "get" and len(expr[3]) > 1) and _names_guest(
        expr[3][1]
    )


__all__ = ["is_optional", "takes_guests"]
