"""A function of the project runs: its effects happen here, and what it gives back is what the caller gets."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import (
    ambient,
    asking_rows,
    bases_given,
    by_constant,
    by_key,
    carrying,
    configured,
    generators,
    giving,
    handed_up,
    handles,
    holding,
    including,
    keeping,
    made_for,
    of_callers,
    overriding,
    own_class,
    siblings,
    text_origins,
    type_keys,
    wrapping,
)
from sessionlint.program.chosen import of_given
from sessionlint.program.conditions import left_of, ways_to_open
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import Effect, Event, FunctionInfo, Hop, Summary
from sessionlint.program.substitution import substitute, substitution
from sessionlint.program.values import (
    SESSION,
    TRANSACTION,
    UNKNOWN,
    Handle,
    Inst,
    Param,
    Value,
    contained,
    join,
    join_all,
)

_NOTHING: Final[frozenset[Any]] = frozenset()


def run(
    frame: Frame, function: FunctionInfo, bindings: dict[Any, Value], e: ir.Expr, context: bool = False,
    kind: str = "call",
) -> Value:  # fmt: skip
    """Runs a function with bound arguments now; ``kind`` says what is awaited, entered or taken from."""
    summary = frame.solver.summary_of(function)
    mapped = substitution(frame, function, tuple(bindings.items()))
    keeping.run(frame, function, mapped, e[1])
    siblings.note(frame, function, bindings)
    if summary.ambient:
        ambient.carry(frame, function, summary, mapped)
    if summary.asks_rows:
        asking_rows.carry(frame, function, summary.asks_rows, mapped)
    if summary.finds and frame.function.parent is not None:
        frame.finds = True
    if summary.keeps:
        by_key.carry(frame, function, summary, mapped, e)
    if summary.draws is not None:
        summary = by_key.in_call(frame, function, summary, bindings, e)
    if summary.decides is not None:
        summary = by_constant.in_call(frame, function, summary, bindings, e)
    if function.name == "__init__" and frame.function.name == "__init__":
        bases_given.note(frame, function, summary, bindings)
        handed_up.note(frame, function, bindings, e)
    spared, absent = ways_to_open(summary, mapped, frame.solver)
    flags = (*(("context",) if context else ()), *(("spared",) if spared else ()))
    frame.emit(
        "call", e[1], (*flags, kind), callee=function, bindings=tuple(bindings.items()), expr=e, name=function.name,
        subject=closed_of(frame, function, bindings, mapped, summary) if frame.facts else UNKNOWN,
        args=(absent,) if absent else (),
        keywords=text_origins.handed(frame, function, bindings, e),
    )  # fmt: skip
    used = carrying.used_now(frame) if function.wrappers and frame.facts else _NOTHING
    carrying.carry_all(frame, function, summary, mapped, e)
    if frame.facts and not summary.effects and frame.solver.is_left_open(function) and not overriding.through_super(e):
        holding.let_go_of_objects(frame)
    if summary.makes is not None:
        made_for.tell(frame, function, summary.makes, bindings, e)
    if summary.includes:
        including.carry(frame, function, summary.includes, mapped, e)
    if summary.gives:
        giving.received(frame, function, summary, mapped, e)
    for wrapper in function.wrappers if function.wrappers and wrapping.BARE not in bindings else ():
        # the wrapper itself calls what it wraps
        if wrapper is not frame.function:
            carrying.around(frame, function, wrapper, bindings, e, used)
    raw = summary.yields if kind in ("cm", "gen") else summary.returns
    if summary.handed_back:
        raw = _handed_back(frame, function, raw, mapped, e)
    result = _result(frame, function, summary, raw, bindings, mapped, e, kind)
    if len(result) > 1:
        result = of_callers.without_others(frame, function, result, mapped)
    if summary.takes:
        generators.left_below(frame, summary.takes, mapped, result, e)
    if spared:
        passed = {a for v in bindings.values() for a in v}
        result = tuple(a for a in result if not (isinstance(a, Handle) and a.kind == SESSION and a not in passed))
    _obtained(frame, function, summary, raw, result, bindings, e, (*flags, kind), absent)
    if summary.sources:
        _holding(frame, function, summary, result, e)
    if summary.always_raises and kind != "gen" and not overriding.may_be_another(frame, function, mapped, e):
        frame.emit("raise", e[1], ("through",), expr=e, callee=function)
        frame.dead = True
    return result


def _result(
    frame: Frame, function: FunctionInfo, summary: Summary, raw: Value, bindings: dict[Any, Value],
    mapped: dict[Any, Value], e: ir.Expr, kind: str,
) -> Value:  # fmt: skip
    """What a function gives back, as its caller sees it."""
    for atom in raw:
        if atom.tag == "inst" and atom.bindings:
            raw = of_given(raw, mapped)
            break
    result = substitute(frame, raw, mapped, function, e[1])
    if kind == "call":
        told = configured.answer(frame, function, bindings, result)
        if told is not result:
            result = substitute(frame, told, mapped, function, e[1]) if function.class_info is not None else told
    if function.class_info is not None:
        result = own_class.given_back(frame, result)
    if function.is_classmethod:
        result = _of_class(frame, function, mapped, result)
    elif function.class_info is not None:
        result = _itself(frame, function, mapped, result, e)
    result = type_keys.asked_for(frame, function, bindings, result)
    unbegun = [
        a for a in raw if a.tag == "handle" and a.kind == TRANSACTION and _hands_out_unbegun(function, summary, a)
    ]
    return _begun(frame, unbegun, result, mapped, e) if unbegun else result


def _begun(frame: Frame, unbegun: list[Any], result: Value, mapped: dict[Any, Value], e: ir.Expr) -> Value:
    """What a function hands out un-begun begins here: one of them, where it picks out of several."""
    given = tuple([a for a in result if a.tag != "handle" or a.kind != TRANSACTION])
    before = frame.snapshot()
    for index, atom in enumerate(unbegun):
        ways = frame.snapshot()
        frame.restore(before)
        given = join(given, handles.begun_by_caller(frame, atom, mapped.get(atom.parent, (atom.parent,)), e))
        if index:
            frame.merge(ways)
    return given


def _handed_back(frame: Frame, function: FunctionInfo, raw: Value, mapped: dict[Any, Value], e: ir.Expr) -> Value:
    """What a function gives back, without the coroutines of functions that this call hands it none of."""
    kept: list[Any] = []
    for atom in raw:
        guard = function.summary.handed_back.get(atom)
        left = left_of(frozenset((guard,)), mapped, frame.solver) if guard is not None else frozenset()
        if left is not None:
            kept.append(atom)
        if left:
            given = substitute(frame, (atom,), mapped, function, e[1])
            frame.awaiting.update(dict.fromkeys(given, next(iter(left))))
    return tuple(kept)


def _itself(
    frame: Frame, function: FunctionInfo, mapped: dict[Any, Value], result: Value, e: ir.Expr
) -> Value:  # fmt: skip
    """``return self``: the object whose method it is, with what it was made with; for ``super()`` the caller's own."""
    bare = Inst(function.class_info) if function.class_info is not None else None
    if bare not in result or not function.params:
        return result
    given = mapped.get(identity(function, function.params[0][0]), UNKNOWN)
    own = frame.function.class_info
    if given == (bare,) and own is not None and overriding.through_super(e):
        given = (Inst(own),)
    if any(a.tag != "inst" for a in given):
        return result
    return join_all([given if a == bare else (a,) for a in result])


def _of_class(frame: Frame, function: FunctionInfo, mapped: dict[Any, Value], result: Value) -> Value:
    """What a class method makes of its class, called on a class below: ``cls(session)`` makes one of that."""
    own = function.class_info
    given = mapped.get(Param(function, function.params[0][0]), UNKNOWN) if function.params else UNKNOWN
    below = [a.info for a in given if a.tag == "cls" and a.info is not own and own in frame.solver.mro(a.info)]
    if own is None or not below or len(below) < len(given):
        return result
    made = [tuple(a._replace(info=b) for b in below) if a.tag == "inst" and a.info is own else (a,) for a in result]
    return join_all(made)


def _hands_out_unbegun(function: FunctionInfo, summary: Summary, handle: Handle) -> bool:
    """Whether a function returns ``session.begin()`` for its caller to enter."""
    if handle.parent is None or handle.begun or handle.site[0] != function.path or function.name == "<module>":
        return False
    begun = Effect("txn", "begin_nested" if handle.savepoint else "begin", handle.parent)
    return begun not in summary.effects


def closed_of(
    frame: Frame, function: FunctionInfo, bindings: dict[Any, Value], mapped: dict[Any, Value], summary: Summary
) -> Value:
    """Sessions closed already that a callee is given, alone or in objects, or that a function made here closes over."""
    closed = {atom for (atom, fact), known in frame.facts.items() if fact == "closed" and known == 1}
    if not closed:
        return UNKNOWN
    tags = {atom.tag for atom in closed}
    given = [a for v in bindings.values() for a in contained(v, 2) if a.tag in tags and a in closed]
    effects = (e.subject for e in summary.effects if e.subject in closed and e.subject.tag == "handle")
    # what stands for another one in this call is not meant
    own = [subject for subject in effects if frame.is_own(subject) and not subject.registry]
    taken = [subject for subject in own if subject in mapped.get(subject, (subject,))]
    taken = [subject for subject in taken if not of_callers.is_anothers(frame, function, subject, mapped)]
    if not keeping.opens(summary):
        # what an object that it is given has opened and closed
        kept = [e.subject for e in summary.effects if e.subject is not None and e.subject.tag == "handle"]
        taken += [a for subject in kept for a in mapped.get(subject, ()) if a in closed]
    if function.parent is not None:
        # the parameter of this function, in one that is made here
        around = [e.subject for e in summary.effects if e.subject in closed and e.subject.tag == "param"]
        taken += [subject for subject in around if subject.info is frame.function and subject not in mapped]
    return tuple(dict.fromkeys((*given, *taken)))


def _loose(value: Value) -> Value:
    """The atoms of a value, and of the tuples and dictionaries in it."""
    out: list[Any] = []
    for atom in value:
        out.append(atom)
        if atom.tag == "seq":
            out.extend(a for item in atom.items for a in item)
        elif atom.tag == "map":
            out.extend(a for _, item in atom.items for a in item)
    return tuple(dict.fromkeys(out))


def _obtained(
    frame: Frame, function: FunctionInfo, summary: Summary, raw: Value, result: Value, bindings: dict[Any, Value],
    e: ir.Expr, flags: tuple[str, ...], absent: Value,
) -> Event | None:  # fmt: skip
    """Tells that a call handed out handles that were not passed in."""
    given = [a for a in _loose(result) if isinstance(a, Handle) and a.parent is None] if result else []
    passed = {a for k, v in bindings.items() if k.tag != "handle" for a in _loose(v)} if given else set()
    handed = tuple([a for a in given if a not in passed])
    if not handed:
        return None
    for handle in handed:
        frame.source((handle.kind, handle.root), Hop(frame.site(e[1]), f"{function.called} hands it out", function))
    unless = (absent,) if absent else ()
    event = frame.emit("obtain", e[1], flags, subject=handed, callee=function, expr=e, name=function.name, args=unless)
    for handle in handed:
        if handle.site == frame.site(e[1]):
            ended = handle.root in summary.hands_out_closed
            frame.learn(handle, "closed", ended)
            frame.learn(handle, "open", handle.kind in handles.HELD and not ended)
            frame.learn(handle, "used", handle.root in summary.hands_out_used)
            frame.begins[handle] = event
    return event


def _holding(frame: Frame, function: FunctionInfo, summary: Summary, result: Value, e: ir.Expr) -> None:
    """Notes where the handles come from that an object holds which the function hands out."""
    for atom in result:
        if atom.tag == "inst" and atom.bindings:
            # what it has opened for itself, when the function entered it, is not among what it holds
            own = [a for k, v in atom.bindings if k.tag == "handle" for a in v]
            for held in (*contained((atom,)), *own):
                key = (held.kind, held.root) if isinstance(held, Handle) else None
                if key is not None and key in summary.sources:
                    frame.source(key, Hop(frame.site(e[1]), f"{function.called} hands it out in an object", function))
        elif atom.tag == "row" and atom.query and function.is_generator and isinstance(atom.session, Handle):
            key = (atom.session.kind, atom.session.root)
            if key in summary.sources:
                frame.source(key, Hop(frame.site(e[1]), f"{function.called} hands out a query on it", function))
