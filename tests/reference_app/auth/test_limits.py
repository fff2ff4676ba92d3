"""Rate limits: per caller, for creations, and for wrong credentials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from reference_app.auth import limits
from tests.reference_app.conftest import Database
from tests.support.redis import Redis, running_redis
from tests.support.service import assert_problem, running_service


async def test_one_request_too_many_is_told_when_to_come_back_and_others_are_served(database: Database):
    async with running_service(database, rate_limit="3/minute") as service:
        busy, other = await service.caller(), await service.caller()
        answers = [await service.call("GET", "/me", busy) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert_problem(answers[3], 429, "rate-limited")
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert (await service.call("GET", "/me", other)).status_code == 200


async def test_creations_have_a_limit_of_their_own(database: Database):
    async with running_service(database, creation_rate_limit="1/minute") as service:
        caller = await service.caller()
        answers = [await service.call("POST", "/scans", caller, json={"target": "example.com"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 429]
        assert (await service.call("GET", "/me", caller)).status_code == 200
        assert (await service.row_counts())["scans"] == 1


async def test_after_too_many_wrong_credentials_an_address_is_not_even_looked_up(database: Database):
    async with running_service(database, failed_auth_rate_limit="2/minute") as service:
        caller = await service.caller()
        wrong = {"X-API-Key": "rk_" + "0" * 12 + "_" + "a" * 43}
        answers = [await service.call("GET", "/me", headers=wrong) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert (await service.call("GET", "/me", caller)).status_code == 429


@pytest.fixture
def redis() -> Iterator[Redis]:
    with running_redis() as server:
        yield server


async def test_with_a_shared_storage_processes_count_together(database: Database, redis: Redis):
    limited = {"rate_limit": "3/minute", "rate_limit_redis_url": redis.url}
    async with running_service(database, **limited) as service:
        caller = await service.caller()
        assert [(await service.call("GET", "/me", caller)).status_code for _ in range(2)] == [200, 200]
    async with running_service(database, **limited) as another:
        answers = [await another.call("GET", "/me", caller) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert 1 <= int(answers[1].headers["retry-after"]) <= 60


async def test_while_the_shared_storage_is_away_each_process_counts_for_itself(
    database: Database, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "_LEFT_ALONE_SECONDS", 0.0)
    limited = {"rate_limit": "2/minute", "rate_limit_redis_url": redis.url}
    before = REGISTRY.get_sample_value("reference_app_rate_limit_storage_errors_total") or 0
    async with running_service(database, **limited) as service:
        caller = await service.caller()
        assert (await service.call("GET", "/me", caller)).status_code == 200
        redis.kill()
        answers = [await service.call("GET", "/me", caller) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert (REGISTRY.get_sample_value("reference_app_rate_limit_storage_errors_total") or 0) > before
        redis.start()
        answers = [await service.call("GET", "/me", caller) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_a_storage_that_does_not_answer_is_left_alone_for_a_while(
    database: Database, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "_LEFT_ALONE_SECONDS", 3600.0)
    async with running_service(database, rate_limit="2/minute", rate_limit_redis_url=redis.url) as service:
        redis.kill()
        caller = await service.caller()
        assert (await service.call("GET", "/me", caller)).status_code == 200
        redis.start()
        answers = [await service.call("GET", "/me", caller) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
