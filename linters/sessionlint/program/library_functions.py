"""Single functions of libraries whose results matter: FastAPI, SQLAlchemy, the standard library."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import (
    alchemy_configs,
    asked_modules,
    buffers,
    calling_back,
    certificates,
    config_readers,
    consuming,
    container_scopes,
    copies,
    elements,
    encoding,
    generators,
    graphql,
    handing,
    handles,
    hooking,
    implied,
    keeping,
    knowledge,
    lasting,
    listed,
    litestar,
    locators,
    locks,
    mapped,
    never_returning,
    plain_routes,
    pool_objects,
    predicates,
    provisions,
    query_texts,
    records,
    registering,
    request_contexts,
    resolved_names,
    retrying,
    revealing,
    security_schemes,
    signals,
    signature_objects,
    stand_ins,
    stdlib,
    streams,
    strings,
    subclassing,
    text_functions,
    text_origins,
    tokens,
    url_objects,
    url_pieces,
    workers,
)
from sessionlint.program.frame import Frame
from sessionlint.program.router_classes import OPTIONS, note_options
from sessionlint.program.values import (
    SPREAD,
    TRANSACTION,
    UNKNOWN,
    UNKNOWN_KEYWORDS,
    Annotation,
    Dependency,
    Ext,
    Inst,
    Map,
    Obj,
    PartialCall,
    Pending,
    Seq,
    Value,
    const,
    join,
    join_all,
    laid_over,
    literal,
    of_keywords,
    whole_of,
)

Keywords = list[tuple[str, Value]]
#: What declares a column.
_COLUMNS = ("sqlalchemy.Column()", "sqlalchemy.orm.mapped_column()")


def _import_module(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    name = asked_modules.asked_for(frame.solver.names, frame.path, args, dict(keywords))
    return UNKNOWN if name is None else frame.solver.module_value(name, frame.path)


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


def _depends_of_handlers(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """The same for handlers of messages and for tasks: what it yields ends with the function, and no client waits."""
    return _depends(frame, args, [*keywords, ("scope", const("function"))], e)


def _first(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[0] if args else UNKNOWN


def _column(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``deferred(Column(…))`` maps the column, ``column_property(a + b)`` what is computed."""
    given = args[0] if args else UNKNOWN
    made = any(a.tag == "ext" and a.name in _COLUMNS for a in given)
    return given if made else (Ext("sqlalchemy.orm.column_property()"),)


def _text(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``str(x)``: what the project's own ``__str__`` says, else as good as ``x``; a session's text is no session."""
    if frame.facts and e[0] == "c" and e[3] and e[3][0][0] == "a":
        args = [listed.of_attribute(frame, e[3][0], args[0])]
    out: Value = UNKNOWN
    for atom in args[0] if args else ():
        if frame.solver.kind_of(atom):
            continue
        implied.shown(frame, (atom,) if atom.tag == "param" else UNKNOWN, e[1])
        shown = frame.solver.method(atom.info, "__str__") if atom.tag == "inst" else None
        out = join(
            out, (atom,) if shown is None else frame.machine.call(frame, frame.solver.bound(shown, atom), [], [], e)
        )
    return out


def _take(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``next(gen)`` and ``anext(gen)``."""
    out: Value = UNKNOWN
    for atom in args[0] if args else ():
        if isinstance(atom, Pending):
            default = args[1] if len(args) > 1 else UNKNOWN
            out = join(out, generators.step(frame, atom, "anext", e, default))
        else:
            out = join(out, consuming.first(frame, atom, e[1]))
    return out


def _sequence(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    if not args:
        return (Seq(()),)
    given = consuming.run_out(frame, args[0], e[1])
    queries = tuple(a for a in given if a.tag == "row" and a.query)
    if queries:
        return frame.machine.element(frame, queries, e[1])
    return tuple(a for a in given if a.tag in ("seq", "pending")) or given


def _enumerate(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    item = frame.machine.element(frame, args[0] if args else UNKNOWN, e[1])
    return (Seq(((Seq(((Ext("builtins.int()"),), item)),),), True),)


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


def _starmap(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``starmap(function, rows)``: one result per row, of what stands in it as arguments."""
    if len(args) != 2:
        return UNKNOWN
    rows = [a.items for a in frame.machine.element(frame, args[1], e[1]) if a.tag == "seq" and not a.many]
    items = [join_all(list(place)) for place in zip_longest(*rows, fillvalue=UNKNOWN)]
    frame.flags.append("loop")
    results: Value = UNKNOWN
    for target in args[0]:
        # whatever stands in a row that is not known, it is passed
        given = items or [UNKNOWN] * (len(target.info.params) if target.tag == "fn" else 1)
        results = join(results, frame.machine.call(frame, target, given, [], e))
    frame.flags.pop()
    return (Seq((results,), True),)


def _dict(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    given = records.mapped(frame, args[0]) if args else UNKNOWN
    items = tuple(i for a in given if a.tag == "map" for i in a.items) or _entries(given)
    items += tuple((SPREAD, (a,)) for a in given if a.tag == "ext")
    partial = (bool(args) and not items) or any(k == UNKNOWN_KEYWORDS for k, _ in keywords)
    site = frame.site(e[1])
    frame.made.add(site)
    whole = whole_of([*(a for a in given if a.tag == "map"), of_keywords(keywords)])
    return (Map(laid_over(items, keywords), partial, site, whole),)


def _entries(pairs: Value) -> tuple[Any, ...]:
    """``dict([("session", session)])``: the entries of pairs that are written out."""
    written = [i for a in pairs if a.tag == "seq" and not a.many for v in a.items for i in v]
    if not all(i.tag == "seq" and len(i.items) == 2 and isinstance(literal(i.items[0]), str) for i in written):
        return ()
    return tuple([(literal(i.items[0]), i.items[1]) for i in written])


def _closing(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Seq((args[0],)),) if args else UNKNOWN


#: SQL that is told where it was made one.
_TOLD_SQL = frozenset({"sqlalchemy.text()", "sqlalchemy.TextClause()", "sqlalchemy.DDL()"})
#: The name of a table, which pandas reads as one.
_WORD = regex(r"\s*[\w.]+\s*\Z")


def _sql(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    def make(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        value = args[0] if args else dict(keywords).get("text", UNKNOWN)
        texts = strings.texts_of(value)
        if name == "read_sql" and texts and all(not t.dynamic and _WORD.match(t.text) for t in texts):
            return (Ext(f"sqlalchemy.{name}()"),)
        if not any(a.tag == "ext" and a.name in _TOLD_SQL for a in value):
            frame.emit("sql", e[1], name=name, value=texts, args=text_origins.of_sql(frame, value, e), expr=e)
        revealing.note_text(frame, texts)
        made: Value = (Ext(f"sqlalchemy.{name}()"), *texts)
        if name != "literal_column":
            return made
        return (*made, *[a for a in predicates.bare(frame, args, keywords, e) if a.tag == "column"])

    return make


def _environment(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    default = args[1] if len(args) > 1 else dict(keywords).get("default", UNKNOWN)
    return join(default, (stdlib.ENVIRONMENT,)) if default else UNKNOWN


def _lifespan_state(frame: Frame, value: Value) -> None:
    """The dictionary a lifespan function yields becomes every request's state."""
    for key, held in (i for a in value if a.tag == "map" for i in a.items):
        if isinstance(key, str):
            frame.solver.write(("state", "request.state", key), held)


def _app(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    def make(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        site = frame.site(e[1])
        for atom in dict(keywords).get("lifespan", UNKNOWN):
            if atom.tag == "fn":
                _lifespan_state(frame, frame.solver.summary_of(atom.info).yields)
        options = {k: v for k, v in keywords if k in OPTIONS}
        frame.solver.note_router(site, {"name": name, **options})
        return (Obj(f"{name}()", site),)

    return make


def _super(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    own = frame.function.class_info
    # ``super(Middle, self)`` starts above the class that it names
    named = [a.info for a in args[0] if a.tag == "cls"] if len(args) > 1 else []
    bases = [b for info in named or ([own] if own is not None else []) for b in info.bases]
    return tuple([Inst(b.info) if b.tag == "cls" else Ext(f"{b.name}()") for b in bases if b.tag in ("cls", "ext")])


def _exit_stack_enter(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    from sessionlint.program import exit_stacks

    return exit_stacks.put(frame, args[0], e) if args else UNKNOWN


def _exit_stack_call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    from sessionlint.program import exit_stacks
    from sessionlint.program.libraries import escape

    escape(frame, args, keywords, e)
    exit_stacks.put_call(frame, args, keywords, e)
    return args[0] if args else UNKNOWN


def _exit_stack_handed_on(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    from sessionlint.program import exit_stacks

    exit_stacks.pop_all(frame, e)
    return frame.evaluate(e[2][2]) if e[0] == "c" and e[2][0] == "a" else UNKNOWN


def _adds_route(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    registering.added(frame, None, args, keywords, e)
    return UNKNOWN


def _makes_route(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    registering.added(frame, None, args, keywords, e)
    return (Ext("fastapi.routing.APIRoute()"),)


def _exit_stack_leave(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    from sessionlint.program import exit_stacks

    found = keeping.on_stack(frame, e)
    if not found:
        exit_stacks.close_all(frame, e[1])
    for handle in found:
        if handle.kind == TRANSACTION:
            handles.left(frame, handle, TRANSACTION, "__exit__", e)
    for handle in found:
        if handle.kind != TRANSACTION:
            handles.close(frame, handle, "close", e)
    return UNKNOWN


def _new_type(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A ``NewType`` stands for its base type, and calling it gives its argument back."""
    return (Annotation(args[1], ()),) if len(args) > 1 else UNKNOWN


def _manager(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    """``contextmanager(function)`` called, not used as a decorator."""

    def make(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        return (PartialCall((Ext(name),), tuple(args), ()),)

    return make


def _last(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[-1] if args else UNKNOWN


def _set_default(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``mapping.setdefault("db", session)`` of a dictionary that others fill, too."""
    from sessionlint.program.libraries import escape

    escape(frame, args, keywords, e)
    return args[1] if len(args) == 2 else UNKNOWN


SPECIAL: dict[str, Callable[[Frame, list[Value], Keywords, ir.Expr], Value]] = {
    "asyncio.Queue": handing.made, "asyncio.LifoQueue": handing.made, "asyncio.PriorityQueue": handing.made,
    **{f"queue.{kind}": handing.made_for_threads for kind in ("Queue", "LifoQueue", "PriorityQueue", "SimpleQueue")},
    "blinker.Signal": signals.made, "blinker.signal": signals.named, "blinker.NamedSignal": signals.named,
    "blinker.Namespace().signal": signals.named,
    **pool_objects.SPECIAL, **streams.SPECIAL, **request_contexts.SPECIAL, **retrying.SPECIAL,
    **never_returning.SPECIAL,
    **alchemy_configs.SPECIAL,
    **provisions.SPECIAL, **container_scopes.SPECIAL,
    **stand_ins.SPECIAL, **locks.SPECIAL, **litestar.SPECIAL, **workers.SPECIAL,
    hooking.LISTEN: hooking.listen,
    **encoding.SPECIAL, **query_texts.SPECIAL, **security_schemes.SPECIAL, **text_functions.SPECIAL,
    **url_pieces.SPECIAL,
    **dict.fromkeys(("typing.get_args", "typing_extensions.get_args"), listed.arguments_of_literal),
    **consuming.SPECIAL, **elements.SPECIAL, **signature_objects.SPECIAL, "builtins.frozenset": _sequence,
    "enum.member": _first, "builtins.dict().setdefault": _set_default,
    "builtins.type().__new__": subclassing.made, "builtins.type.__new__": subclassing.made,
    **stdlib.SPECIAL, knowledge.DECLARED_CALL: locators.declared_call, "importlib.import_module": _import_module,
    **resolved_names.SPECIAL, **dict.fromkeys(("sqlalchemy.orm.deferred", "sqlalchemy.orm.column_property"), _column),
    "functools.partial": _partial, "functools.partialmethod": _partial, "fastapi.Depends": _depends,
    "fast_depends.Depends": _depends_of_handlers,
    "fastapi.Security": _depends, "arq.cron": _first, "arq.cron.cron": _first, "arq.worker.func": _first,
    "arq.func": _first, "saq.CronJob": _first, "saq.job.CronJob": _first, "builtins.next": _take,
    "builtins.anext": _take, "builtins.aiter": _first,
    "builtins.iter": _first, "builtins.list": _sequence, "builtins.tuple": _sequence, "builtins.set": _sequence,

    "builtins.map": _map, "itertools.starmap": _starmap, "builtins.sorted": _sequence,
    "builtins.reversed": _sequence, "builtins.dict": _dict,
    "collections.OrderedDict": _dict, "collections.deque": _sequence, "itertools.cycle": _first,
    "collections.UserDict": _dict, "collections.UserList": _sequence, **dict.fromkeys(lasting.CACHES, lasting.cache),
    "itertools.islice": _first, **dict.fromkeys(knowledge.PROGRESS_BARS, _first),
    "itertools.takewhile": _last, "itertools.dropwhile": _last,
    "contextlib.closing": _closing, "io.StringIO": buffers.make,
    "contextlib.aclosing": _closing, "contextlib.nullcontext": _first, "sqlalchemy.text": _sql("text"),
    "builtins.print": buffers.printed, "sqlalchemy.TextClause": _sql("TextClause"),
    "sqlalchemy.DDL": _sql("DDL"), "sqlalchemy.literal_column": _sql("literal_column"),
    "string.Template": _first, "sqlalchemy.Table": mapped.core_table, "sqlalchemy.orm.foreign": _first,
    "sqlalchemy.column": predicates.bare, "sqlalchemy.inspect": predicates.inspected,
    "jinja2.Template": _first, "jinja2.Environment().from_string": _first,
    "sqlalchemy.orm.remote": _first, "pandas.read_sql": _sql("read_sql"),
    "pandas.read_sql_query": _sql("read_sql_query"),
    **dict.fromkeys(("dataclasses.replace", "copy.replace", "attrs.evolve", "attr.evolve"), copies.replaced),
    "dataclasses.asdict": records.asdict, "attrs.asdict": records.asdict, "attr.asdict": records.asdict,
    "textwrap.dedent": _first, "inspect.cleandoc": _first, "builtins.enumerate": _enumerate,
    "builtins.range": _range, "builtins.len": implied.counted,
    "ssl.create_default_context": certificates.make, "ssl.SSLContext": certificates.make_bare,
    "ssl._create_unverified_context": certificates.make_unverified,
    "os.getenv": _environment, "os.environ.get": _environment, "builtins.super": _super,
    "builtins.str": _text, **url_objects.SPECIAL, **config_readers.READERS,
    "typing.cast": stdlib.cast, "jwcrypto.jwt.JWT": tokens.made, "strawberry.fastapi.GraphQLRouter": graphql.router,
    "typing.NewType": _new_type, "copy.copy": _first, "builtins.staticmethod": _first, "copy.deepcopy": _first,
    "sqlalchemy.orm.aliased": _first, "sqlmodel.col": _first, "functools.cmp_to_key": _first,
    "sqlalchemy.col": _first, "functools.lru_cache": _first, "functools.cache": _first, "functools.wraps": _first,
    "contextlib.AsyncExitStack().enter_async_context": _exit_stack_enter,
    "contextlib.AsyncExitStack().enter_context": _exit_stack_enter,
    **{f"{context}.with_resource": _exit_stack_enter for context in never_returning.CLICK},
    **{f"contextlib.AsyncExitStack().{name}": _exit_stack_leave for name in ("aclose", "__aexit__")},
    **{f"contextlib.ExitStack().{name}": _exit_stack_leave for name in ("close", "__exit__")},
    "contextlib.ExitStack().enter_context": _exit_stack_enter, "contextlib.ExitStack().callback": _exit_stack_call,
    **{f"contextlib.AsyncExitStack().{name}": _exit_stack_call for name in ("callback", "push_async_callback")},
    "contextlib.ExitStack().pop_all": _exit_stack_handed_on,
    "contextlib.AsyncExitStack().pop_all": _exit_stack_handed_on, "fastapi.APIRouter": _app("fastapi.APIRouter"),
    **{f"fastapi.{base}().{name}": _adds_route for base in ("APIRouter", "FastAPI") for name in registering.ADDS_ROUTE},
    "fastapi.routing.APIRoute": _makes_route, "starlette.routing.Route": plain_routes.made,
    **{f"fastapi.{base}.__init__": note_options for base in ("APIRouter()", "APIRouter", "FastAPI()", "FastAPI")},
    "fastapi.FastAPI": _app("fastapi.FastAPI"),
    "starlette.applications.Starlette": _app("starlette.applications.Starlette"),
    "contextlib.asynccontextmanager": _manager("contextlib.asynccontextmanager"),
    "contextlib.contextmanager": _manager("contextlib.contextmanager"),
}  # fmt: skip
SPECIAL.update(calling_back.around(SPECIAL))
