"""Every endpoint asks who calls and what they may do before anything else happens."""

from __future__ import annotations

import inspect
import re
from uuid import uuid4

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from reference_app.auth.guard import Require, authenticate
from reference_app.auth.permissions import ROLE_PERMISSIONS, Permission
from reference_app.models import Role
from reference_app.routers import endpoints
from reference_app.services import api_keys, batches, idempotency, scans, users
from tests.support.service import Caller, Service, assert_problem

PROTECTED = [route for route in endpoints() if not route.path.startswith("/health")]
SERVICES = (api_keys, batches, idempotency, scans, users)


def name_of(route: APIRoute) -> str:
    return f"{sorted(route.methods or ())[0]} {route.path}"


def below(dependant: Dependant) -> list[Dependant]:
    return [dependant, *(found for child in dependant.dependencies for found in below(child))]


def permission_of(route: APIRoute) -> Permission | None:
    return next((d.call.permission for d in below(route.dependant) if isinstance(d.call, Require)), None)


async def ask(service: Service, route: APIRoute, caller: Caller | None = None):
    path = re.sub(r"\{[^}]+\}", str(uuid4()), route.path)
    return await service.call(sorted(route.methods or ())[0], path, caller, json={})


@pytest.fixture
def service_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the service functions that were called; none of them does anything."""
    called: list[str] = []
    for module in SERVICES:
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            if function.__module__ == module.__name__:
                monkeypatch.setattr(module, name, lambda *_, _name=name, **__: called.append(_name))
    return called


def test_every_endpoint_but_health_authenticates():
    for route in PROTECTED:
        assert authenticate in [dependant.call for dependant in below(route.dependant)], name_of(route)


def test_every_endpoint_but_who_am_i_and_health_asks_for_a_permission():
    without = [name_of(route) for route in PROTECTED if permission_of(route) is None]
    assert without == ["GET /api/v3/me"]


async def test_an_anonymous_call_is_refused_and_reaches_no_service(service: Service, service_calls: list[str]):
    for route in PROTECTED:
        answer = await ask(service, route)
        assert_problem(answer, 401, "not-authenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer"), name_of(route)
    assert service_calls == []


async def test_each_role_is_refused_exactly_what_it_may_not_do_and_then_reaches_no_service(
    service: Service, request: pytest.FixtureRequest
):
    callers = {role: await service.caller(role) for role in Role}
    called: list[str] = request.getfixturevalue("service_calls")
    refused: dict[Role, set[Permission | None]] = {role: set() for role in Role}
    for route in PROTECTED:
        for role, caller in callers.items():
            called.clear()
            answer = await ask(service, route, caller)
            if answer.status_code == 403:
                assert_problem(answer, 403, "not-permitted")
                assert called == []
                refused[role].add(permission_of(route))
            else:
                assert permission_of(route) in {None, *ROLE_PERMISSIONS[role]}, name_of(route)
    every = {permission_of(route) for route in PROTECTED} - {None}
    assert refused == {role: every - ROLE_PERMISSIONS[role] for role in Role}


async def test_a_key_may_do_no_more_than_its_scopes_whatever_the_role(service: Service):
    narrow = await service.caller(Role.ADMIN, [Permission.BATCHES_READ])
    assert (await service.call("GET", "/batches", narrow)).status_code == 200
    assert_problem(await service.call("GET", "/users", narrow), 403, "not-permitted")


async def test_health_needs_no_credentials(service: Service):
    for path in ("/health/live", "/health/ready"):
        answer = await service.call("GET", path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
