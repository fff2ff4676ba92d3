"""Functions that a decorator keeps in a list or dictionary, and that other code takes out of it."""

from __future__ import annotations

from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Value


def registered(frame: Frame, value: Value) -> Value:
    """``JOBS[fn.__name__] = fn`` in a decorator: the functions it was given, where its parameter turns up elsewhere."""
    kept = [a for a in value if a.tag == "param" and not _is_around(a.info, frame.function)]
    if not kept:
        return value
    given = [a for p in kept for a in frame.solver.arguments_of(p) if a.tag in ("fn", "partial", "inst")]
    for atom in given:
        if atom.tag == "fn":
            frame.solver.want(atom.info)
    return tuple(dict.fromkeys((*(a for a in value if a not in kept), *given))) if given else value


def _is_around(outer: FunctionInfo, function: FunctionInfo | None) -> bool:
    """Whether a function is another one, or the other stands in it."""
    while function is not None and function is not outer:
        function = function.parent
    return function is outer
