"""Making an object runs more than its constructor: validators, hooks, and what makes the defaults of its fields."""

from __future__ import annotations

from typing import Final

from sessionlint.facts import ir
from sessionlint.program import hooks
from sessionlint.program.frame import Frame
from sessionlint.program.implied import acts, run
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import UNKNOWN, UNKNOWN_KEYWORDS, Cls, Inst, Value

Keywords = list[tuple[str, Value]]
#: Bases whose constructors validate.
_VALIDATING: Final = ("pydantic.", "pydantic_settings.", "sqlmodel.")
#: It fills the fields and asks no validator.
_UNASKED: Final = "model_construct"
_MAKES: Final = "makes a default"
_OF_ATTRS: Final = "__attrs_post_init__"


def made(frame: Frame, info: ClassInfo, args: list[Value], keywords: Keywords, owner: Inst, e: ir.Expr) -> None:
    """``Order(name=name)`` of a class without a constructor of its own, or after that has run."""
    for cls in frame.solver.mro(info):
        if cls.called[0] or cls.called[1] or cls.called[2]:
            break
    else:
        return
    fields = frame.solver.fields(info)
    given = {*list(fields)[: len(args)], *[name for name, _ in keywords]}
    told = UNKNOWN_KEYWORDS not in given
    # what is given by an alias may be any field
    _validate(frame, info, given if told and given.issubset(fields) else None, True, owner, e)
    if told and frame.solver.method(info, "__init__") is None:
        _fill(frame, info, given, e)
        _assign(frame, info, keywords, owner, e)


def validated(frame: Frame, info: ClassInfo, name: str, e: ir.Expr) -> None:
    """``Order.model_validate(data)``: nobody knows which fields the data has."""
    for cls in frame.solver.mro(info):
        if cls.called[0]:
            _validate(frame, info, None, name != _UNASKED, Inst(info), e)
            break


def _validate(
    frame: Frame, info: ClassInfo, given: set[str] | None, asked: bool, owner: Inst, e: ir.Expr
) -> None:  # fmt: skip
    """Runs the hooks of an object that has these fields (``None``: any); validators only if they are ``asked``."""
    libraries = [*frame.solver.external_bases(info), *[a.name for a in info.decorators if a.tag == "ext"]]
    validates = any(base.startswith(_VALIDATING) for base in libraries)
    for cls in frame.solver.mro(info):
        for method, names in cls.called[0]:
            if _overridden(frame, info, method):
                continue
            if method.name == _OF_ATTRS:
                happens = any(base.startswith("attr") for base in libraries)
            elif method.name in hooks.AFTER:
                happens = validates
            else:
                happens = validates and asked and (given is None or names is None or not names.isdisjoint(given))
            if happens:
                run(frame, method, Cls(info) if method.is_classmethod else owner, [], e)


def _overridden(frame: Frame, info: ClassInfo, method: FunctionInfo) -> bool:
    """Whether a class below has something else under the name of a hook."""
    return frame.solver.method(info, method.name) is not method


def _fill(frame: Frame, info: ClassInfo, given: set[str], e: ir.Expr) -> None:
    """Makes the fields that are not given."""
    for cls in frame.solver.mro(info):
        for name in cls.called[2]:
            for atom in frame.solver.read((_MAKES, cls, name)) if name not in given else ():
                frame.machine.call(frame, atom, [], [], e)


def note_default(frame: Frame, owner: ClassInfo, name: str, field: Value) -> None:
    """Notes what makes the default of a field, when that does anything but make it."""
    for atom in field:
        for key in hooks.FACTORIES if atom.tag == "map" else ():
            makers = [a for a in atom.get(key) or () if a.tag != "cls" and acts(frame, a)]
            frame.solver.write((_MAKES, owner, name), tuple(makers))


def _assign(frame: Frame, info: ClassInfo, keywords: Keywords, owner: Inst, e: ir.Expr) -> None:
    """The constructor of a mapped class assigns what it is given by name."""
    for cls in frame.solver.mro(info):
        for method, names in cls.called[1]:
            for name, value in keywords:
                if names is None or name in names:
                    run(frame, method, owner, [UNKNOWN, value], e)


__all__ = ["made", "note_default", "validated"]
