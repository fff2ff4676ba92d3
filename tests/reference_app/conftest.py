"""What the reference service's tests share: a real PostgreSQL, a real PgBouncer, a fresh database per test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.pgbouncer import PgBouncer, running_pgbouncer
from tests.support.postgres import PostgresServer, running_postgres

ROOT = Path(__file__).parents[2]
DATABASE_URL_SETTING = "REFERENCE_APP_DATABASE_URL"


@dataclass(frozen=True)
class Database:
    """One test's database: `url` goes through the pooler, `direct_url` straight to PostgreSQL."""

    name: str
    url: str
    direct_url: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The run's PostgreSQL server. A test that stops or crashes it must start it again."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer(postgres: PostgresServer) -> Iterator[PgBouncer]:
    """The run's pooler in front of `postgres`. A test that kills it must start it again."""
    with running_pgbouncer(postgres) as pooler:
        yield pooler


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer) -> str:
    """The name of a database that Alembic has brought to the newest schema; every test's database is its copy."""
    name = postgres.create_database()
    command = [sys.executable, "-m", "alembic", "-c", "reference_app/migrations/alembic.ini", "upgrade", "head"]
    environment = {**os.environ, DATABASE_URL_SETTING: postgres.url(name)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return name


@pytest.fixture
def database(postgres: PostgresServer, pgbouncer: PgBouncer, migrated_template: str) -> Iterator[Database]:
    """A database of this test alone, migrated and empty."""
    pgbouncer.revive()
    name = postgres.create_database(migrated_template)
    yield Database(name, pgbouncer.url(name), postgres.url(name))
    postgres.drop_database(name)


@pytest.fixture
def empty_database(postgres: PostgresServer, pgbouncer: PgBouncer) -> Iterator[Database]:
    """A database of this test alone, without any table: for tests of the migrations."""
    name = postgres.create_database()
    yield Database(name, pgbouncer.url(name), postgres.url(name))
    postgres.drop_database(name)
