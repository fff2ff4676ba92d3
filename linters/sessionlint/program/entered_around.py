"""Context managers as decorators: ``@timed()`` around a function enters one around each of its calls.

What ``contextmanager`` makes, and classes of ``ContextDecorator``, are such: the body stands in a ``with`` of theirs.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import memo as memory
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Value

_BASES = {True: "contextlib.AsyncContextDecorator", False: "contextlib.ContextDecorator"}


def is_entered(frame: Frame, function: FunctionInfo, decorator: ir.Expr, target: Value) -> bool:
    """Whether a decorator is a call that gives a context manager, of the function's own kind.

    A plain one around a coroutine function is left before the coroutine runs, and so is one around a generator.
    """
    if decorator[0] != "c" or function.is_generator:
        return False
    return bool(target) and all(_gives_manager(frame, function, atom) for atom in target)


def _gives_manager(frame: Frame, function: FunctionInfo, atom: Any) -> bool:
    if atom.tag == "fn":
        frame.solver.remember(memory.SIGNATURE, atom.info, atom.info.signature)
        return bool(atom.info.is_context_manager and atom.info.is_async == function.is_async)
    if atom.tag != "cls" or frame.solver.method(atom.info, "__call__") is not None:
        return False
    return _BASES[function.is_async] in frame.solver.external_bases(atom.info)


def body_of(frame: Frame, function: FunctionInfo) -> tuple[ir.Stmt, ...]:
    """The statements of a function, in the ``with`` of each such decorator."""
    body = function.body
    for decorator, _ in function.decorator_values if body else ():
        if decorator[0] == "c":
            break
    else:
        return body
    frame.solver.remember(memory.SIGNATURE, function, function.signature)
    for decorator, target in reversed(function.decorator_values):
        if is_entered(frame, function, decorator, target):
            body = (("w/", decorator[1], ((decorator, None),), body, function.is_async),)
    return body


__all__ = ["body_of", "is_entered"]
