"""Every error has the one form, whoever notices it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.services import users
from reference_app.session import get_session
from tests.reference_app.conftest import Database
from tests.support.postgres import PostgresServer
from tests.support.service import Caller, Service, assert_problem, running_service


async def test_an_unknown_path_and_a_wrong_method(service: Service):
    assert_problem(await service.call("GET", "/nothing"), 404, "not-found")
    answer = await service.call("DELETE", "/health/live")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_an_invalid_request_names_every_wrong_value(service: Service, operator: Caller):
    problem = assert_problem(await service.call("GET", "/batches/x/scans?limit=0", operator), 422, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["/path/batch_id", "/query/limit"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b'"\\ud800"', b'{"target": "\\ud800"}', b"NaN"])
async def test_a_body_that_is_not_what_was_asked_for(service: Service, operator: Caller, body: bytes):
    headers = {"Content-Type": "application/json"}
    answer = await service.call("POST", "/scans", operator, content=body, headers=headers)
    assert_problem(answer, answer.status_code, answer.json()["code"])
    assert answer.status_code in (400, 422)


async def test_a_body_that_is_too_large_announced_or_not(database: Database):
    async with running_service(database, max_body_bytes=1000) as service:
        caller = await service.caller()
        body = b'{"target": "' + b"a" * 1000 + b'"}'

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 100):
                yield body[start : start + 100]

        for content in (body, pieces()):
            headers = {"Content-Type": "application/json"}
            answer = await service.call("POST", "/scans", caller, content=content, headers=headers)
            assert_problem(answer, 413, "payload-too-large")


async def test_an_error_nobody_foresaw_tells_the_caller_only_its_id(
    service: Service, admin: Caller, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(users, "get_user", fail)
    answer = await service.call("GET", "/me", admin, headers={"X-Request-ID": "request-12345"})
    problem = assert_problem(answer, 500, "internal-error")
    assert problem["request_id"] == "request-12345"
    assert "secret" not in answer.text


async def test_a_statement_that_runs_too_long_is_ended_by_the_server(
    service: Service, admin: Caller, monkeypatch: pytest.MonkeyPatch
):
    async def slow(session: AsyncSession, *_: object, **__: object) -> None:
        await session.execute(select(func.set_config("statement_timeout", "50", True)))
        await session.execute(select(func.pg_sleep(30)))

    monkeypatch.setattr(users, "get_user", slow)
    answer = await service.call("GET", "/me", admin)
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"


async def test_an_unfit_request_id_is_replaced(service: Service):
    for unfit in ("short", "x" * 65, "a b c d e f", "evil\tid-12345"):
        answer = await service.call("GET", "/health/live", headers={"X-Request-ID": unfit})
        assert answer.headers["x-request-id"] != unfit
        assert len(answer.headers["x-request-id"]) == 32


async def test_a_pool_with_nothing_left_says_so_quickly_and_recovers(database: Database):
    async with running_service(database, pool_min=5, pool_max=5, pool_timeout_seconds=0.3) as service:
        caller = await service.caller()
        assert (await service.call("GET", "/me", caller)).status_code == 200
        async with AsyncExitStack() as held:
            for _ in range(5):
                session = await held.enter_async_context(get_session())
                await session.connection()
            answer = await service.call("GET", "/me", caller)
        assert_problem(answer, 503, "unavailable")
        assert (await service.call("GET", "/me", caller)).status_code == 200


async def test_a_database_that_is_away_is_a_503_and_comes_back_without_a_restart(
    database: Database, postgres: PostgresServer
):
    async with running_service(database) as service:
        caller = await service.caller()
        assert (await service.call("GET", "/me", caller)).status_code == 200
        postgres.stop()
        try:
            answer = await service.call("GET", "/health/ready")
            assert_problem(answer, 503, "unavailable")
            assert (await service.call("GET", "/health/live")).status_code == 200
        finally:
            postgres.start()
        async with asyncio.timeout(30):
            while (await service.call("GET", "/health/ready")).status_code != 200:
                await asyncio.sleep(0.1)
        assert (await service.call("GET", "/me", caller)).status_code == 200
