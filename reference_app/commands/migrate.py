"""Brings the database to the newest schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from reference_app.settings import Settings

_INI = Path(__file__).parents[1] / "migrations" / "alembic.ini"


async def migrate(settings: Settings) -> None:
    """Runs the migrations that are missing, all in one transaction, while nobody else does."""
    await asyncio.to_thread(command.upgrade, _config(settings), "head")


def newest_revision() -> str | None:
    """The revision that a database of this version of the service has."""
    return ScriptDirectory.from_config(Config(_INI)).get_current_head()


def _config(settings: Settings) -> Config:
    config = Config(_INI)
    config.attributes["settings"] = settings
    return config
