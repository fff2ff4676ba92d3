"""Where a password that ends up in a URL or argument is written: right there, or elsewhere in the source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.literals import Literal, literals
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo
    from sessionlint.report import TraceStep

_NAMED = regex(r"pass|pwd|secret|credential", re.I)


def from_elsewhere(program: Program, function: FunctionInfo, span: ir.Span4, secret: str) -> list[TraceStep]:
    """The place where a password is written that only gets to this one; none when it is written in this one."""
    needle = secret.encode()
    own = literals(program.solver.modules[function.path], needle)
    if any(secret in found.text and is_within(found.expr[1], span) for found in own):
        return []
    places = [found for module in program.modules for found in literals(module, needle) if found.text == secret]
    if not places:
        return []
    found = min(places, key=lambda place: _rank(place, function))
    site = (found.module.path, found.expr[1])
    return [program.step(site, "the password is written here")]


def _rank(place: Literal, function: FunctionInfo) -> tuple[bool, bool]:
    """What is called a password first, and what stands in the same file."""
    return not _NAMED.search(place.name), place.module.path != function.path


__all__ = ["from_elsewhere"]
