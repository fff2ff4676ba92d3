"""Views of Flask and its kin: functions that a rule of an application calls, and methods of classes of views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sessionlint.patterns import regex

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.solver import Solver

_PACKAGES: Final = ("flask", "quart", "apiflask")
_RULES: Final = regex(
    r"(?:flask|quart|apiflask)\w*\.(?:\w+\.)*(?:Flask|Quart|APIFlask|OpenAPI|\w*Blueprint)\(\)"
    r"\.(?:route|get|post|put|patch|delete)(?:\(\))?"
)
#: Classes whose methods are views by the names of HTTP methods.
_CLASSES: Final = regex(r"(?:flask|quart)\w*\.(?:\w+\.)*(?:MethodView|Resource)")
_COMMANDS: Final = regex(r"(?:flask|quart)\w*\.(?:\w+\.)*\w+\(\)\.cli\.command(?:\(\))?|(?:click|flask\.cli|typer)\..*")
_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete"})


def is_view(solver: Solver, function: FunctionInfo) -> bool:
    """Whether a request is answered by the function."""
    for _, value in function.decorator_values:
        for atom in value:
            if atom.tag == "ext" and atom.name.startswith(_PACKAGES) and _RULES.fullmatch(atom.name):
                return True
    owner = function.class_info
    if owner is None or function.name not in _VERBS or not owner.bases:
        return False
    return any(_CLASSES.fullmatch(base) for base in solver.external_bases(owner))


def is_command(function: FunctionInfo) -> bool:
    """Whether it runs for itself, by a command."""
    values = [a for _, value in function.decorator_values for a in value]
    return any(a.tag == "ext" and _COMMANDS.fullmatch(a.name) is not None for a in values)
