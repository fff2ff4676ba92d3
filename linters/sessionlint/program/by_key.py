"""Registries: what a method puts under a key it is given, and what another one draws out by key.

``container.register("leads", LeadService)`` and ``container.resolve("leads")`` name the same key at their calls; inside
of the methods nothing is known of it. So what is put in is noted at the calls that know the key, and a function that
draws is gone through once more for a call with a literal key. Objects that keep a registry are told apart by the place
where they are made.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import filling
from sessionlint.program import keys as naming
from sessionlint.program.chosen import of_given
from sessionlint.program.frame import Frame, identity
from sessionlint.program.keys import FieldOf
from sessionlint.program.model import FunctionInfo, Kept, Summary
from sessionlint.program.substitution import substitute
from sessionlint.program.values import (
    MAX_ARGUMENTS,
    MAX_ATOMS,
    UNKNOWN,
    ClassOf,
    Const,
    Ext,
    Inst,
    Map,
    Param,
    Seq,
    Value,
    contained,
    join,
    join_all,
    mark_of,
)  # fmt: skip

#: So deep functions that draw may call one another, and so many statements they may have.
_DEPTH = 3
_STATEMENTS = 20
#: What is called once it is drawn.
_CALLED = ("fn", "cls", "partial", "method", "inst")
#: What a function that is gone through again must not do: define, or hand out bit by bit.
_DOES_MORE = frozenset({"lam", "y", "yf", "F", "C", "glob"})
_ANY = naming.ANY_KEY
#: Stands for whichever object.
_ANYONE = Const("anyone", "mark")
#: Stands for the key of what is put into a list that has none.
LISTED = Const("", "listed")
#: A dictionary that makes what it is asked for, and what marks what is known of one.
DEFAULTS = Ext("collections.defaultdict()")
_OF_DEFAULTS = ("<defaultdict>", (0, 0, 0, 0))


def holds_called(frame: Frame, value: Value) -> bool:
    """Whether a value has something in it that is called when it is taken out again."""
    return any(
        a.tag in _CALLED or (a.tag == "param" and frame.solver.ask("views_among", a, _CALLED))
        for a in contained(value, 2)
    )


def put(frame: Frame, holder: ir.Expr, keys: Value, value: Value, named: ir.Expr | None = None) -> None:
    """``self.factories[name] = factory``: notes what is kept, under which key, in which object."""
    if holder[0] not in ("n", "a") or (holder[0] == "n" and not holds_called(frame, value)):
        return
    key = naming.of_put(frame, keys, named)
    for origin, owner in _origins(frame, holder):
        frame.solver.write(("registry", *origin), _raw(value))
        _keep(frame, Kept(origin, owner, key, value))


def _raw(value: Value) -> Value:
    return (*value, *(a for s in value if s.tag == "seq" for v in s.items for a in v))


def _origins(frame: Frame, holder: ir.Expr) -> list[tuple[tuple[Any, str], Any]]:
    """The attributes or the name that an expression for a container stands for, and the object that has it."""
    if holder[0] == "n":
        known = holder[2] in frame.env and frame.function.name != "<module>"
        return [] if known or frame.class_scope is not None else [((frame.path, holder[2]), None)]
    if not _is_plain(holder[2]):
        return []
    return [
        ((a.info, holder[3]), _object(frame, holder[2], a))
        for a in frame.evaluate(holder[2])
        if a.tag in ("inst", "cls") and any(c.registers for c in frame.solver.mro(a.info))
    ]


def _is_plain(expr: ir.Expr) -> bool:
    """A name or an attribute below one: evaluating it again does nothing."""
    while expr[0] == "a":
        expr = expr[2]
    return bool(expr[0] == "n")


def _object(frame: Frame, expr: ir.Expr, atom: Any) -> Any:
    """The mark of an object; the parameter that stands for it in its own methods; ``None`` for any."""
    if atom.tag == "cls":
        return None
    return mark_of(atom) or (_receiver(frame.function, expr[2]) if expr[0] == "n" else None)


def _receiver(function: FunctionInfo | None, name: str | None = None) -> Param | None:
    """The parameter that is the object whose method a function, or the one around it, is."""
    while function is not None and function.class_info is None:
        function = function.parent
    if function is None or function.is_staticmethod or not function.params:
        return None
    return Param(function, function.params[0][0]) if name in (None, function.params[0][0]) else None


def _itself(function: FunctionInfo, atom: Any) -> Param | None:
    """The parameter of a method that stands for an object, when that is the one whose method it is."""
    own = _receiver(function)
    if own is None or own.info.class_info is None or own.info is not function:
        return None
    return own if atom == Inst(own.info.class_info) else None


def _owner_of_call(frame: Frame, owner: Param, given: Any, e: ir.Expr) -> Any:
    """What stands for the object that a callee puts something into: which one a parameter is, callers know."""
    mark = mark_of(given)
    if mark is not None and e[0] == "c" and e[2][0] == "a" and e[2][2][0] == "n" and owner == _receiver(owner.info):
        named = frame.env.get(e[2][2][2], UNKNOWN)
        if len(named) == 1 and isinstance(named[0], Param) and named[0].info is frame.function:
            return named[0]
    return mark or _itself(frame.function, given)


def _keep(frame: Frame, kept: Kept) -> None:
    if isinstance(kept.owner, Const):
        filling.note(frame, kept.owner, kept.value)
    if isinstance(kept.owner, Param) or isinstance(kept.key, Param | FieldOf):
        frame.kept[kept] = None
    else:
        for owner in dict.fromkeys((kept.owner, _ANYONE)):
            frame.solver.write(("kept", *kept.origin, owner, kept.key), kept.value)
        frame.solver.write(("keys", *kept.origin), (kept.key,))


def carry(frame: Frame, function: FunctionInfo, summary: Summary, mapped: dict[Any, Value], e: ir.Expr) -> None:
    """A function that keeps something under a key is called: notes what this call puts under which."""
    for kept in summary.keeps:
        owner, key = kept.owner, kept.key
        if isinstance(owner, Param) and owner in mapped:
            given = mapped[owner]
            owner = _owner_of_call(frame, owner, given[0], e) if len(given) == 1 else None
        elif isinstance(owner, Param) and not naming.is_own(frame.function, owner.info):
            owner = None
        values = substitute(frame, of_given(kept.value, mapped), mapped, function, e[1])
        if values != kept.value:
            frame.solver.write(("registry", *kept.origin), _raw(values))
        for one in naming.of_call(frame, key, mapped, e) or (_ANY,):
            _keep(frame, Kept(kept.origin, owner, one if naming.is_told(frame, one) else _ANY, values))


def drawn(frame: Frame, holder: ir.Expr, held: Value, keys: Value, named: ir.Expr | None = None) -> Value:
    """What ``holder[key]`` is looked up in: with a known key, what was put under it at the calls that say so.

    That the key is an argument, its class or an attribute of it, is noted: for a call that says which, the function is
    gone through once more.
    """
    if not any(a.tag == "map" for a in held):
        return held
    asked = naming.of_draw(frame, keys, named)
    if asked is not None:
        if holds_called(frame, tuple(a for a in held if a.tag == "map")):
            frame.draws[asked[0]] = asked[1] or frame.draws.get(asked[0], False)
        return held
    if len(keys) != 1 or not naming.is_known(keys[0]) or holder[0] not in ("n", "a"):
        return held
    if not any(a.tag == "map" and a.get(("?",)) is not None for a in held):
        return held
    for origin, owner in _origins(frame, holder) + _imported(frame, holder, held):
        held = _told_apart(frame, origin, owner if not isinstance(owner, Param) else None, held, keys[0])
    return held


def _imported(frame: Frame, holder: ir.Expr, held: Value) -> list[tuple[tuple[Any, str], Any]]:
    """The same for a dictionary of another module, under the name that it has there."""
    if holder[0] == "n":
        name, apart = holder[2], holder[2] not in frame.env
    else:
        name, apart = holder[3], holder[2][0] == "n" and any(a.tag == "mod" for a in frame.evaluate(holder[2]))
    homes = dict.fromkeys([a.site[0] for a in held if a.tag == "map" and a.site is not None]) if apart else {}
    return [((path, name), None) for path in homes if path != frame.path]


def of_name(frame: Frame, holder: ir.Expr, value: Value) -> Value:
    """What a module's ``defaultdict`` holds that functions were put into."""
    return _filled(frame, value, _origins(frame, holder)) if holder[0] == "n" else value


def _filled(frame: Frame, value: Value, origins: list[tuple[tuple[Any, str], Any]]) -> Value:
    """With the dictionary that a ``defaultdict`` is once something to call was put into it."""
    made = Map((), True, _OF_DEFAULTS)
    for origin, _ in origins:
        found = _told_apart(frame, origin, None, (made,))
        if found != (made,):
            return (*[a for a in value if a != DEFAULTS], *found)
    return value


def is_default(value: Value) -> bool:
    """Whether a value is what is known of a ``defaultdict``: that is written down by key alone."""
    return any(a.tag == "map" and a.site == _OF_DEFAULTS for a in value)


def of_object(frame: Frame, value: Value, atom: Inst, name: str, e: ir.Expr) -> Value:
    """What an object's container holds: what was put into this very object, where objects are told apart."""
    if DEFAULTS in value and any(c.registers for c in frame.solver.mro(atom.info)):
        value = _filled(frame, value, [((atom.info, name), None)])
    if all(a.tag not in ("map", "seq") for a in value):
        return value
    owner = mark_of(atom)
    if owner is not None:
        return _told_apart(frame, (atom.info, name), owner, value)
    own = _receiver(frame.function)
    itself = own is not None and own.info is frame.function and e[2][0] == "n" and e[2][2] == own.name
    if (
        own is not None
        and itself
        and any(frame.solver.read(("registry", c, name)) for c in frame.solver.mro(atom.info))
    ):
        frame.draws.setdefault(own.name, False)
    return value


def _told_apart(frame: Frame, origin: tuple[Any, str], owner: Any, value: Value, wanted: Any = None) -> Value:
    """A container with what was put into it, by key and object, in the place of what may have been put into any.

    With the key that is ``wanted`` the others do not matter. What too much was put into stays as it is.
    """
    read = frame.solver.read
    first, name = origin
    origins = [origin] if isinstance(first, str) else [(cls, name) for cls in frame.solver.mro(first)]
    origins = [one for one in origins if read(("registry", *one))]
    raw = [a for one in origins for a in read(("registry", *one))]
    keys = (wanted, _ANY) if wanted is not None else tuple(k for one in origins for k in read(("keys", *one)))
    owners = (_ANYONE,) if owner is None else (owner, None)
    entries = {k: join_all([read(("kept", *one, of, k)) for one in origins for of in owners]) for k in keys}
    most = max(map(len, entries.values()), default=0)
    if not raw or max(len(raw), len(keys)) >= MAX_ARGUMENTS or most >= MAX_ATOMS:
        return value
    listed = entries.pop(LISTED, UNKNOWN)
    out: Value = UNKNOWN
    for atom in value:
        if atom.tag == "map":
            known = dict(atom.items)
            items = {k: _undeclared(frame, _without(v, raw), raw) for k, v in atom.items}
            under_any = join(items.pop(("?",), UNKNOWN), entries.get(_ANY, UNKNOWN))
            for key in (k for k in keys if k not in (_ANY, LISTED)):
                entry = naming.in_dictionary((key,))
                items[entry] = join_all([items.get(entry, UNKNOWN), entries.get(key, UNKNOWN), under_any])
            items = {k: v for k, v in items.items() if v or k in known} | ({("?",): under_any} if under_any else {})
            atom = atom._replace(items=tuple(items.items()), whole=())
        elif atom.tag == "seq":
            atom = Seq(tuple(kept for v in atom.items if (kept := _without(v, raw))), atom.many)
        out = join(out, (atom,))
    return join(out, listed)


def _undeclared(frame: Frame, value: Value, raw: list[Any]) -> Value:
    """Without the objects that an annotation promises: those that were put in are known."""
    above = {cls for a in raw if a.tag == "inst" for cls in frame.solver.mro(a.info)}
    return tuple([a for a in value if a.tag != "inst" or a.bindings or a.info not in above])


def _without(value: Value, raw: list[Any]) -> Value:
    kept: list[Any] = []
    for atom in value:
        if atom in raw:
            continue
        if atom.tag == "seq":
            items = tuple(left for v in atom.items if (left := _without(v, raw)))
            if atom.items and not items:
                continue
            atom = Seq(items, atom.many)
        kept.append(atom)
    return tuple(kept)


def drawing(frame: Frame, body: tuple[ir.Stmt, ...]) -> Any:
    """The parameters by which a function draws, with whether by their class, and its statements.

    ``None`` when it is not gone through again.
    """
    function = frame.function
    if not frame.draws or frame.kept or function.is_generator or function.name == "<module>" or len(body) > _STATEMENTS:
        return None
    return (tuple(frame.draws.items()), body) if _only_draws(body) else None


def _only_draws(node: tuple[Any, ...]) -> bool:
    if node and node[0] in _DOES_MORE and len(node) > 2 and type(node[1]) is tuple:
        return False
    return all(_only_draws(child) for child in node if type(child) is tuple)


def _is_told(atom: Any) -> bool:
    """Whether an object is told from others of its class, or was made with one that is."""
    if atom.tag != "inst":
        return False
    return mark_of(atom) is not None or any(mark_of(a) is not None for _, v in atom.bindings for a in v)


def _holder(function: FunctionInfo, e: ir.Expr) -> Param | None:
    """``self`` in a call of ``self.bus.emit``: which bus that is, those know who call the method."""
    own = _receiver(function)
    base = e[2] if e[0] == "c" else e
    while base[0] == "a":
        base = base[2]
    return own if own is not None and own.info is function and base[0] == "n" and base[2] == own.name else None


def in_call(frame: Frame, function: FunctionInfo, summary: Summary, bindings: dict[Any, Value], e: ir.Expr) -> Summary:
    """What a function that draws does in a call that says by which key, or from which object."""
    names, body = summary.draws
    given: dict[str, Value] = {}
    for name, by_class in names:
        value = bindings.get(identity(function, name), UNKNOWN)
        if len(value) != 1:
            continue
        (atom,) = value
        if naming.says(frame, atom, by_class) or _is_told(atom):
            given[name] = value
        elif atom.tag == "param" and atom.info is frame.function:
            frame.draws[atom.name] = by_class or frame.draws.get(atom.name, False)
        elif isinstance(atom, ClassOf) and (asked := naming.of_draw(frame, value, None)) is not None:
            frame.draws[asked[0]] = True
        elif (own := _itself(frame.function, atom) or _holder(frame.function, e)) is not None:
            frame.draws.setdefault(own.name, False)
    if not given or frame.depth >= _DEPTH:
        return summary
    for name, kind, *_ in function.params:
        if kind == ir.KIND_VARARGS and bindings.get(identity(function, name)):
            given[name] = bindings[identity(function, name)]
    own = _receiver(function)
    made = bindings.get(own, UNKNOWN)
    if own is not None and len(made) == 1 and _is_told(made[0]):
        given[own.name] = made
    result: Summary = frame.machine.specialize(frame, function, body, given)
    return result


__all__ = [
    "DEFAULTS", "LISTED", "carry", "drawing", "drawn", "holds_called", "in_call", "is_default", "of_name", "of_object",
    "put",
]  # fmt: skip
