"""One PostgreSQL for the programs that run before and after a fix."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer, running_postgres


@pytest.fixture(scope="package")
def server() -> Iterator[PostgresServer]:
    """A started PostgreSQL; skips the test (fails it on CI) where there is none."""
    with running_postgres() as started:
        yield started
