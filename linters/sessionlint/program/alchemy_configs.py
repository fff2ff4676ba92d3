"""Advanced Alchemy's configurations, which keep the engine and the session maker of an application.

One that is given neither makes both, and its ``get_session()`` opens a session and closes it, without a commit.
Sources: advanced-alchemy 1.11, ``config/asyncio.py`` and ``config/sync.py`` (``get_engine``, ``create_session_maker``,
``get_session``), ``config/common.py`` (``connection_string``, ``engine_config``, ``session_config``),
``extensions/starlette/extension.py`` (``with_async_session``, ``get_async_session``),
``extensions/litestar/plugins/init/config`` (``session_maker_app_state_key``).
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import handles
from sessionlint.program.frame import Frame
from sessionlint.program.values import (
    ENGINE,
    FACTORY,
    NAMESPACE,
    UNKNOWN,
    UNKNOWN_KEYWORDS,
    Ext,
    Map,
    PartialCall,
    Value,
    join,
)

Keywords = list[tuple[str, Value]]
#: Litestar gives the same under its own names.
_PACKAGES: Final = ("advanced_alchemy.", "litestar.plugins.sqlalchemy.", "litestar.contrib.sqlalchemy.")
_CLASS: Final = regex(r"\.SQLAlchemy(?P<mode>Async|Sync)Config$")
_OPTIONS: Final = regex(r"\.(?:Async|Sync)?(?:Engine|Session)Config$")
_CONFIG: Final = regex(
    r"SQLAlchemy(?P<mode>Async|Sync)Config\(\)\.(?P<method>get_session|create_session_maker|get_engine)$"
)
_EXTENSION: Final = regex(r"AdvancedAlchemy\(\)\.(?:with|get)_(?P<mode>async|sync)_session$")
_GIVEN: Final = {
    "get_session": ("sqlalchemy.orm.Session()", "sqlalchemy.ext.asyncio.AsyncSession()"),
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
#: Says of a session that the context manager opens which a configuration has for that.
BY_CONFIG: Final = "by configuration"


def given(name: str) -> Ext | None:
    """The session, session maker or engine that a call gives, by its dotted name."""
    if not name.startswith(_PACKAGES):
        return None
    config = _CONFIG.search(name)
    if config is not None:
        return Ext(_GIVEN[config["method"]][config["mode"] == "Async"])
    extension = _EXTENSION.search(name)
    return Ext(_GIVEN["get_session"][extension["mode"] == "async"]) if extension is not None else None


def is_config(name: str) -> bool:
    """Whether it is such a class, by its dotted name."""
    return name.startswith(_PACKAGES) and _CLASS.search(name) is not None


def made(frame: Frame, name: str, keywords: Keywords, e: ir.Expr) -> Value | None:
    """``SQLAlchemyAsyncConfig(connection_string=url)``, or what is told its engine; ``None`` for other classes."""
    if not name.startswith(_PACKAGES):
        return None
    if _OPTIONS.search(name) is not None:
        return (Map((*keywords, NAMESPACE), any(k == UNKNOWN_KEYWORDS for k, _ in keywords), frame.site(e[1])),)
    config = _CLASS.search(name)
    if config is None:
        return None
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
        (STATE_KEY, (PartialCall((Ext(_KEY),), (factory,), ()),)),
    )
    return (Map((*kept, NAMESPACE), True, frame.site(e[1])),)


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


SPECIAL: dict[str, Any] = {_KEEPS: _kept, _OPENS: _opened}
