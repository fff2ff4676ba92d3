"""``pkgutil.resolve_name("app.rules:allowed")``: a module, and what it has under a name."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.memo import FILES
from sessionlint.program.strings import whole
from sessionlint.program.values import UNKNOWN, Const, Value

Keywords = list[tuple[str, Value]]


def resolve(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """What the text names; without a colon as much of it is the module as there is one of."""
    named = whole(args[0] if args else dict(keywords).get("name", UNKNOWN))
    if named is None:
        return UNKNOWN
    frame.solver.remember(FILES, None, frame.solver.names.identity)
    module, _, rest = named.partition(":")
    names = rest.split(".") if rest else []
    if ":" not in named:
        while "." in module and frame.solver.names.path_of(module, frame.path) is None:
            module, _, last = module.rpartition(".")
            names.insert(0, last)
        if frame.solver.names.path_of(module, frame.path) is None:
            module, names = named, []
    frame.emit("external", e[1], name="importlib.import_module", args=((Const(module, "str"),),), expr=e)
    found: Value = frame.solver.module_value(module, frame.path)
    for name in names:
        found = frame.machine.attribute(frame, found, name, ("a", e[1], ("z", e[1], ()), name))
    return found


SPECIAL: dict[str, Any] = {"pkgutil.resolve_name": resolve}

__all__ = ["SPECIAL"]
