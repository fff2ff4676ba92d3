"""Puts the time-outs on the role, where every pooler accepts them.

A pooler in transaction mode refuses most start-up parameters, and a ``SET`` would stay behind on a server connection
that others use. What the role carries holds for every server connection that is opened afterwards.
"""

from __future__ import annotations

from sqlalchemy import DDL, Connection, func, select

from reference_app.settings import Settings


def timeouts(settings: Settings) -> dict[str, int]:
    """The time-outs that the settings ask for, in milliseconds, by PostgreSQL's names for them."""
    seconds = {
        "statement_timeout": settings.statement_timeout_seconds,
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout_seconds,
    }
    return {name: int(value * 1000) for name, value in seconds.items()}


def set_timeouts(connection: Connection, settings: Settings) -> None:
    """Sets the time-outs of the connected role in the connected database."""
    database = connection.execute(select(func.current_database())).scalar_one()
    quoted = connection.dialect.identifier_preparer.quote(database)
    for name, value in timeouts(settings).items():
        fields = {"database": quoted, "name": name, "value": value}
        connection.execute(
            DDL("ALTER ROLE CURRENT_USER IN DATABASE %(database)s SET %(name)s = %(value)s", context=fields)  # type: ignore[no-untyped-call]
        )
