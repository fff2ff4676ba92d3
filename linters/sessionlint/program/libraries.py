"""Calls of library code: the little that is known of asyncio, FastAPI, SQLAlchemy and the standard library."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import handles, knowledge, locators, predicates, scheduling, stdlib, strings
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect
from sessionlint.program.sqlends import transaction_statements
from sessionlint.program.values import (
    UNKNOWN,
    UNKNOWN_KEYWORDS,
    Annotation,
    Const,
    Dependency,
    Ext,
    Inst,
    Map,
    Obj,
    PartialCall,
    Pending,
    Seq,
    Text,
    Value,
    contained,
    join,
    join_all,
    literal,
)

Keywords = list[tuple[str, Value]]
CONTEXT_MANAGERS = knowledge.CONTEXT_MANAGERS
_QUIET = ("builtins.", "typing.", "logging.")
_STATEMENT = re.compile(r"\s*(?:select|insert\s+into|update|delete\s+from|with|set|create|alter|drop|truncate)\s", re.I)
#: Libraries that do not end a session's transaction behind the caller's back.
_HARMLESS = ("sqlalchemy.", "sqlmodel.", "functools.", "asyncio.", "fastapi.", "inspect.", "contextlib.")
#: dependency-injector: what is provided is called later.
_PROVIDERS = "dependency_injector.providers."
_PROVIDES = (
    ".Factory", ".Singleton", ".Callable", ".Coroutine", ".Resource", ".ThreadLocalSingleton", ".ContextLocalSingleton",
)  # fmt: skip
#: Calls that keep a function of the caller and call it later.
_CALLS_BACK = (
    ".callback", ".push_async_callback", ".add_done_callback", ".call_soon", ".call_later", ".run_in_executor",
)  # fmt: skip
_SESSIONS = ("handle", "param", "injected")
_ESCAPES = ("session", "connection", "transaction", "driver connection")


def call_external(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """The result of calling an external symbol."""
    owner, _, method = name.rpartition(".")
    kind = knowledge.handle_kind(owner) if args and owner else None
    if kind is not None and name not in _SPECIAL and name not in knowledge.RAW_CONNECTIONS:
        # ``AsyncSession.commit(session)``
        receiver = next((a for a in args[0] if frame.solver.kind_of(a) == kind), Ext(f"{owner}()"))
        return handles.call(frame, receiver, kind, method, args[1:], keywords, e)
    made = _handle(frame, name, args, keywords, e)
    if made is not None:
        return made
    asked = locators.located(frame, args, e)
    if asked:
        return asked
    if not name.startswith(_QUIET):
        frame.emit("external", e[1], name=name, args=tuple(args), keywords=tuple(keywords), expr=e)
        if knowledge.is_network(name) or name in frame.solver.policy.network_calls:
            wait(frame, name, e)
        if knowledge.TASK_DECORATORS.match(name):
            frame.effect(Effect("register", "background", None), e[1], f"{name} makes it a background task")
    special = _partial if name.startswith(_PROVIDERS) and name.endswith(_PROVIDES) else _SPECIAL.get(name)
    if special is not None:
        return special(frame, args, keywords, e)
    if (
        name.startswith(("sqlalchemy.", "sqlmodel."))
        and e[0] == "c"
        and e[2][0] == "a"
        and e[2][3] in knowledge.COLUMN_TESTS
    ):
        column = predicates.column_name(frame, e[2][2])
        if column is not None:
            return predicates.predicate(frame, e[1], [(column, False)], e)
    if name.endswith((".headers.get", ".cookies.get")) and args:
        return keyed(frame, Ext(name[: -len(".get")]), literal(args[0]), e[1])
    if name == "starlette.middleware.Middleware":
        for atom in args[0] if args else ():
            scheduling.register_middleware(frame, atom, e[1])
    scheduled = scheduling.call(frame, name, args, keywords, e)
    if scheduled is not None:
        return scheduled
    if not name.startswith((*_QUIET, *_HARMLESS)) or name.endswith(_CALLS_BACK):
        escape(frame, args, keywords, e)
    if name in knowledge.QUERY_MAKERS:
        predicates.consumed(frame, args)
        return (Ext(f"{name}()" if name in knowledge.WRITE_QUERY_MAKERS else
                    "sqlalchemy.insert()" if name.endswith(".insert") else knowledge.QUERY),)  # fmt: skip
    if name in knowledge.PREDICATE_COMBINERS:
        predicates.consumed(frame, args)
        return predicates.combined(args)
    if name.startswith("sqlalchemy.func."):
        return predicates.combined(args) or predicates.carried(name, args) or (Ext(f"{name}()"),)
    if name in knowledge.COLUMN_WRAPPERS:
        return predicates.combined(args) or predicates.carried(name, args) or (Ext(f"{name}()"),)
    if name in knowledge.OPERATORS:
        return predicates.compared(frame, e, args)
    if name in (
        "sqlalchemy.Column",
        "sqlalchemy.orm.mapped_column",
        "sqlmodel.Field",
        "pydantic.Field",
        "dataclasses.field",
    ):
        _made_by_default(frame, keywords, e)
        return _column(name, args, keywords)
    if name == "sqlalchemy.ForeignKey":
        return (
            Ext(f"{name}()"),
            Map((("foreign_key_target", args[0] if args else dict(keywords).get("column", UNKNOWN)),)),
        )
    return (Ext(f"{name}()"),) if name.count("()") < 5 and len(name) < 160 else UNKNOWN


def _made_by_default(frame: Frame, keywords: Keywords, e: ir.Expr) -> None:
    """``field(default_factory=session_factory)``: every instance opens a session of its own."""
    for key, value in keywords:
        for atom in value if key in ("default_factory", "factory") else ():
            if atom.tag == "fn" or frame.solver.kind_of(atom) == "factory":
                frame.machine.call(frame, atom, [], [], e)


def _column(name: str, args: list[Value], keywords: Keywords) -> Value:
    items = tuple((str(i), v) for i, v in enumerate(args)) + tuple(keywords)
    return (Ext(f"{name}()"), Map(items, False, None))


def _handle(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    text = f"{ir.text_of(e[2])}(…)" if e[0] == "c" else name
    callee = (Ext(name),)
    policy = frame.solver.policy
    if name in knowledge.SESSION_CLASSES or name in policy.session_types:
        return handles.make(
            frame, "session", e, text, callee, args, keywords, knowledge.SESSION_CLASSES.get(name, True)
        )
    if name in knowledge.FACTORY_MAKERS or name in policy.session_factories:
        is_async = knowledge.FACTORY_MAKERS.get(name, True)
        wanted = dict(keywords).get("class_", UNKNOWN)
        is_async = is_async or any(a.tag == "ext" and knowledge.SESSION_CLASSES.get(a.name) for a in wanted)
        is_async = is_async or any(frame.solver.is_async(a) for v in args[:1] for a in v)
        return handles.make(frame, "factory", e, text, callee, args, keywords, is_async)
    if name in knowledge.ENGINE_MAKERS:
        return handles.make(frame, "engine", e, text, callee, args, keywords, knowledge.ENGINE_MAKERS[name])
    if name in knowledge.RAW_CONNECTIONS:
        return handles.make(frame, knowledge.RAW_CONNECTIONS[name], e, text, callee, args, keywords, True)
    return None


def escape(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """Sessions given to code that cannot be seen: it may commit or close them."""
    given = [a for v in (*args, *(v for _, v in keywords)) for a in contained(v)]
    for callback in dict.fromkeys(a for a in given if a.tag == "method" and a.name in ("commit", "rollback")):
        # ``stack.push_async_callback(session.commit)``: whoever receives it will call it
        handles.end_later(frame, callback.receiver, callback.name, e)
    for atom in dict.fromkeys(given):
        if atom.tag in _SESSIONS and frame.solver.kind_of(atom) in _ESCAPES:
            frame.emit("escape", e[1], subject=(atom,), expr=e)
            frame.effect(Effect("escape", "unknown", atom), e[1], f"{ir.text_of(e[2])}() receives it")


def wait(frame: Frame, name: str, e: ir.Expr) -> None:
    """The call waits on the network or sleeps."""
    frame.emit("network", e[1], name=name, expr=e)
    frame.effect(Effect("network", name, None), e[1], f"{name.replace('()', '')}() waits here")


def call_method(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A method of a value that is no handle."""
    tag = receiver.tag
    if tag == "const" and receiver.kind == "str" and name == "set":
        return _url_set(frame, args, keywords, e)
    if tag == "const" and receiver.kind == "str":
        return strings.method(frame, Text(receiver.value, False), name, args, keywords)
    if tag == "text" and name == "set":
        return _url_set(frame, args, keywords, e)
    if tag == "text":
        return strings.method(frame, receiver, name, args, keywords)
    if tag == "map":
        return _map_method(receiver, name, args)
    if tag == "seq":
        return receiver.items[-1] if name == "pop" and receiver.items else (receiver,) if name in ("copy",) else UNKNOWN
    if tag == "pending":
        return _pending_method(frame, receiver, name, e)
    if tag == "column":
        return predicates.tested(frame, receiver, name, args, e)
    if tag == "predicate":
        return (receiver,)
    if tag == "obj" and receiver.name == stdlib.CONTEXT_VARIABLE:
        return stdlib.context_variable(frame, receiver, name, args, e)
    if tag in ("fn", "cls", "obj", "partial"):
        scheduled = scheduling.method(frame, receiver, name, args, keywords, e)
        return UNKNOWN if scheduled is None else scheduled
    if tag == "ext":
        return query_method(frame, receiver, name, args, keywords, e)
    return UNKNOWN


def query_method(frame: Frame, receiver: Ext, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``query.where(…)`` and its kin return the query."""
    if receiver.name.startswith("sqlalchemy.func."):
        return predicates.combined(args)
    if name in knowledge.PREDICATE_METHODS:
        predicates.consumed(frame, args)
        if name == "filter_by":
            _filter_by(frame, keywords, e)
    if name == "execution_options":
        frame.emit("options", e[1], name=name, keywords=tuple(keywords), expr=e)
    return (receiver,)


def _filter_by(frame: Frame, keywords: Keywords, e: ir.Expr) -> None:
    spans: dict[str, ir.Span4] = {k: v[1] for k, v in e[4] if k} if e[0] == "c" else {}
    for key, _ in keywords:
        if predicates.tenant_name(frame, key):
            at: ir.Span4 = spans.get(key) or e[1]
            frame.emit("predicate", at, name=key, expr=e)


def keyed(frame: Frame, atom: Ext, key: Any, span: ir.Span4) -> Value:
    """What a library object holds under a key: headers and cookies are told apart by theirs."""
    if atom.name.endswith((".headers", ".cookies")) and isinstance(key, str):
        frame.emit("external", span, name=f"{atom.name}[]", args=((Const(key, "str"),),))
        return (Ext(f"{atom.name}[{key.lower()}]"),)
    return (Ext(f"{atom.name}[]"),) if atom.name.count("[]") < 2 else (atom,)


def _map_method(receiver: Map, name: str, args: list[Value]) -> Value:
    if name in ("get", "pop", "setdefault"):
        key = literal(args[0]) if args else None
        found = receiver.get(key) if isinstance(key, str) else None
        default = args[1] if len(args) > 1 else UNKNOWN
        if found is not None:
            return join(found, default)
        return join(join_all([v for k, v in receiver.items if key is None or k == ("?",)]), default)
    if name == "values":
        return (Seq(tuple(v for _, v in receiver.items)),)
    if name == "keys" and not receiver.partial:
        return (Seq(tuple((Const(k, "str"),) for k, _ in receiver.items if isinstance(k, str))),)
    if name == "items":
        return (
            Seq(tuple((Seq(((Const(k, "str"),) if isinstance(k, str) else UNKNOWN, v)),) for k, v in receiver.items)),
        )
    return (receiver,) if name == "copy" else UNKNOWN


def _pending_method(frame: Frame, receiver: Pending, name: str, e: ir.Expr) -> Value:
    if name in ("__aenter__", "__enter__", "__anext__", "__next__", "asend", "send"):
        return frame.machine.run_pending(frame, receiver, e[1], e)
    if name in ("close", "aclose", "__aexit__", "__exit__"):
        handles.close_handed_out(frame, receiver.info, name, e)
    return UNKNOWN


def unknown_call(frame: Frame, e: ir.Expr, args: list[Value], keywords: Keywords) -> Value:
    """A call of something unknown: only its name can tell, and only what cannot be mistaken is used."""
    asked = locators.located(frame, args, e)
    if asked:
        return asked
    escape(frame, args, keywords, e)
    if e[2][0] != "a":
        return UNKNOWN
    name = e[2][3]
    if name in knowledge.SESSION_ONLY:
        frame.emit("unknown", e[1], name=name, expr=e)
    if name in ("where", "filter_by") or (name == "filter" and any(a.tag == "predicate" for v in args for a in v)):
        predicates.consumed(frame, args)
        if name == "filter_by":
            _filter_by(frame, keywords, e)
        return (Ext(knowledge.QUERY),)
    column = predicates.column_name(frame, e[2][2]) if name in knowledge.COLUMN_TESTS else None
    if column is not None:
        return predicates.predicate(frame, e[1], [(column, False)], e)
    texts = strings.texts_of(args[0]) if args and name in knowledge.SQL_METHODS else ()
    if any(a.tag == "ext" and a.name in ("sqlalchemy.text()", "sqlalchemy.DDL()") for v in args[:1] for a in v):
        # only SQLAlchemy executes its text(), whatever the receiver is
        for op, _ in dict.fromkeys(s for t in texts for s in transaction_statements(t.text)):
            frame.emit("txn", e[1], ("context",) if op == "begin_nested" else (), name=op, text="sql", expr=e)
    if any(_STATEMENT.match(t.text) for t in texts) and not any(a.tag == "ext" for a in args[0]):
        frame.emit("sql", e[1], name=name, value=texts, args=(args[0],), expr=e, text="unknown")
    scheduled = scheduling.unknown(frame, name, args, keywords, e)
    return UNKNOWN if scheduled is None else scheduled


# single functions


def _import_module(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    name = literal(args[0]) if args else None
    if not isinstance(name, str):
        return UNKNOWN
    if name.startswith("."):
        level = len(name) - len(name.lstrip("."))
        package = literal(args[1] if len(args) > 1 else dict(keywords).get("package", UNKNOWN))
        if isinstance(package, str):
            parents = package.split(".")
            absolute = [*parents[: len(parents) - level + 1], name.lstrip(".")]
            return frame.solver.module_value(".".join(absolute), frame.path)
        name = frame.solver.names.absolute(frame.path, name.lstrip("."), level)
    return frame.solver.module_value(name, frame.path)


def _partial(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (PartialCall(args[0], tuple(args[1:]), tuple(keywords)),) if args else UNKNOWN


def _depends(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    named = dict(keywords)
    target = args[0] if args else named.get("dependency", UNKNOWN)
    for atom in target:
        if atom.tag == "fn":
            frame.solver.want(atom.info)
        elif atom.tag in ("inst", "cls"):
            method = frame.solver.method(atom.info, "__call__" if atom.tag == "inst" else "__init__")
            if method is not None:
                frame.solver.want(method)
    scope = literal(named.get("scope", UNKNOWN))
    cached = literal(named.get("use_cache", UNKNOWN)) is not False
    given = bool(args) or "dependency" in named
    return (Dependency(target, frame.site(e[1]), scope if isinstance(scope, str) else None, cached, given),)


def _first(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[0] if args else UNKNOWN


def _take(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``next(gen)`` and ``anext(gen)``."""
    out: Value = UNKNOWN
    for atom in args[0] if args else ():
        if isinstance(atom, Pending):
            out = join(out, frame.machine.run_pending(frame, atom, e[1], e))
        elif atom.tag == "seq":
            out = join(out, join_all(list(atom.items)))
    return out


def _sequence(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    if not args:
        return (Seq(()),)
    return tuple(a for a in args[0] if a.tag in ("seq", "pending")) or args[0]


def _enumerate(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    item = frame.machine.element(frame, args[0] if args else UNKNOWN, e[1])
    return (Seq(((Seq(((Ext("builtins.int()"),), item)),),), True),)


def _zip(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Seq(((Seq(tuple(frame.machine.element(frame, a, e[1]) for a in args)),),), True),)


def _range(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Seq(((Ext("builtins.int()"),),), True),)


def _map(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``map(function, items)``: one result per item."""
    from sessionlint.program.expressions import element_of

    if len(args) < 2:
        return UNKNOWN
    items = [element_of(frame, a, e[1]) for a in args[1:]]
    frame.flags.append("loop")
    results = join_all([frame.machine.call(frame, target, items, [], e) for target in args[0]])
    frame.flags.pop()
    return (Seq((results,), True),)


def _dict(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    items = tuple(i for a in (args[0] if args else ()) if a.tag == "map" for i in a.items)
    items += tuple((("?",), (a,)) for a in (args[0] if args else ()) if a.tag == "ext")
    partial = (bool(args) and not items) or any(k == UNKNOWN_KEYWORDS for k, _ in keywords)
    return (Map((*items, *keywords), partial, frame.site(e[1])),)


def _closing(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Seq((args[0],)),) if args else UNKNOWN


def _sql(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    def make(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        value = args[0] if args else dict(keywords).get("text", UNKNOWN)
        texts = strings.texts_of(value)
        frame.emit("sql", e[1], name=name, value=texts, args=(value,), expr=e)
        return (Ext(f"sqlalchemy.{name}()"), *texts)

    return make


def _environment(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    default = args[1] if len(args) > 1 else dict(keywords).get("default", UNKNOWN)
    return join(default, (Ext("os.environ[]"),)) if default else UNKNOWN


def _lifespan_state(frame: Frame, value: Value) -> None:
    """The dictionary a lifespan function yields becomes every request's state."""
    for key, held in (i for a in value if a.tag == "map" for i in a.items):
        if isinstance(key, str):
            frame.solver.write(("state", "request.state", key), held)


def _app(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    def make(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        site = frame.site(e[1])
        entry = frame.solver.routers.setdefault(site, {"name": name})
        for atom in dict(keywords).get("lifespan", UNKNOWN):
            if atom.tag == "fn":
                _lifespan_state(frame, frame.solver.summary_of(atom.info).yields)
        entry.update({k: v for k, v in keywords if k in ("dependencies", "prefix", "lifespan", "include_in_schema")})
        return (Obj(f"{name}()", site),)

    return make


def _super(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    info = frame.function.class_info
    if info is None:
        return UNKNOWN
    return tuple(Inst(b.info) if b.tag == "cls" else Ext(f"{b.name}()") for b in info.bases if b.tag in ("cls", "ext"))


def _url(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    names = ("drivername", "username", "password", "host", "port", "database", "query")
    items = tuple(zip(names, args, strict=False)) + tuple(keywords)
    return (Map((("url", (Const("URL.create", "str"),)), *items), False, frame.site(e[1])),)


def _parsed_url(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``make_url(text)``: the text, as far as it is known."""
    known = tuple(a for a in (args[0] if args else UNKNOWN) if a.tag in ("const", "text", "map", "param"))
    return known or (Ext("sqlalchemy.URL()"),)


def _url_set(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``url.set(host=…)``: the parts that are set; of the others nothing is told."""
    frame.emit("external", e[1], name="sqlalchemy.URL.create", keywords=tuple(keywords), expr=e)
    unknown = (Text(strings.HOLE),)
    names = ("drivername", "username", "password", "host", "port", "database")
    items = tuple((n, dict(keywords).get(n, unknown)) for n in names)
    return (Map((("url", (Const("URL.create", "str"),)), *items), False, frame.site(e[1])),)


def _exit_stack_enter(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    if not args:
        return UNKNOWN
    entered = frame.machine.enter(frame, args[0], e)
    if any(a.tag == "ext" and a.name.endswith("ExitStack()") for a in frame.entered):
        # the stack is the context of a ``with`` around this call, which then closes what is entered here
        frame.entered.extend(entered.closes)
    return tuple(entered.value)


def _new_type(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A ``NewType`` stands for its base type, and calling it gives its argument back."""
    return (Annotation(args[1], ()),) if len(args) > 1 else UNKNOWN


def _manager(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    """``contextmanager(function)`` called, not used as a decorator."""

    def make(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        return (PartialCall((Ext(name),), tuple(args), ()),)

    return make


_SPECIAL: dict[str, Callable[[Frame, list[Value], Keywords, ir.Expr], Value]] = {
    **stdlib.SPECIAL, knowledge.DECLARED_CALL: locators.declared_call, "importlib.import_module": _import_module,
    "functools.partial": _partial, "functools.partialmethod": _partial, "fastapi.Depends": _depends,
    "fastapi.Security": _depends, "builtins.next": _take, "builtins.anext": _take, "builtins.aiter": _first,
    "builtins.iter": _first, "builtins.list": _sequence, "builtins.tuple": _sequence, "builtins.set": _sequence,
    "builtins.map": _map, "builtins.sorted": _sequence, "builtins.reversed": _sequence, "builtins.dict": _dict,
    "contextlib.closing": _closing,
    "contextlib.aclosing": _closing, "contextlib.nullcontext": _first, "sqlalchemy.text": _sql("text"),
    "sqlalchemy.DDL": _sql("DDL"), "sqlalchemy.literal_column": _sql("literal_column"),
    "string.Template": _first, "sqlalchemy.inspect": predicates.inspected, "sqlalchemy.orm.foreign": _first,
    "sqlalchemy.orm.remote": _first, "pandas.read_sql": _sql("read_sql"),
    "pandas.read_sql_query": _sql("read_sql_query"),
    "textwrap.dedent": _first, "inspect.cleandoc": _first, "builtins.enumerate": _enumerate, "builtins.zip": _zip,
    "builtins.range": _range,
    "os.getenv": _environment, "os.environ.get": _environment, "builtins.super": _super, "sqlalchemy.URL.create": _url,
    "sqlalchemy.make_url": _parsed_url, "sqlalchemy.URL().set": _url_set, "builtins.str": _first,
    "typing.cast": stdlib.cast,
    "typing.NewType": _new_type, "copy.copy": _first, "builtins.staticmethod": _first, "copy.deepcopy": _first,
    "sqlalchemy.orm.aliased": _first, "sqlmodel.col": _first,
    "sqlalchemy.col": _first, "functools.lru_cache": _first, "functools.cache": _first, "functools.wraps": _first,
    "contextlib.AsyncExitStack().enter_async_context": _exit_stack_enter,
    "contextlib.AsyncExitStack().enter_context": _exit_stack_enter,
    "contextlib.ExitStack().enter_context": _exit_stack_enter, "fastapi.APIRouter": _app("fastapi.APIRouter"),
    "fastapi.FastAPI": _app("fastapi.FastAPI"),
    "starlette.applications.Starlette": _app("starlette.applications.Starlette"),
    "contextlib.asynccontextmanager": _manager("contextlib.asynccontextmanager"),
    "contextlib.contextmanager": _manager("contextlib.contextmanager"),
}  # fmt: skip
