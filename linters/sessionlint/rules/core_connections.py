"""Connections of SQLAlchemy's that are worked with as others work with sessions: given out, passed on, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.values import CONNECTION, SESSION

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_WORKED_WITH: Final = frozenset({SESSION, CONNECTION})


def is_worked_with(program: Program, atom: Any) -> bool:
    """Whether it is a session, or a connection with which statements are executed without one."""
    return program.kind(atom) in _WORKED_WITH
