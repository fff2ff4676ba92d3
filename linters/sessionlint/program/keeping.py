"""Handles that an object makes itself and keeps: told apart by the place where the object is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, Effect, FunctionInfo
from sessionlint.program.substitution import is_made_by
from sessionlint.program.values import CONNECTION, DRIVER, MARK, SESSION, UNKNOWN, Const, Handle, Value, join

#: The attribute of a class under which it is written down which handles its methods make and keep.
KEPT = "<kept>"
_KINDS = frozenset({SESSION, CONNECTION, DRIVER})
_OPENS = (Effect("create", SESSION, None), Effect("create", CONNECTION, None))

Bindings = Sequence[tuple[Any, Value]]


def keep(frame: Frame, info: ClassInfo, value: Value) -> None:
    """``self.session = factory()`` in a method of the class."""
    if frame.function.class_info is not None:
        made = tuple(a for a in value if a.tag == "handle" and a.kind in _KINDS and frame.is_own(a))
        if made:
            frame.solver.write(("attr", info, KEPT), made)


def own(frame: Frame, info: ClassInfo, span: ir.Span4) -> Bindings:
    """What stands for the handles of this very object, made at ``span``: nothing is known of them yet."""
    found = _kept(frame, info)
    bindings = tuple((handle, (handle._replace(site=frame.site(span)),)) for handle in found)
    for _, (handle,) in bindings:
        _renew(frame, handle)
    if any(c.registers for c in frame.solver.mro(info)):
        return (*bindings, (MARK, (Const(frame.site(span), "mark"),)))
    return bindings


def run(frame: Frame, function: FunctionInfo, mapped: dict[Any, Value]) -> None:
    """A method is called: what it makes anew and keeps is neither closed nor used, whatever was there before."""
    owner = function.class_info
    if owner is None or function.is_property or not any(e in function.summary.effects for e in _OPENS):
        return
    for handle in _kept(frame, owner):
        if is_made_by(handle, function):
            for atom in mapped.get(handle) or (handle,):
                _renew(frame, atom)


def _kept(frame: Frame, info: ClassInfo) -> tuple[Handle, ...]:
    found: Value = UNKNOWN
    for cls in frame.solver.mro(info):
        found = join(found, frame.solver.read(("attr", cls, KEPT)))
    return found


def _renew(frame: Frame, handle: Any) -> None:
    for key in [key for key in frame.facts if key[0] == handle]:
        del frame.facts[key]
