"""A request that fails half-way leaves no row behind: every changing endpoint, with the commit itself failing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from reference_app.models import ScanStatus
from reference_app.observability.database import ObservedSession
from reference_app.routers import endpoints
from tests.support.rows import add_pages, end_scan, scan_ids
from tests.support.service import API, Caller, Service, assert_problem

# No row of its own: a token is signed and kept nowhere.
WRITES_NOTHING = {("POST", f"{API}/tokens")}


@contextmanager
def failing_commits() -> Iterator[None]:
    """Inside the block every transaction fails after its last statement."""

    def fail(session: Session) -> None:
        session.flush()
        raise RuntimeError("the commit failed")

    event.listen(ObservedSession, "before_commit", fail)
    try:
        yield
    finally:
        event.remove(ObservedSession, "before_commit", fail)


async def changes(service: Service, admin: Caller) -> dict[tuple[str, str], tuple[str, Any]]:
    """For every changing endpoint, a path and body with which it succeeds."""
    batch = (
        await service.call("POST", "/batches", admin, json={"targets": ["a.example.com", "b.example.com"]})
    ).json()["id"]
    failed, _ = await scan_ids(batch)
    await add_pages(failed, 3)
    await end_scan(failed, ScanStatus.DEAD)
    user = await service.caller()
    key = (await service.call("GET", "/api-keys", admin)).json()["items"][0]["id"]
    new_user = {"email": "new@example.com", "display_name": "New", "role": "operator"}
    return {
        ("POST", "/batches"): ("/batches", {"targets": ["c.example.com"]}),
        ("POST", "/batches/{batch_id}/cancel"): (f"/batches/{batch}/cancel", None),
        ("POST", "/batches/{batch_id}/retry"): (f"/batches/{batch}/retry", None),
        ("POST", "/scans"): ("/scans", {"target": "c.example.com"}),
        ("POST", "/scans/{scan_id}/retry"): (f"/scans/{failed}/retry", None),
        ("POST", "/users"): ("/users", new_user),
        ("PATCH", "/users/{user_id}"): (f"/users/{user.user_id}", {"role": "auditor"}),
        ("POST", "/api-keys"): ("/api-keys", {"name": "new", "scopes": ["batches:read"]}),
        ("POST", "/api-keys/{key_id}/rotate"): (f"/api-keys/{key}/rotate", None),
        ("DELETE", "/api-keys/{key_id}"): (f"/api-keys/{key}", None),
    }


async def state(service: Service, admin: Caller) -> list[Any]:
    """All that the API shows."""
    shown: list[Any] = [await service.row_counts()]
    for path in ("/batches", "/users", "/api-keys", "/dead-letters"):
        shown.append((await service.call("GET", path, admin)).json())
    for batch in shown[1]["items"]:
        shown.append((await service.call("GET", f"/batches/{batch['id']}/scans", admin)).json())
    return shown


async def test_a_change_whose_commit_fails_changes_nothing(service: Service, admin: Caller):
    known = await changes(service, admin)
    changing = {
        (method, route.path) for route in endpoints() for method in route.methods or () if method not in ("GET", "HEAD")
    }
    assert {(method, API + path) for method, path in known} == changing - WRITES_NOTHING
    before = await state(service, admin)
    for (method, _), (path, body) in known.items():
        with failing_commits():
            answer = await service.call(method, path, admin, json=body, headers={"Idempotency-Key": "k"})
        assert_problem(answer, 500, "internal-error")
        assert await state(service, admin) == before, path


async def test_a_submission_whose_jobs_cannot_be_enqueued_leaves_no_batch(
    service: Service, admin: Caller, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("the queue refused")

    before = await service.row_counts()
    monkeypatch.setattr("reference_app.jobs.queue.enqueue", refuse)
    answer = await service.call("POST", "/batches", admin, json={"targets": ["a.example.com"]})
    problem = assert_problem(answer, 500, "internal-error")
    assert "queue refused" not in problem["detail"]
    assert await service.row_counts() == before


async def test_a_key_of_a_failed_creation_can_be_used_again(service: Service, admin: Caller):
    body, headers = {"targets": ["a.example.com"]}, {"Idempotency-Key": "again"}
    await service.call("GET", "/me", admin)
    with failing_commits():
        await service.call("POST", "/batches", admin, json=body, headers=headers)
    answer = await service.call("POST", "/batches", admin, json=body, headers=headers)
    assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (201, None)
