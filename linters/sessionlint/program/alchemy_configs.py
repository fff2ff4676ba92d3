"""Advanced Alchemy's configurations, which keep the engine and the session maker of an application.

One that is given neither makes both, and its ``get_session()`` opens a session and closes it, without a commit.
Sources: advanced-alchemy 1.11, ``config/asyncio.py`` and ``config/sync.py`` (``get_engine``, ``create_session_maker``,
``get_session``), ``config/common.py`` (``connection_string``, ``engine_config``, ``session_config``),
``extensions/starlette/extension.py`` (``with_async_session``, ``get_async_session``),
``extensions/litestar/plugins/init/config`` (``session_maker_app_state_key``, ``session_dependency_key``; without a
``before_send_handler`` of its own, a configuration only closes what it has opened for a request).
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import handles, litestar
from sessionlint.program.frame import Frame
from sessionlint.program.values import (
    ENGINE,
    FACTORY,
    NAMESPACE,
    UNKNOWN,
    UNKNOWN_KEYWORDS,
    Const,
    Dependency,
    Ext,
    Injected,
    Map,
    Obj,
    PartialCall,
    Site,
    Value,
    join,
    literal,
)

Keywords = list[tuple[str, Value]]
#: Litestar gives the same under its own names.
_PACKAGES: Final = ("advanced_alchemy.", "litestar.plugins.sqlalchemy.", "litestar.contrib.sqlalchemy.")
_CLASS: Final = regex(r"\.SQLAlchemy(?P<mode>Async|Sync)Config$")
_OPTIONS: Final = regex(r"\.(?:Async|Sync)?(?:Engine|Session)Config$")
_CONFIG: Final = regex(
    r"SQLAlchemy(?:(?P<mode>Async|Sync)Config\(\)|(?:Init)?Plugin\(\)\.config)"
    r"\.(?P<method>get_session|provide_session|create_session_maker|get_engine)$"
)
_EXTENSION: Final = regex(r"AdvancedAlchemy\(\)\.(?:with|get)_(?P<mode>async|sync)_session$")
_GIVEN: Final = {
    "get_session": ("sqlalchemy.orm.Session()", "sqlalchemy.ext.asyncio.AsyncSession()"),
    "provide_session": ("sqlalchemy.orm.Session()", "sqlalchemy.ext.asyncio.AsyncSession()"),
    "create_session_maker": ("sqlalchemy.orm.sessionmaker()", "sqlalchemy.ext.asyncio.async_sessionmaker()"),
    "get_engine": ("sqlalchemy.Engine()", "sqlalchemy.ext.asyncio.AsyncEngine()"),
}
_MAKES: Final = {
    ENGINE: ("sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine"),
    FACTORY: ("sqlalchemy.orm.sessionmaker", "sqlalchemy.ext.asyncio.async_sessionmaker"),
}
_KEEPS: Final = "advanced_alchemy.kept"
_KEY: Final = "advanced_alchemy.key"
#: The attribute that names the entry of ``app.state`` in which Litestar's plugin keeps the session maker.
STATE_KEY: Final = "session_maker_app_state_key"
_OPENS: Final = "advanced_alchemy.get_session"
#: The method that gives the session which the request has, or is given from then on.
OF_REQUEST: Final = "provide_session"
_PLUGIN: Final = regex(r"\.SQLAlchemy(?:Init)?Plugin$")
#: What a configuration says of the sessions of requests: their name, and what is done with one before the answer.
_NAME: Final = "session_dependency_key"
BEFORE_ANSWER: Final = "before_send_handler"
_PLAIN_NAME: Final = "db_session"
_COMMITS: Final = "autocommit"
_CLOSES: Final = regex(r"\.default_(?:before_send_handler|handler_maker\(\))$")
#: The session of a request that the plugin commits, or only closes, when the handler is through.
_COMMITTED: Final = "advanced_alchemy.committed session"
_CLOSED: Final = "advanced_alchemy.closed session"
#: Says of a session that the context manager opens which a configuration has for that.
BY_CONFIG: Final = "by configuration"


def given(name: str) -> Ext | None:
    """The session, session maker or engine that a call gives, by its dotted name."""
    if not name.startswith(_PACKAGES):
        return None
    config = _CONFIG.search(name)
    if config is not None:
        return Ext(_GIVEN[config["method"]][config["mode"] != "Sync"])
    extension = _EXTENSION.search(name)
    return Ext(_GIVEN["get_session"][extension["mode"] == "async"]) if extension is not None else None


def is_config(name: str) -> bool:
    """Whether it is such a class, by its dotted name."""
    return name.startswith(_PACKAGES) and _CLASS.search(name) is not None


def made(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    """``SQLAlchemyAsyncConfig(connection_string=url)``, or what is told its engine; ``None`` for other classes."""
    if not name.startswith(_PACKAGES):
        return None
    if _OPTIONS.search(name) is not None:
        return (Map((*keywords, NAMESPACE), any(k == UNKNOWN_KEYWORDS for k, _ in keywords), frame.site(e[1])),)
    if _PLUGIN.search(name) is not None:
        _plugged_in(frame, args[0] if args else dict(keywords).get("config", UNKNOWN))
        return None
    config = _CLASS.search(name)
    if config is None:
        found = given(name)
        return None if found is None else (found,)
    named = dict(keywords)
    is_async = config["mode"] == "Async"
    engine = named.get("engine_instance", UNKNOWN)
    factory = named.get("session_maker", UNKNOWN)
    told = name, is_async
    if not factory:
        engine = engine or _engine(frame, told, named, e)
        options = [("bind", engine), *_options(named.get("session_config"))]
        factory = _make(frame, FACTORY, told, [], options, e)
    kept = (
        ("engine_instance", engine),
        ("session_maker", factory),
        ("get_engine", (PartialCall((Ext(_KEEPS),), (engine,), ()),)),
        ("create_session_maker", (PartialCall((Ext(_KEEPS),), (factory,), ()),)),
        ("get_session", (PartialCall((Ext(_OPENS),), (factory,), ()),)),
        (OF_REQUEST, (PartialCall((Ext(f"{name}().{OF_REQUEST}"),), (), ()),)),
        (STATE_KEY, (PartialCall((Ext(_KEY),), (factory,), ()),)),
        *((k, named[k]) for k in (_NAME, BEFORE_ANSWER) if k in named),
        *((k, v) for k, v in keywords if k == UNKNOWN_KEYWORDS),
    )
    return (Map((*kept, NAMESPACE), True, frame.site(e[1])),)


def _plugged_in(frame: Frame, given: Value) -> None:
    """``SQLAlchemyPlugin(config=config)``: handlers are given a session of each configuration by its name."""
    listed = [v for a in given for v in (a.items if a.tag == "seq" else ((a,),))]
    for config in (a for value in listed for a in value if isinstance(a, Map)):
        name = literal(config.get(_NAME) or (Const(_PLAIN_NAME, "str"),))
        kind = _before_answer(config)
        if isinstance(name, str) and kind and config.site is not None:
            litestar.say(frame, name, Dependency((Obj(kind, config.site),), config.site, "function", handed=True))


def _before_answer(config: Map) -> str:
    """What is done with the session of a request; ``""`` where that is not in sight."""
    if any(key == UNKNOWN_KEYWORDS for key, _ in config.items):
        return ""
    told = config.get(BEFORE_ANSWER)
    if told is None:
        return _CLOSED
    said = [a.value if isinstance(a, Const) else getattr(a, "name", "") for a in told]
    if said and all(isinstance(word, str) and _COMMITS in word for word in said):
        return _COMMITTED
    closes = said and all(word is None or (isinstance(word, str) and _CLOSES.search(word)) for word in said)
    return _CLOSED if closes else ""


def gives_that_of_request(name: str) -> bool:
    """Whether a function by its dotted name gives whoever has the request the session that handlers are given."""
    return name.endswith(OF_REQUEST) and name.startswith(_PACKAGES)


def is_committed(source: Any) -> bool | None:
    """Whether the plugin commits what it injects when the handler is through; ``None`` for what is none of that."""
    name = source.name if isinstance(source, Obj) else ""
    return name == _COMMITTED if name in (_COMMITTED, _CLOSED) else None


def plugged_in(atom: Any) -> Site | None:
    """Where the configuration stands whose sessions the plugin injects, for what it injects."""
    source = atom.source[0] if isinstance(atom, Injected) and isinstance(atom.source, tuple) else None
    return source.site if isinstance(source, Obj) and source.name in (_COMMITTED, _CLOSED) else None


def _engine(frame: Frame, told: tuple[str, bool], named: dict[str, Value], e: ir.Expr) -> Value:
    url = named.get("connection_string", UNKNOWN)
    return _make(frame, ENGINE, told, [url], _options(named.get("engine_config")), e)


def _make(frame: Frame, kind: str, told: tuple[str, bool], args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    name, is_async = told
    text = f"{name.rpartition('.')[2]}(…)"
    return handles.make(frame, kind, e, text, (Ext(_MAKES[kind][is_async]),), args, keywords, is_async)


def _options(config: Value | None) -> Keywords:
    """The keywords that ``EngineConfig(pool_size=5)`` stands for; one that is not in sight may have any."""
    if config is None:
        return []
    found = config[0] if len(config) == 1 and config[0].tag == "map" else None
    if found is None:
        return [(UNKNOWN_KEYWORDS, UNKNOWN)]
    return [(key, value) for key, value in found.items if isinstance(key, str)]


def under_key(key: Value) -> Value:
    """``app.state[config.session_maker_app_state_key]``: the session maker of that configuration."""
    found = [a.args[0] for a in key if isinstance(a, PartialCall) and a.function == (Ext(_KEY),)]
    return found[0] if len(found) == 1 and len(key) == 1 else UNKNOWN


def _kept(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[0]


def _opened(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``async with config.get_session() as session``."""
    out: Value = UNKNOWN
    frame.flags.insert(0, BY_CONFIG)
    for factory in args[0]:
        if frame.solver.kind_of(factory) == FACTORY:
            out = join(out, handles.open_session(frame, factory, e, []))
    del frame.flags[0]
    return out


def _plugin(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``app.plugins.get(SQLAlchemyPlugin)``: the application's one object of that class."""
    return tuple([Ext(f"{a.name}()") for a in (args[0] if args else UNKNOWN) if isinstance(a, Ext)])


SPECIAL: dict[str, Any] = {_KEEPS: _kept, _OPENS: _opened, "litestar.Litestar().plugins.get": _plugin}
