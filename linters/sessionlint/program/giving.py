"""What objects are given later than by their constructor: ``buffer.open(session)``, ``repo.session = session``.

What methods do with an attribute is told of all that anybody puts there. The object says what stands for that: what it
was given last. In straight-line code that replaces what it had before; where several paths meet, it may be either.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import in_place
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo, Summary
from sessionlint.program.records import REPLACED
from sessionlint.program.substitution import substitute
from sessionlint.program.values import UNKNOWN, Const, Inst, Map, Param, Value, contained, join

#: The key under which an object made here says which it is, and what attributes hold that it was surely given.
HELD = Const("<held>", "held")
#: Marks of places that not every call of a function comes to, or that it comes to several times.
_SOMETIMES = frozenset({"branch", "loop", "handler"})
#: What makes a difference to sessions, or is called later.
_CALLED = frozenset({"fn", "cls", "partial", "method"})
#: What stands for a session in what methods do.
_STANDING = frozenset({"param", "injected", "handle"})
_MOST = 24


class Gift(NamedTuple):
    """An attribute of an argument that a function assigns: what is kept there, and what that is for its callers.

    ``keys`` are the atoms by which methods of the object know it.
    """

    owner: Any
    name: str
    keys: Value
    value: Value
    surely: bool


def assigned(frame: Frame, holder: ir.Expr, atom: Inst, name: str, value: Value) -> None:
    """``holder.name = value``: notes what callers need to know of it, and what the object holds from here on."""
    if holder[0] != "n":
        return
    function, solver = frame.function, frame.solver
    own = function.class_info is not None and bool(function.params) and function.params[0][0] == holder[2]
    known = _is_given_later(frame, atom.info, name)
    if own and function.parent is None:
        later = function.name != "__init__" and any(_is_passed(frame, a) for a in value)
        if later and not known:
            _note_given(frame, atom.info, name)
        if later or known:
            _note(frame, Gift(Param(function, holder[2]), name, value, value, _is_sure(frame)))
        return
    held = frame.env.get(holder[2], UNKNOWN)
    if not known and any(a.tag in _CALLED or solver.kind_of(a) is not None for a in value):
        if solver.is_model(atom.info):
            return
        known = True
        _note_given(frame, atom.info, name)
    if not known:
        return
    if len(held) == 1 and isinstance(held[0], Param) and held[0].info is function:
        _note(frame, Gift(held[0], name, value, value, _is_sure(frame)))
    elif atom in held:
        in_place.put(frame, {atom: _renewed(frame, atom, name, value, value, len(held) == 1 and _is_sure(frame))})


def received(frame: Frame, function: FunctionInfo, summary: Summary, mapped: dict[Any, Value], e: ir.Expr) -> None:
    """A callee has given something to an argument, or to the object whose method it is."""
    for gift in summary.gives:
        owner = _owner(frame, function, gift, mapped, e)
        if owner is None:
            continue
        value = substitute(frame, gift.value, mapped, function, e[1])
        surely = gift.surely and _is_sure(frame)
        if owner.tag == "param":
            _note(frame, Gift(owner, gift.name, gift.keys, value, surely))
            continue
        changed = {
            atom: _renewed(frame, atom, gift.name, gift.keys, value, surely) for atom in (owner, *_same(frame, owner))
        }
        in_place.put(frame, changed)
        mapped[gift.owner] = (changed[owner],)


def made(
    frame: Frame, init: FunctionInfo | None, info: ClassInfo, bindings: dict[Any, Value], span: ir.Span4
) -> tuple[tuple[Any, Value], ...]:
    """What an object of which some get something later knows of itself when its constructor has run."""
    if not any(frame.solver.read(("given", cls)) for cls in frame.solver.mro(info)):
        return ()
    items: dict[str, Value] = {}
    if init is not None and init.params:
        itself = Param(init, init.params[0][0])
        for gift in frame.solver.summary_of(init).gives:
            value = substitute(frame, gift.value, bindings, init, span)
            if gift.surely and gift.owner == itself and value:
                items[gift.name] = value
    frame.marks = True
    return ((HELD, (Map(tuple(items.items()), True, frame.site(span)),)),)


def held(frame: Frame, atom: Inst, name: str) -> Value:
    """What an attribute of an object holds that was made here, where that is known."""
    for key, value in atom.bindings:
        if key.tag != "const":
            continue
        if key == HELD:
            found = value[0].get(name) if _is_made_here(frame, value[0]) else None
            if found:
                return tuple(found)
        elif key.kind == REPLACED and key.value == name:
            return tuple(value)
    return UNKNOWN


def passed(frame: Frame, values: list[Value]) -> None:
    """Objects made here are handed to somebody who may give them something else."""
    changed: dict[Any, Any] = {}
    for atom in [a for value in values for a in contained(value) if a.tag == "inst" and a.bindings]:
        known = dict(atom.bindings).get(HELD)
        if known and known[0].items:
            changed[atom] = _with_held(atom, known[0]._replace(items=()))
    if changed:
        in_place.put(frame, changed)


def _is_given_later(frame: Frame, info: ClassInfo, name: str) -> bool:
    return any(Const(name, "str") in frame.solver.read(("given", cls)) for cls in frame.solver.mro(info))


def _note_given(frame: Frame, info: ClassInfo, name: str) -> None:
    for cls in frame.solver.mro(info):
        frame.solver.write(("given", cls), (Const(name, "str"),))


def _is_passed(frame: Frame, atom: Any) -> bool:
    return bool(atom.tag == "param") and atom.info is frame.function and frame.solver.kind_of(atom) is not None


def _is_sure(frame: Frame) -> bool:
    """Whether each call comes by here, once, and nothing else has a hand in the function's names."""
    return not frame.returned and not frame.function.children and _SOMETIMES.isdisjoint(frame.flags)


def _note(frame: Frame, gift: Gift) -> None:
    key = (gift.owner, gift.name)
    before = frame.gifts.get(key)
    if before is not None and not gift.surely:
        keys, value = join(before.keys, gift.keys), join(before.value, gift.value)
        gift = Gift(gift.owner, gift.name, keys, value, before.surely and bool(before.value and gift.value))
    frame.gifts[key] = gift


def _owner(frame: Frame, function: FunctionInfo, gift: Gift, mapped: dict[Any, Value], e: ir.Expr) -> Any:
    """The object that a callee gives something to: one made here, or the parameter that it is."""
    given = mapped.get(gift.owner, UNKNOWN)
    if len(given) != 1:
        return None
    (atom,) = given
    if atom.tag == "param":
        return atom if atom.info is frame.function else None
    if atom.tag != "inst":
        return None
    if any(key == HELD for key, _ in atom.bindings):
        return atom
    called = e[2] if e[0] == "c" else e
    if called[0] == "a" and called[2][0] == "n":
        named = frame.env.get(called[2][2], UNKNOWN)
        if len(named) == 1 and isinstance(named[0], Param) and named[0].info is frame.function:
            return named[0]
    own = frame.function.class_info
    if own is None or atom.bindings or atom.info not in frame.solver.mro(own) or not frame.function.params:
        return None
    if function.name == "__init__" and (called[0] != "a" or called[3] != "__init__"):
        return None  # another object of the class is made
    return Param(frame.function, frame.function.params[0][0])


def _same(frame: Frame, owner: Inst) -> list[Inst]:
    """The same object as names here have it meanwhile: a coroutine that is awaited late knows it as it was."""
    site = _mark_of(owner)
    there = [a for value in frame.env.values() for a in contained(value) if a.tag == "inst" and a.info is owner.info]
    return [a for a in dict.fromkeys(there) if a.bindings and _mark_of(a) == site]


def _mark_of(atom: Inst) -> Any:
    return next((value[0].site for key, value in atom.bindings if key == HELD), None)


def _is_made_here(frame: Frame, mark: Map) -> bool:
    """Whether the function that is evaluated has made the object, alone and for itself."""
    if mark.site is None or frame.function.children or mark.site[0] != frame.path:
        return False
    outer, span = frame.function.span, mark.site[1]
    return (outer[0], outer[1]) <= (span[0], span[1]) and (span[2], span[3]) <= (outer[2], outer[3])


def _renewed(frame: Frame, atom: Inst, name: str, keys: Value, value: Value, surely: bool) -> Inst:
    """The object when it was given ``value``, which its methods know by ``keys``."""
    solver = frame.solver
    known = dict(atom.bindings)
    mark = known[HELD][0] if HELD in known else None
    surely = surely and bool(value) and mark is not None and _is_made_here(frame, mark)
    told = value if surely else tuple([a for a in value if solver.kind_of(a) is not None])
    standing = [a for a in keys if a.tag in _STANDING and solver.kind_of(a) is not None]
    if surely:
        kept = solver.attribute(atom.info, name)
        standing += [a for a in kept if a.tag in _STANDING and a not in standing and _stands_alone(frame, a)]
    for key in standing[:_MOST] if told else ():
        known[key] = told if surely else join(known.get(key, UNKNOWN), told)
    if mark is not None:
        items = tuple([item for item in mark.items if item[0] != name])
        known[HELD] = (mark._replace(items=(*items, (name, value)) if surely else items),)
    return atom._replace(bindings=tuple(known.items()))


def _with_held(atom: Inst, mark: Map) -> Inst:
    return atom._replace(bindings=tuple([(k, (mark,) if k == HELD else v) for k, v in atom.bindings]))


def _stands_alone(frame: Frame, atom: Any) -> bool:
    """Whether what stands for a session in one attribute stands nowhere else in the object."""
    if frame.solver.kind_of(atom) is None:
        return False
    return not isinstance(atom, Param) or _loads(atom.info.body, atom.name) <= 1


def _loads(node: tuple[Any, ...], name: str) -> int:
    """How often a name is mentioned."""
    if len(node) == 3 and node[0] == "n" and node[2] == name:
        return 1
    return sum([_loads(child, name) for child in node if type(child) is tuple])


__all__ = ["HELD", "Gift", "assigned", "held", "made", "passed", "received"]
