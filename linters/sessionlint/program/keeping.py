"""Handles that an object makes itself and keeps: told apart by the place where the object is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.model import KEPT, ClassInfo, Effect, FunctionInfo, Hop, Summary
from sessionlint.program.substitution import is_made_by
from sessionlint.program.values import CONNECTION, DRIVER, MARK, SESSION, UNKNOWN, Const, Handle, Inst, Value, join

#: Before the name of an attribute that keeps an exit stack: what methods of the class have entered on that.
STACKED = "<stacked>."
#: In the place of that name: which attribute keeps the stack is not known.
ANY_STACK = ""
_KINDS = frozenset({SESSION, CONNECTION, DRIVER})
_OPENS = (Effect("create", SESSION, None), Effect("create", CONNECTION, None))

Bindings = Sequence[tuple[Any, Value]]


def keep(frame: Frame, info: ClassInfo, value: Value) -> None:
    """``self.session = factory()`` in a method of the class."""
    if frame.function.class_info is not None:
        made = tuple(a for a in value if a.tag == "handle" and a.kind in _KINDS and frame.is_own(a))
        if made:
            frame.kept_own.update(made)
            frame.solver.write(("attr", info, KEPT), made)


def keeps_what_it_returns(function: FunctionInfo) -> bool:
    """Whether a decorator keeps what a method returns on its object, which is then asked no more."""
    return function.is_property and is_decorated(function, knowledge.KEEPING_PROPERTIES)


def is_decorated(function: FunctionInfo, decorators: tuple[str, ...]) -> bool:
    """Whether a function wears one of a library's decorators, called or not."""
    values = [a for _, value in function.decorator_values for a in value]
    return any(a.tag == "ext" and a.name.removesuffix("()") in decorators for a in values)


def own(frame: Frame, info: ClassInfo, span: ir.Span4) -> Bindings:
    """What stands for the handles of this very object, made at ``span``: nothing is known of them yet."""
    found = _kept(frame, info)
    bindings = tuple((handle, (handle._replace(site=frame.site(span)),)) for handle in found)
    for _, (handle,) in bindings:
        _renew(frame, handle)
    if any(c.registers for c in frame.solver.mro(info)):
        return (*bindings, (MARK, (Const(frame.site(span), "mark"),)))
    return bindings


def run(frame: Frame, function: FunctionInfo, mapped: dict[Any, Value], span: ir.Span4) -> None:
    """A method is called: what it makes anew and keeps is neither closed nor used, whatever was there before."""
    owner = function.class_info
    if owner is None or function.is_property or not opens(function.summary):
        return
    sources = function.summary.sources
    for handle in _kept(frame, owner):
        # itself, or by a method of the object to which it leaves that
        if is_made_by(handle, function) or (handle.kind, handle.root) in sources:
            hop = Hop(frame.site(span), f"{function.called} opens it", function)
            frame.source((handle.kind, handle.root), hop)
            for atom in mapped.get(handle) or (handle,):
                _renew(frame, atom)


def opens(summary: Summary) -> bool:
    """Whether a function makes a session or connection, here or further down."""
    return any(e in summary.effects for e in _OPENS)


def of_roots(frame: Frame, roots: set[tuple[str, Any]]) -> Value:
    """The handle of these origins that methods of this class keep; none when several could be meant."""
    owner = frame.function.class_info
    found = [h for h in _kept(frame, owner) if (h.kind, h.root) in roots] if owner is not None else []
    return tuple(found) if len({(h.kind, h.root) for h in found}) == len(found) else UNKNOWN


def put_on_stack(frame: Frame, e: ir.Expr | None, handles: Value) -> bool:
    """``self._stack.enter_context(…)``: another method of the class ends that with the stack.

    Without ``e``: what was entered on a stack that ``pop_all()`` hands on, to whichever the class keeps.
    """
    owner = frame.function.class_info
    name = ANY_STACK if e is None and owner is not None else _stack_in(frame, e) if e is not None else None
    if name is not None and owner is not None and handles:
        frame.solver.write(("attr", owner, STACKED + name), handles)
        keep(frame, owner, handles)
    return name is not None


def on_stack(frame: Frame, e: ir.Expr) -> Value:
    """What methods of the class have entered on the stack that ``e`` calls a method of."""
    name, owner = _stack_in(frame, e), frame.function.class_info
    found: Value = UNKNOWN
    for cls in frame.solver.mro(owner) if name is not None and owner is not None else ():
        for kept in (name, ANY_STACK):
            found = join(found, frame.solver.read(("attr", cls, f"{STACKED}{kept}")))
    return found


def _stack_in(frame: Frame, e: ir.Expr) -> str | None:
    """The attribute of ``self`` that keeps the object whose method is called here."""
    owner = frame.function.class_info
    if owner is None or e[0] != "c" or e[2][0] != "a" or e[2][2][0] != "a" or e[2][2][2][0] != "n":
        return None
    name: str = e[2][2][3]
    return name if Inst(owner) in frame.lookup(e[2][2][2][2]) else None


def _kept(frame: Frame, info: ClassInfo) -> tuple[Handle, ...]:
    found: Value = UNKNOWN
    for cls in frame.solver.mro(info):
        found = join(found, frame.solver.read(("attr", cls, KEPT)))
    return found


def _renew(frame: Frame, handle: Any) -> None:
    for key in [key for key in frame.facts if key[0] == handle]:
        del frame.facts[key]
