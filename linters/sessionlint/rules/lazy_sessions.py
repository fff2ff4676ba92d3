"""Sessions that a property opens when it is asked first, and keeps on its object: who commits what is written there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.program.beginning import BEGINS
from sessionlint.program.model import KEPT
from sessionlint.rules.out_of_sight import may_be_committed

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, FunctionInfo

#: Bases whose own methods know nothing of what a class below keeps.
_KNOW_NOTHING = ("abc.", "builtins.object", "typing.", "typing_extensions.", "celery.Task", "celery.app.task.Task")
_SAVES = frozenset({"commit", *BEGINS})


def is_given_only(program: Program, function: FunctionInfo) -> bool:
    """Whether a property gives a session that no method of its classes commits, nor anybody whom nobody calls.

    Who asks for it and is called in sight is told of what he does himself.
    """
    owner = function.class_info
    if owner is None or not function.is_property:
        return False
    sessions = [a for a in program.solver.peek(("attr", owner, KEPT)) if program.kind(a) == "session"]
    family = [c for c in program.classes if owner in program.solver.mro(c)]
    return (
        bool(sessions)
        and all(base.startswith(_KNOW_NOTHING) for c in family for base in program.solver.external_bases(c))
        and not any(may_be_committed(program, a) for a in sessions)
        and not any(_commits(method) for method in _methods(program, family))
    )


def _methods(program: Program, family: list[ClassInfo]) -> Iterator[FunctionInfo]:
    for cls in dict.fromkeys(c for member in family for c in program.solver.mro(member)):
        yield from cls.methods.values()


def _commits(method: FunctionInfo) -> bool:
    return any(e.kind == "escape" or (e.kind == "txn" and e.name in _SAVES) for e in method.summary.effects)
