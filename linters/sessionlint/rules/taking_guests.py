"""Dependencies for which whoever says nothing is somebody all the same: ``return authorization or "guest"``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.api import Program
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Dependency
from sessionlint.rules.refusing_nobody import refuses_nobody


def takes_guests(program: Program, function: FunctionInfo) -> bool:
    """Whether a function has a name for who brings nothing along, and can be seen to refuse nobody."""
    if not any(e.kind == "return" and e.expr is not None and _names_guest(e.expr) for e in function.events):
        return False
    return refuses_nobody(function, program.shared(_optional))


def is_optional(program: Program, dependency: Dependency) -> bool:
    """Whether a dependency is a security scheme that lets who brings nothing along go on."""
    optional = program.shared(_optional)
    return bool(dependency.target) and all(a.tag == "ext" and a.name in optional for a in dependency.target)


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


def _optional(program: Program) -> frozenset[str]:
    """The security schemes of FastAPI that are made with ``auto_error=False`` wherever the program makes one."""
    made: dict[str, bool] = {}
    for event in program.events("external"):
        if event.name.startswith("fastapi.security.") and knowledge.SECURITY_CLASSES.match(f"{event.name}()"):
            told: Any = dict(event.keywords).get("auto_error", ())
            is_off = len(told) == 1 and told[0].tag == "const" and told[0].value is False
            made[f"{event.name}()"] = is_off and made.get(f"{event.name}()", True)
    return frozenset(name for name, is_off in made.items() if is_off)


__all__ = ["is_optional", "takes_guests"]
