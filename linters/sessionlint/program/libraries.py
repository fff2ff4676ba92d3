"""Calls of library code: the little that is known of asyncio, FastAPI, SQLAlchemy and the standard library."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    awaitables,
    awaited_services,
    buffers,
    by_key,
    checked_lists,
    column_types,
    consuming,
    container_scopes,
    copies,
    declared_keys,
    dispatching,
    engine_configs,
    generators,
    halves,
    handed_by_name,
    handing,
    handles,
    holding,
    joining,
    keys,
    knowledge,
    labels,
    late_awaits,
    left_open,
    library_classes,
    library_objects,
    locators,
    making,
    making_anew,
    middleware,
    own_sessions,
    predicates,
    provider_objects,
    queries,
    query_texts,
    records,
    revealing,
    scheduling,
    signals,
    stdlib,
    streams,
    string_methods,
    strings,
    subclassing,
    threads,
    url_objects,
    waiting,
    wiring,
    workers,
)
from sessionlint.program.external_names import ExternalName, told_by
from sessionlint.program.frame import Frame
from sessionlint.program.library_functions import SPECIAL
from sessionlint.program.model import Effect
from sessionlint.program.sqlends import transaction_statements
from sessionlint.program.values import (
    CONNECTION,
    ENGINE,
    SPREAD,
    UNKNOWN,
    Const,
    Ext,
    Handle,
    Map,
    Pending,
    Seq,
    Site,
    Text,
    Value,
    contained,
    join,
    join_all,
    literal,
    spread_entries,
)

Keywords = list[tuple[str, Value]]
CONTEXT_MANAGERS = knowledge.CONTEXT_MANAGERS
#: Methods of dictionaries that take a key and give what is under it.
_DRAWS = ("get", "pop", "setdefault")
#: Methods of queues and iterators that give one of their elements.
_GIVES_ONE = ("get", "get_nowait", "__next__", "__anext__")
_SESSIONS = ("handle", "param", "injected")
_ESCAPES = ("session", "connection", "transaction", "driver connection")


def call_external(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """The result of calling an external symbol."""
    told = told_by(name)
    kind = told.kind
    if kind is not None and args and name not in SPECIAL and name not in knowledge.RAW_CONNECTIONS:
        # ``AsyncSession.commit(session)``
        receiver = next((a for a in args[0] if frame.solver.kind_of(a) == kind), Ext(f"{told.owner}()"))
        return handles.call(frame, receiver, kind, told.method, args[1:], keywords, e)
    made = _handle(frame, name, args, keywords, e)
    if made is not None:
        return made
    asked = locators.located(frame, args, e)
    if asked:
        return asked
    if told.method in revealing.WORDS and e[0] == "c" and e[2][0] == "a" and e[2][2][0] == "a":
        revealing.note_inherited(frame, e, args)
    if not told.quiet:
        _tell(frame, told, name, args, keywords, e)
    if told.provides:
        return provider_objects.made(frame, name, args, keywords, e)
    if name == wiring.CONTAINER:
        return wiring.inner(frame, args, keywords, e)
    special = SPECIAL.get(name)
    if special is not None:
        return special(frame, args, keywords, e)
    if told.of_sqlalchemy and e[0] == "c" and e[2][0] == "a" and e[2][3] in knowledge.COLUMN_TESTS:
        if told.method in query_texts.METHODS:
            query_texts.told(frame, told.method, args, keywords, e)
        column = predicates.column_name(frame, e[2][2])
        if column is not None:
            return predicates.predicate(frame, e[1], [(column, False)], e)
    if told.of_sqlalchemy and name.endswith(column_types.VARIANT):
        return column_types.on_postgresql(name, args)
    if told.reads_header and args:
        return keyed(frame, Ext(name[: -len(".get")]), literal(args[0]), e[1])
    if name == middleware.MAKER:
        escape(frame, args, keywords, e)
        return middleware.made(frame, args, keywords, e)
    if told.of_library:
        known = library_objects.call_external(frame, name, args, keywords, e)
        if known is not None:
            return known
    if told.method == "__init__":
        library_objects.pass_up(frame, args, keywords, e)
    if told.starts or name in frame.solver.policy.background_sinks:
        scheduled = scheduling.call(frame, name, args, keywords, e)
        if scheduled is not None:
            return scheduled
    if told.escapes:
        escape(frame, args, keywords, e)
    part = queries.made(frame, name, args, keywords, e)
    if part is not None:
        return part
    if told.network and keywords:
        name = streams.asked_for(name, keywords)
    return (Ext(f"{name}()"),) if name.count("()") < 5 and len(name) < 160 else UNKNOWN


def _tell(frame: Frame, told: ExternalName, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """Rules hear of the call, and callers of what its name says that it does."""
    frame.emit("external", e[1], name=name, args=tuple(args), keywords=tuple(keywords), expr=e)
    if name in frame.solver.policy.network_calls or (told.network and not waiting.asks_nobody(name, args, keywords)):
        waiting.wait(frame, name, e)
    if told.method == "register" and name.startswith(handed_by_name.LIBRARY) and args:
        for atom in args[0]:
            if atom.tag == "fn":
                handed_by_name.serves(frame, atom.info, name)
    if told.makes and keywords:
        awaited_services.note_made(frame, name, keywords)
    if told.makes_task:
        frame.effect(Effect("register", "background", None), e[1], f"{name} makes it a background task")
        scheduling.register_task(frame, name, args, e)


def _handle(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    text = f"{ir.text_of(e[2])}(…)" if e[0] == "c" else name
    callee = (Ext(name),)
    policy = frame.solver.policy
    if name in knowledge.SESSION_CLASSES or name in policy.session_types:
        return handles.make(
            frame, "session", e, text, callee, args, keywords, knowledge.SESSION_CLASSES.get(name, True)
        )
    if name in knowledge.SESSION_OPENERS or name in policy.session_contexts:
        # of one that only the policy knows nobody can tell whether it commits
        known = knowledge.SESSION_OPENERS.get(name)
        begun = known is not None
        return handles.make(frame, "session", e, text, callee, args, keywords, known is not False, begun=begun)
    if name in knowledge.FACTORY_MAKERS or name in policy.session_factories:
        is_async = knowledge.FACTORY_MAKERS.get(name, True)
        wanted = dict(keywords).get("class_", UNKNOWN)
        is_async = is_async or any(a.tag == "ext" and knowledge.SESSION_CLASSES.get(a.name) for a in wanted)
        is_async = is_async or any(frame.solver.is_async(a) for v in args[:1] for a in v)
        registry = name in knowledge.REGISTRIES
        made = handles.make(frame, "factory", e, text, callee, args, keywords, is_async, registry=registry)
        return own_sessions.note_class(frame, made, wanted)
    if name in knowledge.ENGINE_MAKERS:
        told = engine_configs.as_arguments(args, keywords) if name in engine_configs.CALLS else None
        if told is not None:
            args, keywords = told
            callee = (Ext(engine_configs.CALLS[name]),)
        return handles.make(frame, "engine", e, text, callee, args, keywords, knowledge.ENGINE_MAKERS[name])
    if name == knowledge.ASYNC_ENGINE:
        return around_engine(frame, args, keywords, e) or None
    if name in knowledge.CONNECTIONS and len(args) == 1 and knowledge.CONNECTIONS[name] not in dict(keywords):
        return handles.make(frame, CONNECTION, e, text, callee, args, keywords, name in knowledge.ASYNC_TYPES)
    if name in knowledge.RAW_CONNECTIONS:
        is_async = knowledge.ASYNC_DRIVERS.match(name) is not None
        if name in knowledge.LEFT_OPEN:
            frame.solver.write(("driver", frame.site(e[1])), callee)
        return handles.make(frame, knowledge.RAW_CONNECTIONS[name], e, text, callee, args, keywords, is_async)
    return None


def around_engine(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``AsyncEngine(create_engine(url))``: the same engine, for asynchronous code."""
    given = args[0] if args else dict(keywords).get("sync_engine", UNKNOWN)
    engines = tuple([a._replace(is_async=True) for a in given if isinstance(a, Handle) and a.kind == ENGINE])
    if engines:
        frame.emit("external", e[1], name=knowledge.ASYNC_ENGINE, args=(given,), expr=e)
    return engines


def escape(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """Sessions given to code that cannot be seen: it may commit or close them."""
    given = [a for v in (*args, *(v for _, v in keywords)) for a in contained(v)]
    for callback in dict.fromkeys(a for a in given if a.tag == "method" and a.name in ("commit", "rollback")):
        # ``stack.push_async_callback(session.commit)``: whoever receives it will call it
        handles.end_later(frame, callback.receiver, callback.name, e)
    # an object takes what it has opened itself along
    own = [a for owner in given if owner.tag == "inst" for k, held in owner.bindings if k.tag == "handle" for a in held]
    for atom in dict.fromkeys((*given, *own)):
        if atom.tag in _SESSIONS and frame.solver.kind_of(atom) in _ESCAPES:
            frame.emit("escape", e[1], subject=(atom,), expr=e)
            holding.let_go(frame, atom)
            frame.effect(Effect("escape", "unknown", atom), e[1], f"{ir.text_of(e[2])}() receives it")


#: Methods that go through what they are given at once, of these.
_GO_THROUGH = frozenset({"join", "extend", "update", "extendleft"})
_CONTENTS = frozenset({"const", "text", "seq", "map"})


def call_method(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A method of a value that is no handle."""
    tag = receiver.tag
    if name in _GO_THROUGH and args and tag in _CONTENTS:
        consuming.run_out(frame, args[0], e[1])
    if tag == "const" and receiver.kind == "str":
        receiver = Text(receiver.value, False)
        tag = receiver.tag
    if tag == "text":
        if name in url_objects.METHODS:
            return url_objects.change_text(frame, receiver.text, name, args, keywords, e)
        if name == "bindparams":
            query_texts.bound(frame, (receiver,), args, keywords, e)
        if name in query_texts.KEEPS:
            return (receiver,)
        return string_methods.method(frame, receiver, name, args, keywords, e)
    if tag == "map" and name in buffers.METHODS and buffers.is_buffer(receiver):
        return buffers.call(frame, receiver, name, args, e)
    if tag == "map" and name in url_objects.METHODS and receiver.get("url") is not None:
        return url_objects.changed_url(frame, receiver, name, args, keywords, e)
    if tag == "cls" and name == making_anew.BARE:
        return making_anew.bare(frame, args, e)
    if tag == "cls" and name == library_objects.NEW:
        return library_objects.opened(frame, receiver, args, keywords)
    if name in library_classes.METHODS and tag in ("map", "inst"):
        done = library_objects.call_method(frame, receiver, name, keywords, e)
        if done is not None:
            return done
    if tag == "map":
        if name in _DRAWS and args and e[0] == "c" and e[2][0] == "a":
            (receiver,) = by_key.drawn(frame, e[2][2], (receiver,), args[0], e[3][0] if e[3] else None)[:1]
        return _map_method(receiver, name, args, frame.site(e[1]))
    if tag == "inst" and name in records.DUMPS:
        return records.dumped(frame, receiver, keywords)
    if tag == "inst" and name == copies.NAMED:
        return (copies.with_fields(frame, receiver, keywords),)
    if tag == "inst" and name in records.READS:
        return records.read(frame, receiver, name, args, keywords)
    if tag == "cls" and name == subclassing.BELOW:
        return subclassing.below(frame, receiver.info)
    if tag == "cls" and name in records.BUILDS:
        making.validated(frame, receiver.info, name, e)
        return records.built(frame, receiver.info, args, keywords)
    if tag == "seq":
        return late_awaits.asked(frame, receiver, e) if name == "result" else _sequence_method(frame, receiver, name)
    if tag == "pending":
        return _pending_method(frame, receiver, name, e)
    if tag == "column":
        if name in query_texts.METHODS:
            query_texts.told(frame, name, args, keywords, e)
        if name == labels.METHOD:
            labels.note(frame, receiver, args)
        return predicates.tested(frame, receiver, name, args, e)
    if tag == "predicate":
        return predicates.labelled(frame, receiver, name, args)
    if tag == "obj":
        return _object_method(frame, receiver, name, args, keywords, e)
    if tag in ("fn", "cls", "partial"):
        return _method_of_work(frame, receiver, name, args, keywords, e)
    if tag == "ext":
        return queries.method(frame, receiver, name, args, keywords, e)
    return UNKNOWN


def _object_method(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A method of an object of a library that is made in sight."""
    if receiver.name == stdlib.CONTEXT_VARIABLE:
        return stdlib.context_variable(frame, receiver, name, args, e)
    if receiver.name == joining.FUTURE:
        return unknown_call(frame, e, args, keywords) if e[0] == "c" else UNKNOWN
    if receiver.name == signals.SIGNAL:
        return signals.call(frame, receiver, name, args, keywords, e)
    if receiver.name == container_scopes.SCOPE:
        return container_scopes.call(frame, receiver, name, args, e)
    if receiver.name == handing.QUEUE:
        return handing.call(frame, receiver, name, args, e)
    if name == "start" and receiver.name in threads.OBJECTS:
        threads.begin(frame, receiver, e)
        return UNKNOWN
    if receiver.name in workers.CONTEXTS and name == "get":
        return workers.held(frame, receiver, literal(args[0])) if args else UNKNOWN
    return _method_of_work(frame, receiver, name, args, keywords, e)


def _method_of_work(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A method of what may be called, or calls: it starts it, or something else by it."""
    if receiver.tag == "fn" and name == "register" and len(args) == 2:
        for function in args[1]:
            dispatching.register(frame, receiver.info, args[0], function)
    scheduled = scheduling.method(frame, receiver, name, args, keywords, e)
    return UNKNOWN if scheduled is None else scheduled


def keyed(frame: Frame, atom: Ext, key: Any, span: ir.Span4) -> Value:
    """What a library object holds under a key: headers and cookies are told apart by theirs."""
    if atom.name.endswith((".headers", ".cookies")) and isinstance(key, str):
        frame.emit("external", span, name=f"{atom.name}[]", args=((Const(key, "str"),),))
        return (Ext(f"{atom.name}[{key.lower()}]"),)
    if atom.name.endswith(".query_params") and isinstance(key, str):
        frame.emit("external", span, name=f"{atom.name}[]", args=((Const(key, "str"),),))
    return (Ext(f"{atom.name}[]"),) if atom.name.count("[]") < 2 else (atom,)


def _sequence_method(frame: Frame, receiver: Any, name: str) -> Value:
    if name in _GIVES_ONE or (name in ("pop", "popleft") and "loop" in frame.flags):
        return join_all(list(receiver.items))
    if name in ("pop", "popleft"):
        return receiver.items[-1 if name == "pop" else 0] if receiver.items else UNKNOWN
    if name == "intersection":
        return checked_lists.common((receiver,), UNKNOWN)
    return (receiver,) if name in ("copy", "__iter__") else UNKNOWN


def _map_method(receiver: Map, name: str, args: list[Value], site: Site) -> Value:
    if name in _DRAWS:
        key = keys.in_dictionary(args[0]) if args else None
        found = receiver.get(key) if key is not None else None
        default = args[1] if len(args) > 1 else UNKNOWN
        if found is not None:
            return join(found, default) if receiver.partial else found
        held = [v for k, v in receiver.items if k != SPREAD and (key is None or keys.is_open(k))]
        return join_all([spread_entries(receiver), *held, default])
    if name == "values":
        return (awaitables.values_of(receiver),)
    if name == "keys" and declared_keys.are_told(receiver):
        return (Seq((keys.gone_through(receiver),), True),)
    if name == "keys" and not receiver.partial:
        return (Seq(tuple((Const(k, "str"),) for k, _ in receiver.items if isinstance(k, str))),)
    if name == "items":
        return (_items(receiver),)
    if name == "popitem":
        return join_all(list(_items(receiver).items))
    return (receiver._replace(site=site),) if name == "copy" else UNKNOWN


def _items(receiver: Map) -> Seq:
    """Pairs of key and value; keys with the same value share a pair, so that many may be told apart."""
    named: dict[Value, Value] = {}
    known = keys.are_seen(receiver)
    for key, value in receiver.items:
        if key == awaitables.SEVERAL:
            continue
        named[value] = (*named.get(value, ()), *keys.seen(key)) if known else UNKNOWN
    return Seq(tuple((Seq((alternatives, value)),) for value, alternatives in named.items()))


def _pending_method(frame: Frame, receiver: Pending, name: str, e: ir.Expr) -> Value:
    if name in generators.STEPS or name in ("__aenter__", "__enter__"):
        left_open.entered_by_hand(frame, frame.solver.summary_of(receiver.info))
        given = generators.step(frame, receiver, name, e)
        for subject in halves.of_generator(frame, receiver, given) if name not in generators.STEPS else ():
            halves.enter(frame, subject, e)
            halves.entered_for_caller(frame, receiver, subject, e)
        return given
    if name in ("close", "aclose", "__aexit__", "__exit__") or generators.is_thrown_into(frame, receiver, name):
        generators.end(frame, receiver, name, e)
    elif name == "__await__" and receiver.kind == "coro":
        return frame.machine.run_pending(frame, receiver, e[1], e)
    return UNKNOWN


def unknown_call(frame: Frame, e: ir.Expr, args: list[Value], keywords: Keywords) -> Value:
    """A call of something unknown: only its name can tell, and only what cannot be mistaken is used."""
    if frame.facts and (listed := checked_lists.view(frame, e)):
        return listed
    asked = locators.located(frame, args, e)
    if asked:
        return asked
    escape(frame, args, keywords, e)
    if e[2][0] != "a":
        return UNKNOWN
    revealing.note(frame, e, args)
    name = e[2][3]
    if name in knowledge.SESSION_ONLY:
        frame.emit("unknown", e[1], name=name, expr=e)
    if name in ("where", "filter_by") or (name == "filter" and any(a.tag == "predicate" for v in args for a in v)):
        predicates.consumed(frame, args)
        if name == "filter_by":
            queries.filter_by(frame, keywords, e)
        return (Ext(knowledge.QUERY),)
    if name in knowledge.SHOWING_METHODS and any(a.tag == "predicate" for v in args for a in v):
        predicates.shown(frame, args)
    if name in knowledge.COLUMN_TESTS:
        query_texts.of_unknown(frame, name, args, e)
        column = predicates.column_name(frame, e[2][2])
        if column is not None:
            return predicates.predicate(frame, e[1], [(column, False)], e)
    texts = strings.texts_of(args[0]) if args and name in query_texts.TAKE_STATEMENTS else ()
    if any(a.tag == "ext" and a.name in ("sqlalchemy.text()", "sqlalchemy.DDL()") for v in args[:1] for a in v):
        # only SQLAlchemy executes its text(), whatever the receiver is
        for op, _ in dict.fromkeys(s for t in texts for s in transaction_statements(t.text)):
            frame.emit("txn", e[1], ("context",) if op == "begin_nested" else (), name=op, text="sql", expr=e)
        if texts and len(args) > 1:
            query_texts.bound(frame, texts, args[1:], [], e)
    if any(query_texts.is_statement(name, t.text) for t in texts) and not any(a.tag == "ext" for a in args[0]):
        frame.emit("sql", e[1], name=name, value=texts, args=(args[0],), expr=e, text="unknown")
        revealing.note_text(frame, texts)
    if name == "setdefault" and len(args) == 2:
        # of whatever dictionary: what was put there before is of the same kind
        return args[1]
    scheduled = scheduling.unknown(frame, name, args, keywords, e)
    return UNKNOWN if scheduled is None else scheduled
