"""A callee's values as its caller sees them: arguments put in, fresh handles told apart per call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import checked_lists, joined_clauses, listed, picking, string_methods, strings
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import KEPT, FunctionInfo
from sessionlint.program.operations import ASKS, ASKS_NOT
from sessionlint.program.predicates import names_tenant
from sessionlint.program.values import (
    MARK,
    MAX_ATOMS,
    MAX_KEYS,
    MORE,
    UNKNOWN,
    Closed,
    Handle,
    Map,
    Operation,
    Param,
    PartialCall,
    Seq,
    Value,
    join,
    laid_over,
    whole_of,
)

#: What the arguments of a call may make something else of.
_CHANGES = frozenset({
    "param", "injected", "handle", "row", "inst", "pending", "seq", "map", "text", "partial", "fn", "method",
    "operation", "dependency", "annotated",
})  # fmt: skip


def stand_in(frame: Frame, subject: Any, mapped: dict[Any, Value]) -> Value:
    """A subject that is not bound here: through the arguments it receives, or itself when it is shared."""
    passed = frame.solver.ask("first_passed", subject, tuple(mapped)) if subject.tag == "param" and mapped else None
    return (subject,) if passed is None else mapped[passed]


def _stands_for(frame: Frame, owner: Any, mapped: dict[Any, Value]) -> Value:
    """What the session of a row or the object of a bound method is here, as what is done to it is told of it."""
    return mapped[owner] if owner in mapped else stand_in(frame, owner, mapped)


def substitution(frame: Frame, function: FunctionInfo, bindings: tuple[tuple[Any, Value], ...]) -> dict[Any, Value]:
    """What each identity of the callee stands for at this call, constructor bindings of receivers included."""
    mapped = dict(bindings)
    for _, value in bindings:
        _held(frame, value, mapped)
    return mapped


def _held(frame: Frame, value: Value, mapped: dict[Any, Value]) -> None:
    """Adds what the objects in a value were made with, and the objects these hold; injected ones included.

    Of several objects that it may be, each may be the one.
    """
    own: set[Any] = set()
    for atom in value:
        for made in frame.solver.views(atom) if atom.tag == "injected" else (atom,):
            for key, inner in made.bindings if made.tag == "inst" else ():
                if key not in mapped:
                    mapped[key] = inner
                    own.add(key)
                    _held(frame, inner, mapped)
                elif key in own and key.tag == "param":
                    mapped[key] = join(mapped[key], inner)


def substitute(
    frame: Frame, value: Value, mapped: dict[Any, Value], function: FunctionInfo, span: ir.Span4, depth: int = 0
) -> Value:
    """A callee's value as the caller sees it: arguments put in, fresh handles told apart per call."""
    for atom in value:
        if atom.tag in _CHANGES:
            break
    else:
        return value[:MAX_ATOMS]
    out: Value = UNKNOWN
    for atom in value:
        tag = atom.tag
        if tag in ("param", "injected"):
            out = join(out, mapped[atom] if atom in mapped else stand_in(frame, atom, mapped))
        elif tag == "handle" and atom in mapped:
            out = join(out, mapped[atom])
        elif tag == "handle":
            out = join(out, (_here(frame, atom, mapped, function, span),))
        elif depth < 3 and tag in ("inst", "pending") and atom.bindings:
            inner = tuple((k, substitute(frame, v, mapped, function, span, depth + 1)) for k, v in atom.bindings)
            if tag == "pending" and atom.info.class_info is not None:
                inner = _of_argument(frame, inner, mapped, function)
            out = join(out, (atom._replace(bindings=inner),))
        elif depth < 3 and tag == "seq":
            out = join(
                out,
                (Seq(tuple(substitute(frame, v, mapped, function, span, depth + 1) for v in atom.items), atom.many),),
            )
        elif depth < 3 and tag == "map":
            items = tuple((k, substitute(frame, v, mapped, function, span, depth + 1)) for k, v in atom.items)
            whole = tuple((k, substitute(frame, v, mapped, function, span, depth + 1)) for k, v in atom.whole)
            out = join(out, (_passed(atom._replace(items=items, whole=whole), mapped),))
        elif depth < 3 and tag == "text" and atom.holes:
            known = [substitute(frame, (h,), mapped, function, span, depth + 1) for h in atom.holes]
            known = [strings.as_declared(frame, value) for value in known]
            out = join(out, string_methods.filled(atom, known))
        elif depth < 3 and tag == "partial":
            out = join(out, (_partial(frame, atom, mapped, function, span, depth),))
        elif depth < 3 and tag == "fn" and atom.receiver is not None and atom.receiver.tag == "inst":
            owners = substitute(frame, (atom.receiver,), mapped, function, span, depth + 1)
            out = join(out, tuple(atom._replace(receiver=owner) for owner in owners))
        elif tag == "fn" and atom.info.parent is function and atom.receiver is None:
            given = _closed_over(frame, function, atom.info, mapped)
            out = join(out, (atom._replace(receiver=Closed(given)) if given else atom,))
        elif tag == "row":
            out = join(out, tuple([atom._replace(session=s) for s in _stands_for(frame, atom.session, mapped)]))
        elif tag == "method":
            out = join(out, tuple([atom._replace(receiver=r) for r in _stands_for(frame, atom.receiver, mapped)]))
        elif depth < 3 and tag == "dependency" and atom.target:
            given = substitute(frame, atom.target, mapped, function, span, depth + 1)
            # what this call asks for, it asks for here
            asked = atom if given == atom.target else atom._replace(target=given, site=frame.site(span))
            out = join(out, (asked,))
        elif depth < 3 and tag == "annotated":
            typed, marks = [substitute(frame, v, mapped, function, span, depth + 1) for v in (atom.type, atom.metadata)]
            out = join(out, (atom._replace(type=typed, metadata=marks),))
        elif tag == "operation":
            out = join(out, _operation(frame, atom, mapped, function, span, depth))
        else:
            out = join(out, (atom,))
    return out


def _of_argument(
    frame: Frame, bindings: tuple[tuple[Any, Value], ...], mapped: dict[Any, Value], function: FunctionInfo
) -> tuple[tuple[Any, Value], ...]:
    """``return store.save(row)`` of a parameter that is only declared: it is called on the object that is passed."""
    own, receiver = bindings[0]
    if len(receiver) != 1 or receiver[0].tag != "inst" or receiver[0].bindings:
        return bindings
    declared = [Param(function, name) for name in function.param_values if name != "return"]
    asked = [p for p in declared if p in mapped and frame.solver.declared_as(p) == receiver]
    given = mapped[asked[0]] if len(asked) == 1 else UNKNOWN
    if not given or any(a.tag != "inst" or a.info is not receiver[0].info for a in given):
        return bindings
    return ((own, given), *bindings[1:])


def _here(frame: Frame, atom: Handle, mapped: dict[Any, Value], function: FunctionInfo, span: ir.Span4) -> Handle:
    """A handle that the callee was not given: one that it makes anew is told by the place of the call."""
    parent = atom.parent
    if parent is not None and parent in mapped and mapped[parent]:
        parent = mapped[parent][0]
    if is_made_by(atom, function) and not _stays(frame, atom, function):
        return atom._replace(site=frame.site(span), parent=parent)
    return atom if parent is atom.parent else atom._replace(parent=parent)


def _partial(
    frame: Frame, atom: PartialCall, mapped: dict[Any, Value], function: FunctionInfo, span: ir.Span4, depth: int
) -> PartialCall:
    given = tuple(substitute(frame, v, mapped, function, span, depth + 1) for v in atom.args)
    inner = tuple((k, substitute(frame, v, mapped, function, span, depth + 1)) for k, v in atom.keywords)
    called = substitute(frame, atom.function, mapped, function, span, depth + 1)
    return atom._replace(function=called, args=given, keywords=inner)


def _operation(
    frame: Frame, atom: Operation, mapped: dict[Any, Value], function: FunctionInfo, span: ir.Span4, depth: int
) -> Value:
    """What stands for items or an entry of a parameter is known now; other operations stay what they are."""
    if atom.name == listed.LISTED:
        return listed.settled(atom, mapped.get(atom.receiver, UNKNOWN))
    if atom.name in ASKS or atom.name == ASKS_NOT:
        return tuple([atom._replace(receiver=a) for a in mapped.get(atom.receiver, (atom.receiver,))])
    if atom.name not in (strings.JOIN, picking.ENTRY):
        if atom.result and depth < 3:
            # the rows that ``session.get(…)`` gives are those of the session that this call passes
            return (atom._replace(result=substitute(frame, atom.result, mapped, function, span, depth + 1)),)
        return (atom,)
    given = substitute(frame, (atom.receiver,), mapped, function, span, depth + 1)
    if not mapped.get(atom.receiver):
        given = joined_clauses.given(atom.receiver, function, UNKNOWN) or given
    elif frame.facts:
        given = tuple([checked_lists.whole(frame, a) for a in given])
    return (
        string_methods.joined_items(atom.result, given)
        if atom.name == strings.JOIN
        else picking.filled(atom.result, given)
    )


def _closed_over(
    frame: Frame, function: FunctionInfo, inner: FunctionInfo, mapped: dict[Any, Value]
) -> tuple[tuple[Any, Value], ...]:
    """The handles, functions it wraps and names of tenants that a call gave it, for what it defines and returns.

    What a method defines has the functions that the object was made with, too.
    """
    keys = [identity(function, name) for name, *_ in function.params]
    owner = function.class_info
    made = frame.solver.method(owner, "__init__") if owner is not None and function.name != "__init__" else None
    if made is not None:
        keys += [identity(made, name) for name, *_ in made.params[1:]]
    registers = any(c.registers for c in frame.solver.mro(owner)) if owner is not None else puts(inner)
    said = [key for key in keys if _says(mapped.get(key, UNKNOWN))] if registers else []
    asked = said if said and frame.solver.summary_of(inner).keeps else []
    kept = tuple((key, mapped[key]) for key in keys if key in asked or _is_kept(frame, mapped.get(key, UNKNOWN)))
    return (*kept, *_switches(function, mapped)) if inner.is_generator else kept


def _switches(function: FunctionInfo, mapped: dict[Any, Value]) -> Iterator[tuple[Any, Value]]:
    """The flags that a call gave it, or left at their defaults: a dependency may go by them after its ``yield``."""
    for name, (_, default) in function.param_values.items():
        key = identity(function, name)
        value = mapped.get(key) or default
        if is_switch(value):
            yield key, value


def is_switch(value: Value) -> bool:
    """``True`` or ``False``."""
    return len(value) == 1 and value[0].tag == "const" and value[0].kind == "bool"


def puts(inner: FunctionInfo) -> bool:
    """Whether a function puts something under a key: ``HANDLERS[kind] = f``, ``HANDLERS[kind].append(f)``."""
    for statement in inner.body:
        if statement[0] == "=" and any(target[0] == "i" for target in statement[2]):
            return True
        if statement[0] == "E" and statement[2][0] == "c" and statement[2][2][0] == "a":
            called: ir.Expr = statement[2][2]
            if called[3] in ("append", "add") and called[2][0] in ("i", "c"):
                return True
    return False


def _says(value: Value) -> bool:
    """Whether a value is a literal name, or an object that keeps a registry."""
    if len(value) != 1:
        return False
    (atom,) = value
    if atom.tag == "inst":
        return MARK in dict(atom.bindings)
    return bool(atom.tag == "cls" or (atom.tag == "const" and atom.kind == "str"))


def _is_kept(frame: Frame, value: Value) -> bool:
    if len(value) == 1 and (_is_function(value[0]) or (value[0].tag == "seq" and _are_functions(value[0]))):
        return True
    if names_tenant(frame, value):
        return True
    return bool(value) and all(a.tag in ("handle", "injected", "param") and frame.solver.kind_of(a) for a in value)


def _is_function(atom: Any) -> bool:
    return bool(atom.tag == "cls" or (atom.tag == "fn" and atom.receiver is None))


def _are_functions(given: Seq) -> bool:
    """``compose(first, second)``: whether a sequence has functions or classes in it, and nothing else."""
    for item in given.items:
        for atom in item:
            if not _is_function(atom):
                return False
        if not item:
            return False
    return bool(given.items)


def _passed(atom: Map, mapped: dict[Any, Value]) -> Map:
    """A dictionary that ``**options`` went into, with what this call passes for it."""
    taken = [k for k, _ in atom.whole if isinstance(k, Param)]
    if not taken or any(k not in mapped for k in taken):
        return atom
    parts: list[Map] = []
    for entry in atom.whole:
        if isinstance(entry[0], Param):
            parts.extend(a for a in mapped[entry[0]] if a.tag == "map")
        else:
            parts.append(Map((), True) if entry == MORE else Map((entry,)))
    items: tuple[tuple[Any, Value], ...] = ()
    for part in parts:
        items = laid_over(items, part.items)
    return Map(items[:MAX_KEYS], any(p.partial for p in parts), atom.site, whole_of(parts))


def _stays(frame: Frame, atom: Handle, function: FunctionInfo) -> bool:
    """A property keeps what it has made on its object, and gives the same to whoever asks again."""
    owner = function.class_info
    return function.is_property and owner is not None and atom in frame.solver.read(("attr", owner, KEPT))


def is_made_by(atom: Handle, function: FunctionInfo) -> bool:
    """Made anew by every call of the function."""
    (path, span), outer = atom.site, function.span
    if path != function.path or atom.kind in ("engine", "factory", "driver pool"):
        return False
    return (outer[0], outer[1]) <= (span[0], span[1]) and (span[2], span[3]) <= (outer[2], outer[3])
