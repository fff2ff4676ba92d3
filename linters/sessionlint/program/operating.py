"""What is run on a session or connection: statements, what they write, what a query gives."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    asking_rows,
    beginning,
    detaching,
    flushing,
    headers,
    holding,
    knowledge,
    merging,
    narrowed_queries,
    predicates,
    quoting,
    revealing,
    row_classes,
    row_locks,
    sending,
    sqlends,
    strings,
    text_origins,
    unsaved,
)
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect, Hop
from sessionlint.program.operations import ASKS, ASKS_FOR, PASSIVE
from sessionlint.program.values import (
    CONNECTION,
    DRIVER,
    FACTORY,
    POOL,
    SESSION,
    TRANSACTION,
    UNKNOWN,
    Ext,
    Handle,
    Operation,
    Row,
    Value,
    subjects_of,
)

Keywords = list[tuple[str, Value]]


#: What takes rows out of a session that stays open.
_LETS_GO = {"expunge", "expunge_all", "reset"}
#: Methods that take nothing but text.
_TEXT_ONLY = frozenset({"exec_driver_sql"})


def operate(
    frame: Frame, receiver: Any, kind: str, name: str, args: list[Value], keywords: Keywords, e: ir.Expr,
    query: bool = False,
) -> Value:  # fmt: skip
    """A method of a session or connection is called that neither begins nor ends anything; ``query`` sends one."""
    subjects = subjects_of(receiver)
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
    if write and name == "add" and first and merging.adds_loaded(frame, subjects, first, e):
        write = False
    if sends:
        write = _sends(frame, receiver, kind, name, first, write, e)
    if write:
        flags = ("write",)
    if name == "merge" and kind == SESSION and not attaches:
        merging.copied(frame, subjects, first or dict(keywords).get("instance", UNKNOWN))
    if name == "add" and kind == SESSION and first:
        merging.attached(frame, first, e[1], Hop(frame.site(e[1]), "a row is added here", None))
        asking_rows.added(frame, subjects, first, e)
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
        _note(frame, subject, name, write, touches, how, e)
        if not idle:
            holding.operated(frame, subject, kind, name, args, keywords, write, e, query)
    return _result(frame, receiver, kind, name, args, keywords, e)


def _sends(frame: Frame, receiver: Any, kind: str, name: str, first: Value, write: bool, e: ir.Expr) -> bool:
    """A statement is sent, ``first`` or none that is known: whether it, or the method itself, is a ``write``."""
    text = strings.text_of(first)
    # psycopg names a cursor, asyncpg makes one of a query
    if name == "cursor" and (text is None or " " not in text.text):
        first = UNKNOWN
    elif text is not None:
        _sql(frame, receiver, kind, name, first, e)
        write = write or sqlends.writes(text.text)
    elif kind in (DRIVER, POOL) or name in _TEXT_ONLY:
        told = text_origins.of_sql(frame, first, e)
        if any(told[1:]) or any(a.tag == "param" or headers.is_read(a) for a in told[0]):
            frame.emit("sql", e[1], name=name, args=told, expr=e, subject=(receiver,), text=kind)
    write = write or any(a.tag == "ext" and a.name in sending.WRITERS for a in first)
    predicates.consumed(frame, [first])
    if not write and frame.narrowed:
        write = narrowed_queries.writes(frame, first, subjects_of(receiver))
    if not write and first and kind in (SESSION, CONNECTION):
        write = sending.note(frame, subjects_of(receiver), first, e, f"{ir.text_of(e[2])}() uses it")
    return write


def _note(frame: Frame, subject: Any, name: str, write: bool, touches: bool, how: str, e: ir.Expr) -> None:
    """What holds of a session or connection once the operation has run."""
    if name not in PASSIVE:
        frame.effect(Effect("use", "write" if write else "read", subject), e[1], how)
    if name in ASKS:
        beginning.ask(frame, subject)
        beginning.settle(frame, subject)
    elif name in ASKS_FOR and not frame.know(subject, beginning.ASKED):
        beginning.ask(frame, subject)
    if touches and name != "query" and not any(subject in t.subjects for t in frame.tx):
        frame.learn(subject, "used")
    if name not in PASSIVE:
        holding.used_again(frame, subject)
    if write:
        frame.learn(subject, "written")
        unsaved.written(frame, subject, Hop(frame.site(e[1]), how))
    if name in _LETS_GO:
        frame.learn(subject, "let go")
    if name == "reset":
        # ends the transaction as ``close`` does, and leaves the session for the next one
        for fact in ("used", "begun", "written"):
            frame.learn(subject, fact, False)
    if name == "expunge":
        detaching.taken_out(frame, e)


def _sees_into(args: list[Value]) -> bool:
    """Whether the function that ``run_sync`` is given is the project's, or a method of a session."""
    return bool(args and args[0]) and all(
        a.tag == "fn" or (a.tag == "ext" and knowledge.handle_kind(a.name.rpartition(".")[0]) is not None)
        for a in args[0]
    )


#: What loads rows: a session, or the registry that keeps one.
_LOADS = (SESSION, FACTORY)
#: Methods of sessions whose first argument is the class of the rows.
_NAMES_CLASS = frozenset({"get", "get_one", "query"})


def _result(
    frame: Frame, receiver: Any, kind: str, name: str, args: list[Value], keywords: Keywords, e: ir.Expr
) -> Value:
    if name in quoting.ASKS and (quoted := quoting.asked(name, args)):
        return (Operation(receiver, name, quoted),)
    site = frame.site(e[1])
    if name == "connection" and kind == SESSION:
        return (Handle(CONNECTION, site, site, receiver, False, frame.solver.is_async(receiver)),)
    if name in ("get_transaction", "get_nested_transaction", "_transaction"):
        # where there is one, it has begun: what hands it out begins none
        return (Handle(TRANSACTION, site, site, receiver, True, frame.solver.is_async(receiver), "nested" in name),)
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
        return (Row(receiver, True),) if kind in _LOADS else (Ext(knowledge.QUERY),)
    if name == "run_sync" and args:
        out: Value = UNKNOWN
        for target in args[0]:
            out = out or frame.machine.call(frame, target, [(receiver,), *args[1:]], keywords, e)
        return (Operation(receiver, name, out),)
    if kind in _LOADS and name in knowledge.ROW_LOADS:
        return (Operation(receiver, name, (Row(receiver, streamed=name in knowledge.STREAMS),)),)
    return (Operation(receiver, name),)


def of_rows(frame: Frame, rows: Row, name: str, e: ir.Expr) -> Value:
    """A method of a result, or of a ``Query``: rows again, unless the query changes them where they are."""
    if rows.streamed and name in knowledge.FETCHES:
        return fetched(frame, rows, name, e)
    if not rows.query or name not in knowledge.QUERY_RUNS:
        return row_locks.made_of(frame, rows) if rows.query and name == row_locks.METHOD else (rows,)
    run_query(frame, rows, name, e)
    return (rows._replace(query=False, locks=False),) if name in knowledge.ROW_METHODS | {"get"} else UNKNOWN


def fetched(frame: Frame, rows: Row, name: str, e: ir.Expr) -> Value:
    """What a result gives; one that streams asks the session for it, which is told when that is closed by then."""
    if rows.query or (rows.streamed and frame.know(rows.session, "closed") == 1):
        run_query(frame, rows, name, e)
    return (rows._replace(query=False, streamed=False, locks=False),)


def run_query(frame: Frame, rows: Row, name: str, e: ir.Expr) -> None:
    """A ``Query`` is sent by its method ``name``, or by iterating over it."""
    kind = frame.solver.kind_of(rows.session)
    if kind is not None and kind in _LOADS:
        operate(frame, rows.session, kind, name, [], [], e, query=True)
        if rows.locks and not frame.in_block(rows.session):
            holding.hold_if(frame, rows.session, e, row_locks.said_of(frame, rows))


def _sql(frame: Frame, receiver: Any, kind: str, name: str, value: Value, e: ir.Expr) -> None:
    texts = strings.texts_of(value)
    if not any(a.tag == "ext" for a in value):
        frame.emit("sql", e[1], name=name, value=texts, args=(value,), expr=e, subject=(receiver,), text=kind)
        revealing.note_text(frame, texts)
    # one of several texts, as a loop has them, may end it as well
    for op, word in dict.fromkeys([s for t in texts for s in sqlends.transaction_statements(t.text)]):
        flags = ("context",) if op == "begin_nested" else ()
        for subject in subjects_of(receiver):
            frame.emit("txn", e[1], flags, name=op, subject=(subject,), text="sql", expr=e)
            frame.effect(Effect("txn", op, subject), e[1], f"SQL text {word.upper()!r} is executed")
            if op == "commit":
                unsaved.saved(frame, subject)
