"""Calls: arguments are bound, callees summarised, results and effects carried over."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import (
    alike,
    asking_rows,
    bound_below,
    calling_back,
    class_values,
    constructing,
    container_scopes,
    decorator_flags,
    dispatching,
    drawing,
    external_sources,
    families,
    filled_if,
    generators,
    giving,
    handed_up,
    handing,
    handles,
    holding,
    joining,
    keeping,
    knowledge,
    libraries,
    locators,
    mapped,
    named_ways,
    narrowed_queries,
    operating,
    overriding,
    own_class,
    own_sessions,
    pairs,
    queries,
    relations,
    row_locks,
    running,
    scheduling,
    siblings,
    signatures,
    spread_arguments,
    starting_decorators,
    strings,
    wrapping,
    written_drivers,
)
from sessionlint.program.arguments import arguments, bind, none_given
from sessionlint.program.chosen import class_passed, made_of
from sessionlint.program.external_names import told_by
from sessionlint.program.forwarding import forward, is_open_ended
from sessionlint.program.frame import Frame
from sessionlint.program.growing import grow, remove, update
from sessionlint.program.guards import ANY, ONLY, Guard, either, instead_of, name_of, receiver_of
from sessionlint.program.model import Effect
from sessionlint.program.values import (
    FACTORY,
    TASK,
    UNKNOWN,
    Closed,
    Ext,
    Fn,
    Inst,
    Param,
    Pending,
    Row,
    Seq,
    Value,
    join,
    join_all,
    literal,
    mark_of,
    shallow,
)

Keywords = list[tuple[str, Value]]
#: What a call can look into; a declared type then says nothing new.
_SEEN = ("fn", "cls", "method", "inst", "handle")
#: Methods that put something into what they are called on, and all that change it.
_GROWING = ("append", "add", "extend", "insert", "appendleft")
_CHANGING = frozenset({*relations.CHANGES, *_GROWING, *handing.PUTS, "update", "setdefault", "pop"})
_CALLED = ("fn", "cls", "partial", "method", "inst", "handle")


def evaluate_call(frame: Frame, e: ir.Expr, statement: bool = False, context: bool = False) -> Value:
    """The value of a call expression."""
    awaited = bool(frame.flags) and frame.flags[-1] == "awaited"
    if awaited:
        frame.flags.pop()
    try:
        callees = frame.evaluate(e[2])
        args, keywords = arguments(frame, e)
    finally:
        if awaited:
            frame.flags.append("awaited")
    flags = [f for f, on in (("statement", statement), ("context", context)) if on]
    frame.flags.extend(flags)
    out: Value = UNKNOWN
    through, name = receiver_of(frame, e[2]), name_of(frame, e[2])
    absent = instead_of(frame, e[2]) if through is None and e[2][0] == "a" and len(callees) > 1 else None
    for callee in callees:
        if callee.tag == "fn" and callee.info.decorator_values:
            callees = dispatching.chosen(frame, callees, args)
            break
    if len(callees) > 1 and callees[0].tag == "method":
        callees = row_locks.known(frame, callees)
    depth = len(frame.guards)
    if e[2][0] == "a" and e[2][2][0] == "a":
        frame.guards.extend(filled_if.asked(frame, e[2]))
    evaluated = (args, keywords) if frame.paired and e[2][0] == "n" and e[2][2] in frame.paired else None
    known = through
    for callee in holding.each(frame, callees):
        if frame.makes_own and known is None:
            through = own_class.through(frame, callee)
        if evaluated is not None:
            args, keywords = pairs.beside(frame, e, callee) or evaluated
        instead = overriding.others(frame, callee) if through is not None else []
        if instead and (awaited or not callee.info.is_async):
            made_with = callee.receiver.bindings if known is None else ()
            overriding.foretell(frame, through, callee.info.name, instead, args, keywords, e, made_with)
        if frame.named_by and callee in frame.named_by:
            also = frame.under.get(callee, frame.named_by[callee])
            frame.guards.append(also)
            out = join(out, _guarded(frame, frame.named_by[callee], callee, args, keywords, e))
            frame.guards.pop()
        elif frame.under and callee in frame.under:
            out = join(out, _guarded(frame, frame.under[callee], callee, args, keywords, e))
        elif frame.by_name and e[2][0] != "a" and callee in frame.by_name:
            out = join(out, _guarded(frame, frame.by_name[callee], callee, args, keywords, e))
        elif (chosen := class_passed(callee)) is not None:
            out = join(out, _guarded(frame, chosen, callee, args, keywords, e))
        elif through is not None and (instead or _is_one_of_several(frame, callees, callee)):
            out = join(out, _guarded(frame, _of_receiver(through, callee), callee, args, keywords, e))
        elif absent is not None and _is_only_declared(frame, callee, e):
            out = join(out, _guarded(frame, _of_receiver(absent, callee), callee, args, keywords, e))
        elif (drawn := drawing.guard_of(frame, callee, e[2])) is not None:
            out = join(out, _guarded(frame, drawn, callee, args, keywords, e))
        elif frame.put_below and (below := bound_below.guard_of(frame, callee, e)) is not None:
            out = join(out, _guarded(frame, below, callee, args, keywords, e))
        elif frame.chosen and (choice := class_values.choice_of(frame, callee)) is not None:
            class_values.foretell(frame, choice, callee, args, keywords, e, awaited)
            out = join(out, _guarded(frame, choice.guard, callee, args, keywords, e))
        elif name is not None and callee.tag in ("fn", "method"):
            guard = Guard(name, "equal", callee.name if callee.tag == "method" else callee.info.name, True)
            out = join(out, _guarded(frame, guard, callee, args, keywords, e))
        else:
            out = join(out, call_atom(frame, callee, args, keywords, e))
    del frame.guards[depth:]
    if frame.guards and out and callees[0].tag == "fn":
        row_locks.note_given(frame, out)
    if frame.marks and (args or keywords):
        giving.passed(frame, [*args, *[value for _, value in keywords]])
    if not callees:
        out = libraries.unknown_call(frame, e, args, keywords)
    if len(args) > 1 and e[2][0] == "a" and e[2][3] == "replace" and not strings.texts_of(out):
        # of an unknown text that is a URL then
        out = written_drivers.put_in(args) or out
    if keywords and e[2][0] == "a" and e[2][3] == "sort":
        calling_back.sorts(frame, e, callees, keywords)
    if e[2][0] == "a" and e[2][3] in _CHANGING:
        _change_receiver(frame, e, callees, args, keywords)
    if flags:
        del frame.flags[len(frame.flags) - len(flags) :]
    return out


def _change_receiver(frame: Frame, e: ir.Expr, callees: Value, args: list[Value], keywords: Keywords) -> None:
    """``rows.append(row)``: what the method was called on holds something else now."""
    name = e[2][3]
    if name in relations.CHANGES:
        relations.changed(frame, e, callees)
    if name in _GROWING or (name in handing.PUTS and handing.is_put(e, callees)):
        grow(frame, e, callees, args)
    elif name in ("update", "setdefault"):
        update(frame, e, callees, args, keywords)
    elif name == "pop" and args and any(c.tag == "method" for c in callees):
        remove(frame, e[2][2], args[0])


def _of_receiver(through: Any, callee: Any) -> Guard:
    """The condition that the receiver is such an object: the one that is marked, or one of its class."""
    if mark_of(callee.receiver) is not None:
        return Guard(through, "is", callee.receiver, True)
    return Guard(through, "of", (callee.receiver.info, callee.info.name), True)


def _is_one_of_several(frame: Frame, callees: Value, callee: Any) -> bool:
    """Whether another object in the receiver's place would have another method run."""
    if callee.tag != "fn" or not isinstance(callee.receiver, Inst):
        return False
    return len(callees) > 1 or callee.receiver.info is not frame.function.class_info


def _is_only_declared(frame: Frame, callee: Any, e: ir.Expr) -> bool:
    """Whether a method is of what a parameter is declared to be, not of what was made in its place."""
    if callee.tag != "fn" or not isinstance(callee.receiver, Inst) or callee.receiver.bindings:
        return False
    return callee.receiver not in frame.env.get(e[2][2][2], UNKNOWN)


#: Conditions on functions and objects that are passed: what others of them leave to be awaited is not theirs.
_HANDED: Final = ("is", "of", ONLY, ANY)


def _guarded(
    frame: Frame, guard: Guard, callee: Any, args: list[Value], keywords: Keywords, e: ir.Expr, depth: int = 0
) -> Value:
    """A call that happens under a condition only; what it leaves to be awaited, or opens, keeps the condition."""
    frame.guards.append(guard)
    value = call_atom(frame, callee, args, keywords, e, depth)
    frame.guards.pop()
    for atom in value:
        if (
            atom.tag == "pending"
            or (atom.tag == "ext" and guard.kind in _HANDED and atom.name.endswith("()"))
            or (atom.tag == "handle" and guard.kind == "is" and frame.is_own(atom))
        ):
            known = frame.awaiting.get(atom, guard)
            common = either(frozenset((known,)), frozenset((guard,))) if known is not None else ()
            frame.awaiting[atom] = next(iter(common), None)
    return value


def call_atom(frame: Frame, callee: Any, args: list[Value], keywords: Keywords, e: ir.Expr, depth: int = 0) -> Value:
    """Calls one thing an expression may be."""
    tag = callee.tag
    if tag == "fn":
        return call_function(frame, callee, args, keywords, e)
    if tag == "ext":
        if frame.solver.kind_of(callee) == "factory":
            return handles.open_session(frame, callee, e, keywords)
        return libraries.call_external(frame, callee.name, args, keywords, e)
    if tag == "method":
        return _call_method(frame, callee, args, keywords, e)
    if tag == "cls":
        value = constructing.construct(frame, callee, args, keywords, e)
        return own_class.made(frame, e[2], value) if callee.info is frame.function.class_info else value
    if tag == "partial":
        return _call_partial(frame, callee, args, keywords, e)
    if tag == "inst":
        method = frame.solver.method(callee.info, "__call__")
        if method is None:
            return UNKNOWN
        made = call_function(frame, frame.solver.bound(method, callee), args, keywords, e)
        return made or locators.promised(frame, method, args, keywords, e)
    if tag == "column":
        if callee.name in knowledge.TABLE_STATEMENTS:
            return (Ext(f"sqlalchemy.{callee.name}()"),)  # ``table = Model.__table__``, then ``table.delete()``
        # ``Model.__table__.columns.keys()``
        named = literal(args[0]) if callee.name == "get" and args else None
        if isinstance(named, str):
            return (callee._replace(name=named),)
        return (Seq((mapped.listing(callee.name),), True),) if callee.name in ("keys", "values", "items") else UNKNOWN
    if tag == "annotated":
        # calling a NewType gives its argument back
        return args[0] if args else UNKNOWN
    own = families.of_own_class(frame, callee) if tag == "param" and callee.info.name == "__init__" else UNKNOWN
    if not own and frame.solver.kind_of(callee) == "factory" and not _is_one_of_ways(frame, callee):
        return handles.open_session(frame, callee, e, keywords)
    if tag in ("param", "injected") and depth < 3:
        out: Value = UNKNOWN
        views = own or siblings.told(frame, callee, frame.solver.ask("views", callee))
        if any(v.tag in _SEEN for v in views):
            views = tuple(v for v in views if v.tag != "partial" or v.function != (Ext(knowledge.DECLARED_CALL),))
            views = alike.as_one(frame, callee, locators.without_protocols(frame, views))
        called = tuple([v for v in views if v.tag in _CALLED or (v.tag == "ext" and _is_callable(v.name))])
        if not called and (args or keywords):
            libraries.escape(frame, args, keywords, e)
        if frame.tests:
            called = decorator_flags.come_here(frame, called)
        for view in holding.each(frame, called):
            guard = drawing.handed(frame, callee, view)
            made = _guarded(frame, guard, view, args, keywords, e, depth + 1)
            out = join(out, made if view.tag != "cls" else made_of(made, view, callee))
        return out
    return UNKNOWN


def _is_one_of_ways(frame: Frame, callee: Any) -> bool:
    """Whether some pass a factory of sessions for a parameter, and others a function: each opens its own way."""
    views = frame.solver.ask("views", callee) if callee.tag == "param" else UNKNOWN
    if not any(v.tag == "fn" for v in views):
        return False
    mine = families.passed_below(frame, callee) if callee.info.name == "__init__" else UNKNOWN
    if mine and all(frame.solver.kind_of(a) == FACTORY for a in mine):
        return False
    return all(v.tag == "handle" for v in views if frame.solver.kind_of(v) == FACTORY)


def _is_callable(name: str) -> bool:
    """A library's object is called where that is known to ask somebody; else its class has been called already."""
    return not name.endswith("()") or name in container_scopes.SPECIAL or told_by(name).network


def _call_partial(frame: Frame, callee: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    out: Value = UNKNOWN
    for inner in callee.function:
        if inner.tag == "ext" and inner.name in libraries.CONTEXT_MANAGERS:
            for target in callee.args[0] if callee.args else ():
                for atom in call_atom(frame, target, args, keywords, e):
                    given = external_sources.elements(frame, atom) if atom.tag == "ext" else UNKNOWN
                    out = join(out, given or ((atom._replace(kind="cm") if atom.tag == "pending" else atom),))
        else:
            out = join(out, call_atom(frame, inner, [*callee.args, *args], [*callee.keywords, *keywords], e))
    return out


def _call_method(frame: Frame, callee: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    receiver = callee.receiver
    if receiver.tag == "row":
        if receiver.query:
            queries.method(frame, Ext(knowledge.QUERY), callee.name, args, keywords, e)
        elif callee.name not in knowledge.ROW_METHODS:
            return _call_row(frame, receiver, callee.name, args, keywords, e)
        return operating.of_rows(frame, receiver, callee.name, e)
    if frame.narrowed and receiver in frame.narrowed:
        return narrowed_queries.call(frame, receiver, callee.name, args, keywords, e)
    kind = frame.solver.kind_of(receiver)
    if kind is None and receiver.tag == "cls":
        kind = frame.solver.class_kind(receiver.info)
    if receiver.tag == "obj" and receiver.name == TASK and callee.name in ("result", "exception"):
        frame.emit("outcome", e[1], name=callee.name, subject=(receiver,), expr=e)
    if frame.futures and receiver in frame.futures:
        return joining.asked(frame, receiver, callee.name, e) or libraries.call_method(
            frame, receiver, callee.name, args, keywords, e
        )
    if kind is not None:
        return handles.call(frame, receiver, kind, callee.name, args, keywords, e)
    return libraries.call_method(frame, receiver, callee.name, args, keywords, e)


def _call_row(frame: Frame, row: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``order.cancel()`` of a loaded row: the method of the one mapped class that has it, or of several alike."""
    solver = frame.solver
    found = (solver.method(owner.info, name) for owner in solver.read(("row method", name)))
    methods = [m for m in dict.fromkeys(found) if m is not None and m.params and not m.is_property]
    changes = (Effect("change", "argument", Param(m, m.params[0][0])) in solver.summary_of(m).effects for m in methods)
    if len(methods) > 1 and not all(changes):
        return UNKNOWN
    return join_all([call_function(frame, solver.bound(method, row), args, keywords, e) for method in methods])


def call_function(
    frame: Frame,
    callee: Fn,
    args: list[Value],
    keywords: Keywords,
    e: ir.Expr,
    run: bool = False,
    context: bool = False,
) -> Value:
    """Calls a project function: coroutines, generators and context managers wait until they are run."""
    function = callee.info
    if is_open_ended(function) and e[0] == "c":
        call = frame.solver.summary_of(function).forwards
        if call is not None:
            return forward(frame, callee, call, args, keywords, e, _guarded)
    if keywords and args and e[0] == "c" and spread_arguments.spreads(e):
        args = spread_arguments.up_to_named(function, callee, args, keywords, e)
    bindings = bind(frame, function, callee, args, keywords)
    none_given(function, bindings, e)
    if isinstance(callee.receiver, Inst | Closed):
        for key, value in callee.receiver.bindings:
            bindings.setdefault(key, value)
        if isinstance(callee.receiver, Inst) and callee.receiver.bindings:
            handed_up.made_with(frame, callee.receiver.info, bindings)
        if frame.added_to:
            bindings.update(asking_rows.of_receiver(frame, e))
    elif isinstance(callee.receiver, Row):
        # what a row's own method gets from ``object_session(self)``
        bindings.update(dict.fromkeys(knowledge.AMBIENT_SESSIONS, (callee.receiver.session,)))
    elif callee.receiver is not None:
        bindings.update(own_sessions.as_receiver(callee))
    pending = Pending(function, tuple((k, shallow(v, 2)) for k, v in bindings.items()), "coro", frame.site(e[1]))
    if function.is_context_manager:
        pending = pending._replace(kind="cm")
    elif function.is_generator:
        pending = pending._replace(kind="gen")
        generators.made(frame, pending)
    elif function.decorator_values and signatures.enqueues(function):
        return starting_decorators.start_wrapped(frame, function, pending, e)
    frame.solver.summary_of(function)
    if function.name in frame.solver.named and e[0] == "c" and named_ways.is_sink(frame, function):
        scheduling.handed_on(frame, function.name, args, keywords, e)
    wrapped = function.wrappers and pending.kind == "coro" and wrapping.BARE not in bindings
    for wrapper in function.wrappers if wrapped else ():
        if starting_decorators.starts(frame, wrapper, function):
            return starting_decorators.start_wrapped(frame, wrapper, pending, e)
    if pending.kind == "coro" and not function.is_async:
        return running.run(frame, function, bindings, e, context)
    if pending.kind == "coro" and e[0] == "c" and "awaited" not in frame.flags:
        frame.made_at[e[1]] = e
    if run or (function.decorator_values and keeping.is_decorated(function, scheduling.MADE_SYNC)):
        return run_pending(frame, pending, e[1], e, context)
    return (pending,)


def _made_before(frame: Frame, pending: Pending) -> bool:
    """Whether a coroutine was made before the open transaction, or by a function that is defined here."""
    place = pending.site[1]
    if pending.kind != "coro" or not frame.tx:
        return False
    if any(span[:2] <= place[:2] and place[2:] <= span[2:] for span in frame.function.children):
        return True
    return not any(t.site[0] == frame.path and t.site[1][:2] < place[:2] for t in frame.tx)


def run_pending(frame: Frame, pending: Pending, span: ir.Span4, e: ir.Expr | None, context: bool = False) -> Value:
    """Awaits a coroutine, enters a context manager, or takes from a generator."""
    at = frame.directly.get(pending, e)
    at = at if at is not None and at[0] != "aw" else ("z", span, ())
    if pending.site[0] == frame.path and pending.site[1] != at[1] and not _made_before(frame, pending):
        place = pending.site[1] if pending.kind == "coro" else span
        at = frame.made_at.get(place) or ("z", place, ())
    guard = frame.awaiting.get(pending)
    if guard is None:
        return running.run(frame, pending.info, dict(pending.bindings), at, context, pending.kind)
    frame.guards.append(guard)
    value = running.run(frame, pending.info, dict(pending.bindings), at, context, pending.kind)
    frame.guards.pop()
    return value
