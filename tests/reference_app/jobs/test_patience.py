"""What is waited out, and what is not."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from reference_app.jobs.driver import NoDatabase, WorkerDriver
from reference_app.jobs.patience import patiently
from reference_app.jobs.schema import INSTALL_SQL, UNINSTALL_SQL
from reference_app.outages import is_outage
from reference_app.session import open_database
from reference_app.settings import Settings
from tests.support.processes import free_port


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.TooManyConnectionsError("sorry"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        asyncpg.InterfaceError("the underlying connection is closed"),
        asyncpg.InternalServerError("(EMAXCONN) max client connections reached, limit: 200"),
        asyncpg.InternalServerError("(EDBHANDLEREXITED) connection to database closed"),
        asyncpg.InternalServerError("Max client connections reached"),
        ConnectionRefusedError("connection refused"),
        TimeoutError("too slow"),
    ],
)
def test_a_database_that_is_away_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("duplicate"),
        asyncpg.PostgresSyntaxError("oops"),
        asyncpg.InternalServerError("(ENOTFOUND) tenant/user postgres.abc not found"),
        ValueError("no"),
    ],
)
def test_a_mistake_is_no_outage(error: Exception) -> None:
    assert not is_outage(error)


async def test_an_operation_is_tried_until_the_database_is_back() -> None:
    answers: list[Exception | str] = [ConnectionRefusedError("refused"), asyncpg.AdminShutdownError("ended"), "done"]

    async def operation() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await patiently(operation, seconds=10) == "done"


async def test_a_mistake_is_raised_at_once() -> None:
    tries = 0

    async def operation() -> None:
        nonlocal tries
        tries += 1
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        await patiently(operation, seconds=10)
    assert tries == 1


async def test_patience_ends_with_the_last_error(settings: Settings) -> None:
    nobody = settings.url().set(port=free_port()).render_as_string(hide_password=False)
    async with open_database(settings.model_copy(update={"database_url": type(settings.jwt_secret)(nobody)})):
        with pytest.raises(OSError, match="Connect call failed"):
            await WorkerDriver(patience_seconds=0.3).fetch("SELECT 1")


@pytest.mark.usefixtures("opened")
async def test_the_library_sees_the_drivers_error_through_the_worker_too() -> None:
    with pytest.raises(asyncpg.UndefinedTableError) as caught:
        await WorkerDriver(patience_seconds=1).fetch("SELECT * FROM no_such_table")
    assert isinstance(caught.value.__cause__, DBAPIError)


@pytest.mark.usefixtures("opened")
async def test_a_notification_reaches_this_process() -> None:
    heard: list[str | bytes | bytearray] = []
    async with WorkerDriver(patience_seconds=1) as driver:
        await driver.add_listener("channel", heard.append)
        await driver.notify("channel", "news")
        assert await driver.execute("SELECT 1") == ""
    assert heard == ["news"]
    assert driver.shutdown.is_set()


async def test_building_sql_needs_no_database() -> None:
    assert "CREATE TABLE pgqueuer " in INSTALL_SQL
    assert "DROP TABLE IF EXISTS pgqueuer" in UNINSTALL_SQL
    with pytest.raises(NotImplementedError):
        await NoDatabase().fetch("SELECT 1")
