"""``request.state.owner = name``: until anybody else is given the request, that is what the function finds there."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value

STATE = "request.state"
_INNER = ("F", "C", "lam")


def note(frame: Frame, target: ir.Expr, value: Value) -> None:
    """What is put there is kept under the written name, as that of a variable is; of two ways, on both or on none."""
    name = ir.dotted(target)
    if name is None:
        return
    request = name.partition(".")[0]
    if _is_given(frame.function.body, (request, f"{request}.state")):
        return
    frame.imported.add(name)
    frame.env[name] = value


def found(frame: Frame, base: Value, e: ir.Expr) -> Value | None:
    """What the function itself has put there before; ``None`` where it has not."""
    if not frame.imported or len(base) != 1 or not isinstance(base[0], Ext) or base[0].name != STATE:
        return None
    name = ir.dotted(e) or ""
    return frame.env.get(name, UNKNOWN) if name in frame.imported and name in frame.env else None


def _is_given(node: Any, names: tuple[str, str]) -> bool:
    """Whether something is called with the request, or with its state."""
    for child in node:
        if type(child) is not tuple or not child or child[0] in _INNER:
            continue
        if child[0] == "c" and len(child) == 5:
            given = (*child[3], *(argument for _, argument in child[4]))
            for argument in given:
                if (ir.dotted(argument) or "") in names:
                    return True
        if _is_given(child, names):
            return True
    return False
