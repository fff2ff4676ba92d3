"""Objects that try something again: ``await AsyncRetrying(stop=…)(send, text)`` calls what it is handed.

Sources: tenacity 9.1, ``tenacity/__init__.py`` (``BaseRetrying.__call__``, ``wraps``, ``retry``); backoff 2.2,
``backoff/_decorator.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Value, join_all

Keywords = list[tuple[str, Value]]
Special = Callable[[Frame, list[Value], Keywords, ir.Expr], Value]
_CALLABLE: Final = frozenset({"fn", "method", "partial", "param", "cls", "inst"})


def _call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """Calls what is handed first with the rest."""
    called = [a for a in args[0] if a.tag in _CALLABLE] if args else []
    return join_all([frame.machine.call(frame, a, args[1:], keywords, e) for a in called])


def _decorate(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``retry(stop=…)(send)``: the same function."""
    return args[0] if args else UNKNOWN


SPECIAL: Final[dict[str, Special]] = {
    **dict.fromkeys(
        [f"tenacity.{m}{n}()" for m in ("", "asyncio.", "_asyncio.") for n in ("Retrying", "AsyncRetrying")], _call
    ),
    **dict.fromkeys(("tenacity.retry()", "backoff.on_exception()", "backoff.on_predicate()"), _decorate),
    **dict.fromkeys(("tenacity.Retrying().wraps", "tenacity.AsyncRetrying().wraps"), _decorate),
}

__all__ = ["SPECIAL"]
