"""``__new__`` is given what the constructor is given: ``Store(session)`` hands both the session."""

from __future__ import annotations

from sessionlint.program.arguments import bound
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import Cls, Fn, Value


def given(
    frame: Frame, info: ClassInfo, maker: FunctionInfo, args: list[Value], keywords: list[tuple[str, Value]]
) -> None:
    """Tells ``__new__`` of a class what its objects are made with; for the class it has a name of its own."""
    of_class: Value = (Cls(info),)
    for key, value in bound(frame, maker, Fn(maker), [of_class, *args], keywords).items():
        if key.tag == "param" and value and value != of_class:
            frame.solver.flow(maker, key.name, value)


__all__ = ["given"]
