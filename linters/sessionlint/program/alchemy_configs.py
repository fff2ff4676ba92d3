"""Advanced Alchemy's configurations, which keep the engine and the session maker of an application.

Sources: advanced-alchemy 1.11, ``config/asyncio.py`` and ``config/sync.py`` (``get_engine``, ``create_session_maker``,
``get_session``), ``extensions/starlette/extension.py`` (``with_async_session``, ``get_async_session``).
"""

from __future__ import annotations

import re
from typing import Final

from sessionlint.program.values import Ext

#: Litestar gives the same under its own names.
_PACKAGES: Final = ("advanced_alchemy.", "litestar.plugins.sqlalchemy.", "litestar.contrib.sqlalchemy.")
_CONFIG: Final = re.compile(
    r"SQLAlchemy(?P<mode>Async|Sync)Config\(\)\.(?P<method>get_session|create_session_maker|get_engine)$"
)
_EXTENSION: Final = re.compile(r"AdvancedAlchemy\(\)\.(?:with|get)_(?P<mode>async|sync)_session$")
_GIVEN: Final = {
    "get_session": ("sqlalchemy.orm.Session()", "sqlalchemy.ext.asyncio.AsyncSession()"),
    "create_session_maker": ("sqlalchemy.orm.sessionmaker()", "sqlalchemy.ext.asyncio.async_sessionmaker()"),
    "get_engine": ("sqlalchemy.Engine()", "sqlalchemy.ext.asyncio.AsyncEngine()"),
}


def given(name: str) -> Ext | None:
    """The session, session maker or engine that a call gives, by its dotted name."""
    if not name.startswith(_PACKAGES):
        return None
    config = _CONFIG.search(name)
    if config is not None:
        return Ext(_GIVEN[config["method"]][config["mode"] == "Async"])
    extension = _EXTENSION.search(name)
    return Ext(_GIVEN["get_session"][extension["mode"] == "async"]) if extension is not None else None
