"""Objects that try something again: ``await AsyncRetrying(stop=…)(send, text)`` calls what it is handed.

Sources: tenacity 9.1, ``tenacity/__init__.py`` (``BaseRetrying.__call__``, ``wraps``, ``retry``); backoff 2.2,
``backoff/_decorator.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sessionlint.facts import ir
from sessionlint.program import waiting
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Value, join_all

Keywords = list[tuple[str, Value]]
Special = Callable[[Frame, list[Value], Keywords, ir.Expr], Value]
_RETRY: Final = "tenacity.retry"
_BACKING_OFF: Final = ("backoff.on_exception", "backoff.on_predicate")
_CALLABLE: Final = frozenset({"fn", "method", "partial", "param", "cls", "inst"})


def _call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """Calls what is handed first with the rest."""
    called = [a for a in args[0] if a.tag in _CALLABLE] if args else []
    return join_all([frame.machine.call(frame, a, args[1:], keywords, e) for a in called])


def _decorate(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``retry(stop=…)(send)``: the same function."""
    return args[0] if args else UNKNOWN


def waits_between(frame: Frame) -> None:
    """``@retry(wait=wait_fixed(5))``: the function sleeps before it is tried again, in whatever its caller has open."""
    function = frame.function
    for written, value in function.decorator_values:
        if written[0] == "c" and any(a.tag == "ext" and _waits(a.name, written) for a in value):
            waiting.wait(frame, "asyncio.sleep" if function.is_async else "time.sleep", written)


def _waits(name: str, written: ir.Expr) -> bool:
    if name in _BACKING_OFF:
        return not any(key == "interval" and _is_nothing(given) for key, given in written[4])
    return name == _RETRY and any(key == "wait" and not _is_no_wait(given) for key, given in written[4])


def _is_no_wait(given: ir.Expr) -> bool:
    """``wait_none()``, ``wait_fixed(0)``."""
    if given[0] != "c":
        return False
    return (ir.dotted(given[2]) or "").endswith("wait_none") or any(_is_nothing(argument) for argument in given[3])


def _is_nothing(given: ir.Expr) -> bool:
    return bool(given[0] == "k" and given[2] == 0)


SPECIAL: Final[dict[str, Special]] = {
    **dict.fromkeys(
        [f"tenacity.{m}{n}()" for m in ("", "asyncio.", "_asyncio.") for n in ("Retrying", "AsyncRetrying")], _call
    ),
    **dict.fromkeys([f"{name}()" for name in (_RETRY, *_BACKING_OFF)], _decorate),
    **dict.fromkeys(("tenacity.Retrying().wraps", "tenacity.AsyncRetrying().wraps"), _decorate),
}

__all__ = ["SPECIAL", "waits_between"]
