"""Database handles: how they are made, what their methods do to transactions."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    beginning,
    flushing,
    halves,
    holding,
    knowledge,
    merging,
    own_sessions,
    predicates,
    revealing,
    row_classes,
    sending,
    strings,
    unsaved,
    whose_rows,
)
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect, Event, Hop
from sessionlint.program.operations import BEGIN, CLOSE, END, PASSIVE, SAME
from sessionlint.program.scoped import is_registry
from sessionlint.program.sqlends import transaction_statements
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
)

Keywords = list[tuple[str, Value]]
#: Handles that somebody has to close.
HELD = (SESSION, CONNECTION, DRIVER)
_EMPTIED = Ext(f"{knowledge.EMPTIED_REGISTRY}()")
#: What takes rows out of a session that stays open.
_LETS_GO = {"expunge", "expunge_all", "reset"}


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
        for subject in _subjects(receiver):
            frame.learn(subject, "begun")
            holding.hold(frame, subject, e)
        return (receiver,)
    if name in ("__aexit__", "__exit__"):
        return left(frame, receiver, kind, name, e)
    if name in ("__aenter__", "__enter__", "start"):
        begun = len(frame.tx)
        given = frame.machine.enter(frame, (receiver,), e).value
        # ``factory.begin()``: ``__exit__`` ends it
        halves.enter_all(frame, frame.tx[begun:], e)
        return tuple(given)
    return _operate(frame, receiver, kind, name, args, keywords, e)


def left(frame: Frame, receiver: Any, kind: str, name: str, e: ir.Expr) -> Value:
    """``await self.transaction.__aexit__(*error)``: what leaving a ``with`` does."""
    if kind in HELD:
        if getattr(receiver, "begun", False):
            halves.leave(frame, receiver, e)
        return close(frame, receiver, name, e)
    if kind == TRANSACTION:
        frame.emit("left", e[1], subject=(receiver,), name=name, expr=e)
    if kind == TRANSACTION and not _is_savepoint(frame, receiver):
        for subject in _subjects(receiver):
            halves.leave(frame, subject, e)
    return UNKNOWN


def _options(frame: Frame, receiver: Any, name: str, keywords: Keywords, e: ir.Expr) -> None:
    if name == "execution_options":
        frame.emit("options", e[1], name=name, subject=(receiver,), keywords=tuple(keywords), expr=e)


def _subjects(receiver: Any) -> Value:
    """A transaction stands for the session or connection it belongs to."""
    parent = getattr(receiver, "parent", None)
    return (receiver,) if parent is None else (parent,)


def _route(kind: str) -> str:
    return {TRANSACTION: "transaction", SESSION: "session", FACTORY: "session"}.get(kind, "connection")


def _end(frame: Frame, receiver: Any, kind: str, name: str, e: ir.Expr) -> Value:
    if kind == TRANSACTION and _is_savepoint(frame, receiver):
        # a savepoint that is released or undone leaves the transaction as it is
        entered = any(t.savepoint and not set(t.subjects).isdisjoint(_subjects(receiver)) for t in frame.tx)
        if isinstance(receiver, Handle) and not entered:
            frame.emit("savepoint", e[1], name=name, subject=(receiver,), expr=e)
        return (Operation(receiver, name),)
    for subject in _subjects(receiver):
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


def _begin(frame: Frame, receiver: Any, kind: str, name: str, e: ir.Expr) -> Value:
    savepoint = name == "begin_nested"
    flags: tuple[str, ...] = ()
    subjects = _subjects(receiver)
    if not savepoint and kind in (SESSION, CONNECTION, FACTORY):
        if any(set(subjects) & set(t.subjects) for t in frame.tx if not t.savepoint) or any(
            frame.know(s, "begun") == 1 for s in subjects
        ):
            flags = ("already begun",)
        elif any(frame.know(s, "used") == 1 for s in subjects):
            flags = ("autobegun",)
    if any(frame.know(s, "closed") == 1 for s in subjects):
        flags = (*flags, "closed")
    context = ("context",) if frame.flags and frame.flags[-1] == "context" else ()
    site = frame.site(e[1])
    handle = Handle(TRANSACTION, site, site, receiver, False, frame.solver.is_async(receiver), savepoint)
    event = frame.emit(
        "txn", e[1], (*flags, *context), name="begin_nested" if savepoint else "begin", subject=subjects,
        text=_route(kind), expr=e,
    )  # fmt: skip
    frame.begins[handle] = event
    _want_other_half(frame)
    for subject in subjects:
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
    if name == "raw_connection":
        return make(frame, DRIVER, e, f"{ir.text_of(e[2])}()", (Method(receiver, name),), args, keywords)
    if name in ("execution_options",):
        _options(frame, receiver, name, keywords, e)
        return (receiver,)
    if name in ("execute", "scalar"):
        return _operate(frame, receiver, CONNECTION, name, args, keywords, e)
    return UNKNOWN


def _operate(
    frame: Frame, receiver: Any, kind: str, name: str, args: list[Value], keywords: Keywords, e: ir.Expr,
    query: bool = False,
) -> Value:  # fmt: skip
    subjects = _subjects(receiver)
    flags: tuple[str, ...] = ()
    # a flush sends what was added before: no write of its own
    write = name in knowledge.SESSION_WRITES and name != "flush" and kind in (SESSION, FACTORY)
    write = write or (query and name in knowledge.QUERY_WRITES)
    attaches = write and name == "merge" and merging.attaches_only(keywords)
    write = write and not attaches
    first = args[0] if args else dict(keywords).get("statement", UNKNOWN)
    by_driver = kind in (DRIVER, POOL)
    sends = name in knowledge.SQL_METHODS or (by_driver and name in knowledge.DRIVER_SQL_METHODS)
    if sends and by_driver and not args:
        first = next((v for k, v in keywords if k in ("query", "sql", "operation")), UNKNOWN)
    if sends:
        text = strings.text_of(first)
        # psycopg names a cursor, asyncpg makes one of a query
        if name == "cursor" and (text is None or " " not in text.text):
            first = UNKNOWN
        elif text is not None:
            _sql(frame, receiver, kind, name, text, first, e)
            write = write or bool(sending.SQL_WRITE.match(text.text))
        elif by_driver and any(a.tag == "param" for a in first):
            frame.emit("sql", e[1], name=name, args=(first,), expr=e, subject=(receiver,), text=kind)
        write = write or any(a.tag == "ext" and a.name in sending.WRITERS for a in first)
        predicates.consumed(frame, [first])
        if not write and first and kind in (SESSION, CONNECTION):
            write = sending.note(frame, subjects, first, e, f"{ir.text_of(e[2])}() uses it")
    if write:
        flags = ("write",)
    if name == "merge" and kind == SESSION and not attaches:
        merging.copied(frame, subjects, first or dict(keywords).get("instance", UNKNOWN))
    if name == "add" and kind == SESSION and first:
        merging.attached(frame, first, e[1], Hop(frame.site(e[1]), "", None))
    closed = any(frame.know(s, "closed") == 1 for s in subjects)
    if closed and name not in PASSIVE:
        flags = (*flags, "closed")
    operates = kind in (SESSION, CONNECTION, DRIVER, POOL, FACTORY)
    if not operates:
        return UNKNOWN
    event_args = tuple(args)
    frame.emit(
        "use", e[1], flags, name=name, subject=subjects, args=event_args, keywords=tuple(keywords), text=kind, expr=e
    )
    how = f"{ir.text_of(e[2])}() uses it" if e[2] else "iterating over the query uses it"
    touches = write or query or sends or name in knowledge.SESSION_READS
    idle = attaches or (name == "flush" and flushing.sends_nothing(frame, subjects, e))
    if name == "run_sync" and _sees_into(args):
        # no statement of its own: what the function does is told of that
        touches, idle = False, True
    for subject in subjects:
        if name not in PASSIVE:
            frame.effect(Effect("use", "write" if write else "read", subject), e[1], how)
        if name in ("in_transaction", "in_nested_transaction"):
            beginning.ask(frame, subject)
            frame.learn(subject, "used", False)
            frame.learn(subject, "begun", False)
            holding.let_go(frame, subject)
        if touches and name != "query" and not any(subject in t.subjects for t in frame.tx):
            frame.learn(subject, "used")
        if name not in PASSIVE:
            frame.learn(subject, "ended", False)
        if write:
            frame.learn(subject, "written")
            unsaved.written(frame, subject, Hop(frame.site(e[1]), how))
        if name in _LETS_GO:
            frame.learn(subject, "let go")
        if not idle:
            holding.operated(frame, subject, kind, name, args, keywords, write, e)
    return _result(frame, receiver, kind, name, args, keywords, e)


def _sees_into(args: list[Value]) -> bool:
    """Whether the function that ``run_sync`` is given is the project's, or a method of a session."""
    return bool(args and args[0]) and all(
        a.tag == "fn" or (a.tag == "ext" and knowledge.handle_kind(a.name.rpartition(".")[0]) is not None)
        for a in args[0]
    )


#: Methods of sessions whose first argument is the class of the rows.
_NAMES_CLASS = frozenset({"get", "get_one", "query"})


def _result(
    frame: Frame, receiver: Any, kind: str, name: str, args: list[Value], keywords: Keywords, e: ir.Expr
) -> Value:
    site = frame.site(e[1])
    if name == "connection" and kind == SESSION:
        return (Handle(CONNECTION, site, site, receiver, False, frame.solver.is_async(receiver)),)
    if name in ("get_transaction", "get_nested_transaction", "_transaction"):
        return (Handle(TRANSACTION, site, site, receiver, False, frame.solver.is_async(receiver), "nested" in name),)
    if name in ("get_raw_connection", "connection") and kind == CONNECTION:
        return (Handle(DRIVER, site, site, receiver, False, True),)
    if name == "cursor":
        # closing it leaves the connection open
        return (Handle(DRIVER, site, site, receiver, False, frame.solver.is_async(receiver)),)
    if name == "get_bind" and kind == SESSION:
        return (Ext("sqlalchemy.Engine()"),)
    if name in _NAMES_CLASS:
        row_classes.loaded(frame, args[:1])
    if name == "query":
        predicates.shown(frame, args)
        return (Row(receiver, True),) if kind == SESSION else (Ext(knowledge.QUERY),)
    if name == "run_sync" and args:
        out: Value = UNKNOWN
        for target in args[0]:
            out = out or frame.machine.call(frame, target, [(receiver,), *args[1:]], keywords, e)
        return (Operation(receiver, name, out),)
    if kind == SESSION and name in knowledge.ROW_LOADS:
        return (Operation(receiver, name, (Row(receiver, streamed=name in knowledge.STREAMS),)),)
    return (Operation(receiver, name),)


def of_rows(frame: Frame, rows: Row, name: str, e: ir.Expr) -> Value:
    """A method of a result, or of a ``Query``: rows again, unless the query changes them where they are."""
    if rows.streamed and name in knowledge.FETCHES:
        return fetched(frame, rows, name, e)
    if not rows.query or name not in knowledge.QUERY_RUNS:
        return (rows,)
    run_query(frame, rows, name, e)
    return (rows._replace(query=False),) if name in knowledge.ROW_METHODS | {"get"} else UNKNOWN


def fetched(frame: Frame, rows: Row, name: str, e: ir.Expr) -> Value:
    """What a result gives; one that streams asks the session for it, which is told when that is closed by then."""
    if rows.query or (rows.streamed and frame.know(rows.session, "closed") == 1):
        run_query(frame, rows, name, e)
    return (rows._replace(query=False, streamed=False),)


def run_query(frame: Frame, rows: Row, name: str, e: ir.Expr) -> None:
    """A ``Query`` is sent by its method ``name``, or by iterating over it."""
    if frame.solver.kind_of(rows.session) == SESSION:
        _operate(frame, rows.session, SESSION, name, [], [], e, query=True)


def changing(frame: Frame, value: Value) -> Value:
    """The sessions that write what is assigned to attributes of rows in a value."""
    rows = [inner for a in value for inner in (a.result if a.tag == "operation" else (a,)) if inner.tag == "row"]
    sessions: Any = dict.fromkeys(row.session for row in rows)
    if len(sessions) > 1:
        sessions = whose_rows.of_this_call(frame, sessions)
    return writing(frame, tuple(sessions))


def writing(frame: Frame, sessions: Value) -> Value:
    """Those of the sessions that still write what is assigned to their rows: they have let go of none, and are open."""
    return tuple(s for s in sessions if not frame.know(s, "let go") and not frame.know(s, "closed"))


def _sql(frame: Frame, receiver: Any, kind: str, name: str, text: Any, value: Value, e: ir.Expr) -> None:
    if not any(a.tag == "ext" for a in value):
        texts = strings.texts_of(value)
        frame.emit("sql", e[1], name=name, value=texts, args=(value,), expr=e, subject=(receiver,), text=kind)
        revealing.note_text(frame, texts)
    for op, word in transaction_statements(text.text):
        flags = ("context",) if op == "begin_nested" else ()
        for subject in _subjects(receiver):
            frame.emit("txn", e[1], flags, name=op, subject=(subject,), text="sql", expr=e)
            frame.effect(Effect("txn", op, subject), e[1], f"SQL text {word.upper()!r} is executed")
            if op == "commit":
                unsaved.saved(frame, subject)


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
        frame.learn(subject, "ended", False)
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
    # releasing a savepoint leaves the transaction open
    owned = frame.in_block(subject) if holding.outlasts(fact) else any(subject in t.subjects for t in frame.tx)
    if fact == "closed" or not owned:
        frame.learn(subject, fact)
