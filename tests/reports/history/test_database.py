"""Opening a history: layouts, migrations, and what is said when it cannot be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st

from sessionlint_reports.history import database as database_module
from sessionlint_reports.history import manifest
from sessionlint_reports.history.database import HistoryError, database_url, open_database, shown
from sessionlint_reports.history.schema import REVISION, metadata
from sessionlint_reports.history.store import History
from tests.reports.history.samples import snapshot


def test_the_migrations_make_the_tables_the_code_uses(place: str) -> None:
    opened = open_database(place)
    with opened.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    opened.close()


def test_the_code_expects_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_an_open_history_is_not_migrated_again(place: str) -> None:
    with History.open(place) as history:
        history.record(snapshot(1))
    with History.open(place) as history:
        assert len(history.snapshots("shop")) == 1


def test_a_history_of_a_newer_version_is_refused(place: str) -> None:
    opened = open_database(place)
    with opened.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    opened.close()
    with pytest.raises(HistoryError, match="was written by a newer sessionlint; upgrade this one"):
        open_database(place)


def test_the_tables_of_another_program_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE project (name TEXT)")
    theirs.close()
    with pytest.raises(HistoryError, match="holds tables of another program"):
        open_database(path)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, however long this text is" * 50)
    with pytest.raises(HistoryError, match=r"notes\.txt cannot be used: file is not a database; name another file"):
        open_database(path)


def test_a_missing_history_is_not_made_by_readers(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"there is no history at .*none\.db; 'sessionlint history backfill' makes"):
        open_database(tmp_path / "none.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_be_reached_is_named_without_its_password() -> None:
    with pytest.raises(
        HistoryError, match=r"app:\*\*\*@127\.0\.0\.1:1/history cannot be used.*Check the URL"
    ) as raised:
        open_database("postgresql://app:secret@127.0.0.1:1/history")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("driver", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_any_way_to_write_postgresql_means_the_one_driver(driver: str) -> None:
    assert shown(database_url(f"{driver}://app:secret@db/history")) == "postgresql+psycopg://app:***@db/history"


@pytest.mark.parametrize("url", ["mysql://db/history", "://", "http://example.org"])
def test_other_urls_are_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(HistoryError, match="postgresql://"):
        database_url(url)


@given(st.sets(st.integers(min_value=1, max_value=2**40)))
def test_a_manifest_gives_back_the_ids_it_was_made_of(ids: set[int]) -> None:
    assert manifest.unpack(manifest.pack(ids)) == ids


def test_a_damaged_manifest_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a packed set of ids"):
        manifest.unpack(b"damaged")
