"""What the constructor of a class leaves empty of the one above: ``super().__init__()``.

What classes beside it pass there is not what its objects hold, although all keep it in one attribute of that class.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo, Summary
from sessionlint.program.values import ABSENT, UNKNOWN, Value


def note(frame: Frame, above: FunctionInfo, summary: Summary, bindings: dict[Any, Value]) -> None:
    """A constructor calls another one: notes which of its parameters are ``None`` for this class's objects."""
    own = frame.function.class_info
    if own is None or above is frame.function or above.class_info not in frame.solver.mro(own):
        return
    for key, value in (*summary.not_given, *bindings.items()):
        if key.tag == "param":
            # on another path it may be given something
            frame.not_given[key] = value if value == (ABSENT,) and frame.not_given.get(key, value) else UNKNOWN
