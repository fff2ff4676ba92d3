"""What an object keeps, and its constructor has found among literals: it raises for all others."""

from __future__ import annotations

from typing import Final

from sessionlint.facts import ir
from sessionlint.program import listed
from sessionlint.program.frame import Frame
from sessionlint.program.values import Ext, Param, Value

#: What is known of a literal that is not told.
_ONE_OF: Final[Value] = (Ext("typing.Literal()"),)
_MAKERS: Final = ("__init__", "__post_init__")


def is_checked(frame: Frame, param: Param) -> bool:
    """Whether a parameter is one of a constructor that comes back only where it is some literal."""
    maker = param.info
    return maker.name == "__init__" and (param, listed.LISTED) in frame.solver.summary_of(maker).leaves


def of_own(frame: Frame, expr: ir.Expr, value: Value) -> Value:
    """The same of ``self.language``, which the constructor has tested once it was kept (``__post_init__``, too)."""
    owner, params = frame.function.class_info, frame.function.params
    if owner is None or expr[2][0] != "n" or not params or params[0][0] != expr[2][2]:
        return value
    given = [a for a in value if isinstance(a, Param)]
    if any(a.info.name != "__init__" for a in given) or not (given or listed.is_any_text(value)):
        return value
    if not listed.is_any_text(tuple([a for a in value if a.tag != "param"])):
        return value
    for name in _MAKERS:
        maker = frame.solver.method(owner, name)
        if maker is None or maker is frame.function or not maker.params:
            continue
        kept = Param(maker, f"{maker.params[0][0]}.{expr[3]}")
        if (kept, listed.LISTED) in frame.solver.summary_of(maker).leaves:
            return _ONE_OF
    return value
