"""Database handles: how they are made, what their methods do to transactions."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    beginning,
    halves,
    holding,
    inactive,
    isolation,
    knowledge,
    operating,
    own_sessions,
    unsaved,
)
from sessionlint.program.frame import YES, Frame
from sessionlint.program.model import Effect, Event, Hop
from sessionlint.program.operations import BEGIN, CLOSE, END, SAME
from sessionlint.program.scoped import is_registry
from sessionlint.program.values import (
    CONNECTION,
    DRIVER,
    ENGINE,
    FACTORY,
    POOL,
    SESSION,
    TRANSACTION,
    UNKNOWN,
    Ext,
    Handle,
    Method,
    Operation,
    Row,
    Value,
    subjects_of,
)

Keywords = list[tuple[str, Value]]
#: Handles that somebody has to close.
HELD = (SESSION, CONNECTION, DRIVER)
#: Methods of exit stacks that have a function called when the stack is left.
_CALLBACKS = ("callback", "push_async_callback")
_EMPTIED = Ext(f"{knowledge.EMPTIED_REGISTRY}()")


def make(
    frame: Frame, kind: str, e: ir.Expr, text: str, callee: Value, args: list[Value], keywords: Keywords,
    is_async: bool = False, root: Any = None, parent: Any = None, begun: bool = False, registry: bool = False,
    of: Any = None,
) -> Value:  # fmt: skip
    """A handle comes into being at this call; one that its registry keeps is that ``of`` the registry's place."""
    site = frame.site(e[1])
    handle = Handle(kind, of or site, root or of or site, parent, begun, is_async, registry=registry)
    flags = tuple(frame.flags[-1:]) if frame.flags and frame.flags[-1] == "context" else ()
    event = frame.emit(
        "create", e[1], flags, subject=(handle,), name=kind, value=callee, args=tuple(args), keywords=tuple(keywords),
        text=text, expr=e,
    )  # fmt: skip
    frame.begins[handle] = event
    if keywords:
        inactive.note_made(frame, kind, keywords)
    frame.learn(handle, "closed", False)
    frame.learn(handle, "open", kind in HELD)
    frame.learn(handle, "used", False)
    frame.source((kind, handle.root), Hop(site, f"the {kind} is created here"))
    frame.effect(Effect("create", kind, None), e[1], f"a {kind} is created here")
    return (handle,)


def open_session(frame: Frame, factory: Any, e: ir.Expr, keywords: Keywords, begun: bool = False) -> Value:
    """``factory()`` (or ``factory.begin()``)."""
    text = f"{ir.text_of(e[2])}()"
    is_async = frame.solver.is_async(factory)
    kept = factory.registry if factory.tag == "handle" else factory == _EMPTIED
    if kept and not begun:
        place = factory.site if factory.tag == "handle" else None
        made = make(frame, SESSION, e, text, (factory,), [], keywords, is_async, registry=True, of=place)
        # of one that a library keeps, no place is known to tell its session by: it stands for that itself
        known = place is not None or frame.flags[-1:] == ["context"]
        return own_sessions.same_class(frame, made, factory) if known else (factory,)
    made = make(frame, SESSION, e, text, (factory,), [], keywords, is_async, begun=begun)
    return own_sessions.same_class(frame, made, factory)


def call(frame: Frame, receiver: Any, kind: str, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A method of a handle is called."""
    if name.startswith("info."):
        frame.emit("info", e[1], name=name[5:], subject=(receiver,), args=tuple(args), keywords=tuple(keywords), expr=e)
        return UNKNOWN
    if kind == FACTORY and name not in knowledge.SESSION_READS | knowledge.SESSION_WRITES | set(END):
        if name in BEGIN and is_registry(frame.solver, receiver):
            return _begin(frame, receiver, kind, name, e)
        if name in ("begin", "__call__"):
            return open_session(frame, receiver, e, keywords, begun=name == "begin")
        if name in ("remove", "close_all", "close"):
            close(frame, receiver, name, e)
            for handle in [h for h, made in frame.begins.items() if made.kind == "create" and receiver in made.value]:
                close(frame, handle, name, e)
            # the next call of the registry opens a session anew
            frame.learn(receiver, "closed", False)
        if name == "configure":
            frame.emit("configure", e[1], subject=(receiver,), keywords=tuple(keywords), expr=e)
        if name == "query_property":
            return (Row(receiver, True),)
        return (receiver,) if name in SAME else UNKNOWN
    if kind == ENGINE:
        return _engine(frame, receiver, name, args, keywords, e)
    if kind == POOL and name in ("acquire", "connection", "getconn", "get_connection"):
        return make(frame, DRIVER, e, f"{ir.text_of(e[2])}()", (receiver,), args, keywords, True)
    if kind == POOL and name in ("release", "putconn") and args:
        for given_back in args[0]:
            close(frame, given_back, name, e)
        return UNKNOWN
    if name in END and not (name == "prepare" and args):
        return _end(frame, receiver, kind, END[name], e)
    if name in BEGIN:
        return _begin(frame, receiver, kind, name, e)
    if name in CLOSE:
        return close(frame, receiver, name, e)
    if name in SAME:
        _options(frame, receiver, name, keywords, e)
        return (receiver,)
    if name in ("__aenter__", "__enter__", "start") and kind == TRANSACTION:
        # begun by hand: no ``with`` block ends it
        halves.mark_context(frame, receiver, "awaited")
        for subject in subjects_of(receiver):
            frame.learn(subject, "begun")
            holding.hold(frame, subject, e)
        return (receiver,)
    if name in ("__aexit__", "__exit__"):
        return left(frame, receiver, kind, name, e)
    if name in ("__aenter__", "__enter__", "start"):
        begun, is_open, made = len(frame.tx), frame.know(receiver, "open"), frame.begins.get(receiver)
        given = frame.machine.enter(frame, (receiver,), e).value
        if is_open == YES:
            # no block closes it
            frame.learn(receiver, "open")
            if made is not None and made.kind in ("create", "obtain") and "context" not in made.flags:
                halves.unmark_context(frame, receiver)
        # ``factory.begin()``: ``__exit__`` ends it
        halves.enter_all(frame, frame.tx[begun:], e)
        return tuple(given)
    return operating.operate(frame, receiver, kind, name, args, keywords, e)


def left(frame: Frame, receiver: Any, kind: str, name: str, e: ir.Expr) -> Value:
    """``await self.transaction.__aexit__(*error)``: what leaving a ``with`` does."""
    if kind in HELD:
        if getattr(receiver, "begun", False):
            halves.leave(frame, receiver, e)
        return close(frame, receiver, name, e)
    if kind == TRANSACTION:
        frame.emit("left", e[1], subject=(receiver,), name=name, expr=e)
    if kind == TRANSACTION and not _is_savepoint(frame, receiver):
        for subject in subjects_of(receiver):
            halves.leave(frame, subject, e)
    return UNKNOWN


def _options(frame: Frame, receiver: Any, name: str, keywords: Keywords, e: ir.Expr) -> None:
    if name == "execution_options":
        frame.emit("options", e[1], name=name, subject=(receiver,), keywords=tuple(keywords), expr=e)


def _route(kind: str) -> str:
    return {TRANSACTION: "transaction", SESSION: "session", FACTORY: "session"}.get(kind, "connection")


def _end(frame: Frame, receiver: Any, kind: str, name: str, e: ir.Expr) -> Value:
    if kind == TRANSACTION and _is_savepoint(frame, receiver):
        # a savepoint that is released or undone leaves the transaction as it is
        entered = any(t.savepoint and not set(t.subjects).isdisjoint(subjects_of(receiver)) for t in frame.tx)
        if isinstance(receiver, Handle):
            frame.emit("savepoint", e[1], ("entered",) if entered else (), name=name, subject=(receiver,), expr=e)
        return (Operation(receiver, name),)
    for subject in subjects_of(receiver):
        flags = ("closed",) if frame.know(subject, "closed") == 1 else ()
        frame.emit("txn", e[1], flags, name=name, subject=(subject,), text=_route(kind), expr=e, value=(receiver,))
        frame.effect(Effect("txn", name, subject), e[1], f"{ir.text_of(e[2])}() ends the transaction")
        halves.ended(frame, subject)
        if frame.writes:
            (unsaved.saved if name == "commit" else unsaved.undone)(frame, subject)
    return (Operation(receiver, name),)


def _is_savepoint(frame: Frame, receiver: Any) -> bool:
    """Whether a transaction object is a savepoint: made here, or by every caller that passes one."""
    if receiver.tag != "param":
        return bool(getattr(receiver, "savepoint", False))
    given = [a for a in frame.solver.views(receiver) if a.tag == "handle"]
    return bool(given) and all(a.savepoint for a in given)


def end_later(frame: Frame, receiver: Any, name: str, e: ir.Expr) -> None:
    """``session.commit`` is handed, uncalled, to code that will call it."""
    kind = frame.solver.kind_of(receiver)
    if kind in (SESSION, CONNECTION, TRANSACTION, DRIVER):
        _end(frame, receiver, kind, name, e)
    if name == "commit" and e[0] == "c" and e[2][-1] in _CALLBACKS:
        from sessionlint.program import exit_stacks

        stack = exit_stacks.around(frame, e)
        if stack is None:
            return
        hop = Hop(frame.site(e[1]), f"{ir.text_of(e[2])}() has it called when the stack is left")
        stack.commits.append((receiver, hop))


def _begin(frame: Frame, receiver: Any, kind: str, name: str, e: ir.Expr) -> Value:
    savepoint = name == "begin_nested"
    flags: tuple[str, ...] = ()
    subjects = subjects_of(receiver)
    if not savepoint and kind in (SESSION, CONNECTION, FACTORY):
        if (frame.tx and beginning.is_open(frame, subjects)) or any(frame.know(s, "begun") == 1 for s in subjects):
            flags = ("already begun",)
        elif any(frame.know(s, "used") == 1 for s in subjects):
            flags = ("autobegun",)
    if any(frame.know(s, "closed") == 1 for s in subjects):
        flags = (*flags, "closed")
    if not savepoint and any(beginning.how(frame, s) != "begin" for s in subjects):
        flags = (*flags, beginning.ASKED)
    context = ("context",) if frame.flags and frame.flags[-1] == "context" else ()
    site = frame.site(e[1])
    handle = Handle(TRANSACTION, site, site, receiver, False, frame.solver.is_async(receiver), savepoint)
    event = frame.emit(
        "txn", e[1], (*flags, *context), name="begin_nested" if savepoint else "begin", subject=subjects,
        text=_route(kind), expr=e,
    )  # fmt: skip
    frame.begins[handle] = event
    _want_other_half(frame)
    for subject in inactive.working(frame, subjects):
        effect = Effect("txn", "begin_nested" if savepoint else beginning.how(frame, subject), subject)
        frame.effect(effect, e[1], f"{ir.text_of(e[2])}() begins a transaction")
        if savepoint and not any(subject in t.subjects for t in frame.tx):
            frame.learn(subject, "used")
            if frame.know(subject, holding.PENDING) == 1:
                holding.hold(frame, subject, e)
        elif not savepoint and not context:
            frame.learn(subject, "begun")
            holding.hold(frame, subject, e)
        frame.learn(subject, "ended", False)
    return (handle,)


def _want_other_half(frame: Frame) -> None:
    """What an object begins when it is entered, it may end when it is left."""
    info = frame.function.class_info
    if info is not None and frame.function.name in ("__aenter__", "__enter__"):
        leave = frame.solver.method(info, frame.function.name.replace("enter", "exit"))
        if leave is not None:
            frame.solver.want(leave)


def is_awaited_begin(event: Event) -> bool:
    """``await session.begin()``, which begins there and then."""
    return event.kind == "txn" and "awaited" in event.flags


def not_begun_here(frame: Frame, handle: Any) -> None:
    """``return session.begin()``: the transaction begins where the caller enters what it is given."""
    event = frame.begins[handle]
    if handle.kind != TRANSACTION or event.kind != "txn" or "context" in event.flags:
        return
    for subject in event.subject:
        for name in (event.name, beginning.IF_NONE, beginning.ANEW):
            effect = Effect("txn", name, subject)
            hop = frame.effects.get(effect)
            if hop is not None and hop.site == event.site:
                del frame.effects[effect]


def begun_by_caller(frame: Frame, handed: Any, subjects: Value, e: ir.Expr) -> Value:
    """The transactions that a call hands out un-begun, as if ``begin()`` stood in its place."""
    out: list[Any] = []
    for subject in subjects:
        kind = frame.solver.kind_of(subject)
        if kind in (SESSION, CONNECTION, TRANSACTION):
            out.extend(_begin(frame, subject, kind, "begin_nested" if handed.savepoint else "begin", e))
    return tuple(out)


def close(frame: Frame, receiver: Any, name: str, e: ir.Expr) -> Value:
    """A session or connection is closed by hand: by its own method, or by what has it."""
    frame.emit("txn", e[1], name="close", subject=(receiver,), text=name, expr=e)
    frame.effect(Effect("txn", "close", receiver), e[1], f"{ir.text_of(e[2])}() closes it")
    frame.learn(receiver, "closed")
    frame.learn(receiver, "open", False)
    frame.learn(receiver, "used", False)
    frame.learn(receiver, "begun", False)
    holding.let_go(frame, receiver)
    return UNKNOWN


def _engine(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    if name in ("connect", "begin"):
        return make(
            frame, CONNECTION, e, f"{ir.text_of(e[2])}()", (Method(receiver, name),), args, keywords,
            frame.solver.is_async(receiver), begun=name == "begin",
        )  # fmt: skip
    if name in ("raw_connection", "pool.connect"):
        return make(frame, DRIVER, e, f"{ir.text_of(e[2])}()", (Method(receiver, name),), args, keywords)
    if name in ("execution_options",):
        _options(frame, receiver, name, keywords, e)
        # another engine, which shares the pool
        apart = receiver.tag == "handle" and isolation.is_isolation(keywords)
        return (receiver._replace(site=frame.site(e[1])) if apart else receiver,)
    if name in ("execute", "scalar"):
        return operating.operate(frame, receiver, CONNECTION, name, args, keywords, e)
    return UNKNOWN


def left_block(frame: Frame, subject: Any) -> None:
    """The block that had its transaction open is left."""
    frame.learn(subject, "used", False)
    frame.learn(subject, "begun", False)
    holding.let_go(frame, subject)


def apply_effect(frame: Frame, subject: Any, effect: Effect) -> None:
    """What a callee does to a handle of the caller."""
    if effect.kind == "txn":
        if effect.name in ("commit", "rollback"):
            frame.learn(subject, "used", False)
            frame.learn(subject, "begun", False)
            frame.learn(subject, "written", False)
            holding.let_go(frame, subject)
        elif effect.name == "close":
            frame.learn(subject, "open", False)
            holding.let_go(frame, subject)
    elif effect.kind == "use":
        holding.used_again(frame, subject)
        if effect.name == "write":
            frame.learn(subject, "written")
    elif effect.kind == unsaved.LEFT:
        frame.learn(subject, "written")


def apply_state(frame: Frame, subject: Any, fact: str) -> None:
    """A callee left a handle of the caller in this state on every path."""
    if subject.tag == "const" or (subject.tag == "ext" and frame.solver.kind_of(subject) is None):
        return  # nobody can see what ends that
    if fact == "closed" and subject.tag == "handle" and subject.registry:
        return  # asked again, here or there, a registry gives an open one
    if fact == "begun" and frame.know(subject, inactive.FAILED):
        return
    # releasing a savepoint leaves the transaction open
    owned = frame.in_block(subject) if holding.outlasts(fact) else any(subject in t.subjects for t in frame.tx)
    if fact == "closed" or not owned:
        frame.learn(subject, fact)
