"""Data classes whose objects each have a session of their own: ``field(default_factory=session_factory)``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.program.annotated import FIELD
from sessionlint.program.values import UNKNOWN_KEYWORDS, Handle

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event


def made_for_fields(program: Program) -> Iterator[tuple[Event, Event, Handle]]:
    """Where an object is made that is given none, where its field is told what makes one, and that."""
    kept = program.shared(_kept)
    for event in program.events("construct") if kept else ():
        owner = event.value[0].info
        for cls in program.solver.mro(owner):
            for name, store in kept.get(cls, {}).items():
                if event.function.class_info is not owner and not _is_given(program, event, owner, name):
                    yield from ((event, store, a) for a in store.subject[:1] if isinstance(a, Handle))


def _is_given(program: Program, event: Event, owner: ClassInfo, name: str) -> bool:
    """Whether a call may say itself what a field holds."""
    named = {key for key, _ in event.keywords}
    if program.solver.method(owner, "__init__") is not None or UNKNOWN_KEYWORDS in named or name in named:
        return True
    starred = event.expr is not None and any(argument[0] == "*" for argument in event.expr[3])
    return starred or name in [*program.solver.fields(owner)][: len(event.args)]


def _kept(program: Program) -> dict[ClassInfo, dict[str, Event]]:
    found: dict[ClassInfo, dict[str, Event]] = {}
    for event in program.events("store"):
        if event.name == FIELD:
            for atom in event.args[0]:
                found.setdefault(atom.info, {})[event.text.rpartition(".")[2]] = event
    return found


__all__ = ["made_for_fields"]
