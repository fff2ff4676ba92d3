"""Whose rows: those of sessions that other functions have are none of this function's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessionlint.program.frame import Frame


def of_this_call(frame: Frame, sessions: Iterable[Any]) -> list[Any]:
    """Without the sessions of others, where one of this function's own is among them.

    A helper that calls what it is handed gives back what is loaded for any of its callers.
    """
    found = list(sessions)
    others = [s for s in found if _is_anothers(frame, s)]
    at_home = any(s not in others and s.tag in ("handle", "param") for s in found) if others else False
    return [s for s in found if s not in others] if at_home else found


def _is_anothers(frame: Frame, session: Any) -> bool:
    """Whether another function, none around this one, has made a session, or was given it and keeps it nowhere."""
    if session.tag == "param":
        return session.info is not frame.function and session.info.name != "__init__" and frame.function.parent is None
    return bool(session.tag == "handle" and not frame.is_own(session) and frame.function.parent is None)
