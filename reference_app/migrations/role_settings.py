"""Puts the time-outs on the role, where every pooler accepts them.

A pooler in transaction mode refuses most start-up parameters, and a ``SET`` would stay behind on a server connection
that others use. What the role carries holds for every server connection that is opened afterwards.
"""

from __future__ import annotations

from sqlalchemy import DDL, Connection, func, select

from reference_app.settings import Settings


def set_timeouts(connection: Connection, settings: Settings) -> None:
    """Sets the statement and idle-in-transaction time-outs of the connected role in the connected database."""
    database = connection.execute(select(func.current_database())).scalar_one()
    wanted = {
        "statement_timeout": settings.statement_timeout_seconds,
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout_seconds,
    }
    quoted = connection.dialect.identifier_preparer.quote(database)
    for name, seconds in wanted.items():
        fields = {"database": quoted, "name": name, "value": int(seconds * 1000)}
        connection.execute(
            DDL("ALTER ROLE CURRENT_USER IN DATABASE %(database)s SET %(name)s = %(value)s", context=fields)  # type: ignore[no-untyped-call]
        )
