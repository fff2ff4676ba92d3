"""Users and who-am-I over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from reference_app.auth.permissions import Permission
from reference_app.models import Role
from tests.support.service import Caller, Service, assert_problem

ADA = {"email": "Ada@Example.com", "display_name": " Ada ", "role": "operator"}


async def test_the_caller_learns_who_they_are_and_what_their_key_allows(service: Service):
    caller = await service.caller(Role.AUDITOR, [Permission.BATCHES_READ, Permission.BATCHES_WRITE])
    shown = (await service.call("GET", "/me", caller)).json()
    assert (shown["user"]["id"], shown["user"]["role"]) == (str(caller.user_id), "auditor")
    assert (shown["permissions"], shown["credential"]) == (["batches:read"], "api-key")


async def test_a_user_is_created_with_a_tidy_address_and_found_again(service: Service, admin: Caller):
    answer = await service.call("POST", "/users", admin, json=ADA)
    created = answer.json()
    assert answer.status_code == 201
    assert (created["email"], created["display_name"], created["disabled_at"]) == ("ada@example.com", "Ada", None)
    assert answer.headers["location"] == f"/api/v3/users/{created['id']}"
    assert (await service.call("GET", f"/users/{created['id']}", admin)).json() == created
    listed = (await service.call("GET", "/users", admin, params={"limit": 200})).json()
    assert created in listed["items"]


async def test_an_address_belongs_to_one_user(service: Service, admin: Caller):
    await service.call("POST", "/users", admin, json=ADA)
    before = await service.row_counts()
    assert_problem(await service.call("POST", "/users", admin, json=ADA), 409, "already-exists")
    assert await service.row_counts() == before


async def test_a_repeated_creation_gets_the_first_answer(service: Service, admin: Caller):
    headers = {"Idempotency-Key": "ada"}
    first = await service.call("POST", "/users", admin, json=ADA, headers=headers)
    second = await service.call("POST", "/users", admin, json=ADA, headers=headers)
    assert (second.status_code, second.json()) == (201, first.json())


@pytest.mark.parametrize(
    "change",
    [{"email": "nobody"}, {"email": "a\x00@example.com"}, {"role": "king"}, {"display_name": "  "}, {"tenant": "a"}],
    ids=str,
)
async def test_an_invalid_user_is_refused(service: Service, admin: Caller, change: dict[str, Any]):
    answer = await service.call("POST", "/users", admin, json=ADA | change)
    problem = assert_problem(answer, 422, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == [f"/body/{next(iter(change))}"]


async def test_a_locked_user_is_out_at_once_and_in_again_when_unlocked(service: Service, admin: Caller):
    caller = await service.caller()
    assert (await service.call("GET", "/me", caller)).status_code == 200
    path = f"/users/{caller.user_id}"
    locked = await service.call("PATCH", path, admin, json={"disabled": True})
    assert locked.json()["disabled_at"] is not None
    assert_problem(await service.call("GET", "/me", caller), 401, "not-authenticated")
    await service.call("PATCH", path, admin, json={"disabled": False})
    assert (await service.call("GET", "/me", caller)).status_code == 200


async def test_a_changed_role_holds_for_the_next_request(service: Service, admin: Caller):
    caller = await service.caller(Role.OPERATOR)
    assert (await service.call("GET", "/batches", caller)).status_code == 200
    await service.call("PATCH", f"/users/{caller.user_id}", admin, json={"role": "auditor"})
    answer = await service.call("POST", "/batches", caller, json={"targets": ["example.com"]})
    assert_problem(answer, 403, "not-permitted")


async def test_a_change_leaves_what_it_does_not_name(service: Service, admin: Caller):
    created = (await service.call("POST", "/users", admin, json=ADA)).json()
    changed = await service.call("PATCH", f"/users/{created['id']}", admin, json={"display_name": "Countess"})
    assert changed.json() == created | {"display_name": "Countess"}


async def test_nobody_locks_or_demotes_themselves(service: Service, admin: Caller):
    for change in ({"disabled": True}, {"role": "operator"}):
        answer = await service.call("PATCH", f"/users/{admin.user_id}", admin, json=change)
        assert_problem(answer, 409, "conflict")
    renamed = await service.call("PATCH", f"/users/{admin.user_id}", admin, json={"display_name": "Root"})
    assert renamed.json()["display_name"] == "Root"


async def test_a_user_who_does_not_exist_is_not_found(service: Service, admin: Caller):
    assert_problem(await service.call("GET", f"/users/{uuid4()}", admin), 404, "not-found")
    assert_problem(await service.call("PATCH", f"/users/{uuid4()}", admin, json={}), 404, "not-found")
