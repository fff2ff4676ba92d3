"""Fixtures of the job tests: settings of a small patient worker, and the service's database opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from reference_app.session import open_database
from reference_app.settings import Settings
from tests.reference_app.conftest import Database

MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(database: Database) -> MakeSettings:
    """Settings for this test's database through the pooler; keywords change them."""

    def make(**changes: object) -> Settings:
        values: dict[str, object] = {
            "environment": "test",
            "database_url": database.url,
            "allow_loopback": True,
            "host_delay_seconds": 0,
            "queue_poll_seconds": 0.1,
            "retry_base_seconds": 0.05,
            "retry_cap_seconds": 0.2,
            # Tests that need no sweeper must do without: it would hide what it puts right.
            "sweep_seconds": 3600,
            "shutdown_grace_seconds": 0,
        }
        return Settings(**(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


@pytest.fixture
async def opened(settings: Settings) -> AsyncIterator[None]:
    """The service's own engine and sessions, on this test's database."""
    async with open_database(settings):
        yield
