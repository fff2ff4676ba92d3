"""The connection to a history database: the only place that makes one, begins transactions and migrates.

A path is a SQLite file; a URL is PostgreSQL (through psycopg) or SQLite. Writers of one database wait for each
other, across processes and machines; readers see only whole snapshots.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from sessionlint.errors import SessionlintError
from sessionlint_reports.history.schema import REVISION, project

#: Seconds a writer waits for other writers of the same SQLite file.
_BUSY_S = 120
# Any number will do, as long as every job of every version takes the same.
_MIGRATION_LOCK = 7_391_046_218
_CONNECT_S = 15


class HistoryError(SessionlintError):
    """The history cannot be opened, read or written; the text says where it is and what to do."""


def database_url(place: str | Path) -> URL:
    """The URL of a path or URL as users write them. Raises :class:`HistoryError` for what is neither."""
    if isinstance(place, Path) or "://" not in place:
        return URL.create("sqlite", database=str(place))
    try:
        url = make_url(place)
    except (ArgumentError, ValueError) as error:
        raise HistoryError("the history's URL cannot be read; write postgresql://user:password@host/name.") from error
    kind = url.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite":
        return url
    raise HistoryError(f"{kind!r} is not supported for the history; use a file, sqlite:/// or postgresql://.")


def shown(url: URL) -> str:
    """The URL for people: without the password, a file as its path."""
    return url.database or "memory" if url.drivername == "sqlite" else url.render_as_string(hide_password=True)


class Database:
    """An open history database at the newest layout; see :func:`open_database`."""

    def __init__(self, engine: Engine) -> None:
        self.url = engine.url
        self._engine = engine
        self._writing = engine.execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view. Raises :class:`HistoryError`."""
        with _understood(self.url), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, undone when the block fails. Raises :class:`HistoryError`."""
        with _understood(self.url), self._writing.begin() as connection:
            yield connection

    def lock_project(self, connection: Connection, project_id: int) -> None:
        """Makes other writers of the project wait until the transaction ends."""
        connection.execute(select(project.c.id).where(project.c.id == project_id).with_for_update())

    def shrink(self) -> None:
        """Gives the space of deleted rows back to the file system, where the database does not do so itself."""
        if self._engine.dialect.name == "sqlite":
            with _understood(self.url), self._engine.connect() as connection:
                _raw(connection).execute("VACUUM")

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def open_database(place: str | Path, *, create: bool = True) -> Database:
    """The database at ``place``, brought to the newest layout; made if need be when ``create``.

    Raises :class:`HistoryError` when there is none, it cannot be reached, or a newer sessionlint wrote it.
    """
    url = database_url(place)
    if url.drivername == "sqlite" and url.database:
        _prepare_file(Path(url.database), create)
    engine = _engine(url)
    try:
        with _understood(url):
            _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine)


def _prepare_file(path: Path, create: bool) -> None:
    if path.is_dir():
        raise HistoryError(f"the history {path} is a folder; name a file.")
    if path.exists():
        return
    if not create:
        raise HistoryError(f"there is no history at {path}; 'sessionlint history backfill' makes one from git.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HistoryError(f"the folder {path.parent} cannot be made: {error.strerror}.") from error


def _engine(url: URL) -> Engine:
    try:
        if url.drivername == "sqlite":
            engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_S})
            _own_transactions(engine)
            return engine
        # A pooler in transaction mode cannot keep prepared statements.
        arguments = {"prepare_threshold": None, "connect_timeout": _CONNECT_S, "application_name": "sessionlint"}
        return create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=arguments)
    except NoSuchModuleError as error:
        raise HistoryError(f"{url.drivername!r} is not supported for the history; use postgresql://.") from error
    except ModuleNotFoundError as error:
        raise HistoryError("PostgreSQL needs its driver: pip install 'sessionlint[report-postgres]'.") from error


def _own_transactions(engine: Engine) -> None:
    """Makes SQLite transactions hold table changes too, and take the write lock at their start."""

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A reader that turns writer half-way would fail instead of waiting.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine) -> None:
    with engine.begin() as connection:
        if _layout(connection) == REVISION:
            return
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        # Another job may have done it while this one waited.
        if _layout(connection) != REVISION:
            _upgrade(connection)


def _layout(connection: Connection) -> str | None:
    """The layout the database has; None for a database without history. Raises :class:`HistoryError`."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if "snapshot" in tables or "project" in tables:
            raise HistoryError(
                f"{shown(connection.engine.url)} holds tables of another program; give the history its own database."
            )
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if found is not None and str(found) > REVISION:
        raise HistoryError(f"{shown(connection.engine.url)} was written by a newer sessionlint; upgrade this one.")
    return None if found is None else str(found)


def _upgrade(connection: Connection) -> None:
    import logging

    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _raw(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@contextmanager
def _understood(url: URL) -> Iterator[None]:
    """Turns what the driver says into a message that names the database, without its password."""
    try:
        yield
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split()) or type(error.orig).__name__
        raise HistoryError(f"the history {shown(url)} cannot be used: {_remedy(reason)}") from error
    except SQLAlchemyError as error:
        raise HistoryError(f"the history {shown(url)} cannot be used: {error}") from error


def _remedy(reason: str) -> str:
    lower = reason.lower()
    if "not a database" in lower:
        return f"{reason}; name another file."
    if "locked" in lower:
        return f"{reason} for {_BUSY_S} s by another process; try again when it has ended."
    if "readonly" in lower or "read-only" in lower or "unable to open" in lower:
        return f"{reason}; grant access to the file and its folder."
    if "connection" in lower or "password" in lower:
        return f"{reason}. Check the URL, and that the server can be reached."
    return reason
