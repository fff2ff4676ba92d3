"""Classes of answers that are handed over: ``answer(rows(), StreamingResponse)``, ``self.response_class(content)``.

What a function answers with is of the class that this call passes, or that the object's own class keeps. So such a
function is gone through once more with it, as with a literal (:mod:`sessionlint.program.by_constant`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sessionlint.program.frame import Frame
from sessionlint.program.knowledge import STREAMING
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Value

_RESPONSES: Final = ("fastapi.responses.", "starlette.responses.")


def answers(frame: Frame, returns: Value) -> bool:
    """Whether a function gives back an answer to a request."""
    for atom in returns:
        if atom.tag == "ext" and atom.name.endswith("()"):
            if _is_response(atom.name[:-2]):
                return True
        elif atom.tag == "inst" and atom.info.bases and any(map(_is_response, frame.solver.external_bases(atom.info))):
            return True
    return False


def _is_response(path: str) -> bool:
    return path.startswith(_RESPONSES) or path in STREAMING


def called(node: tuple[Any, ...]) -> Iterator[str]:
    """The names that are called in statements, and those whose attributes are."""
    if node and node[0] == "c" and len(node) == 5:
        callee = node[2]
        if callee[0] == "n":
            yield callee[2]
        elif callee[0] == "a" and callee[2][0] == "n":
            yield callee[2][2]
    for child in node:
        if type(child) is tuple:
            yield from called(child)


def tells(frame: Frame, function: FunctionInfo, atom: Any) -> bool:
    """Whether an argument is a class, or an object whose class is below the one that has the method."""
    tag = atom.tag
    if tag == "cls" or (tag == "ext" and not atom.name.endswith("()")):
        return True
    own = function.class_info
    return tag == "inst" and own is not None and atom.info is not own and own in frame.solver.mro(atom.info)


__all__ = ["answers", "called", "tells"]
