"""Single scans over HTTP: submitted, read with attempts and pages, retried; dead letters."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from reference_app.models import Role, Scan, ScanStatus
from reference_app.session import get_session
from tests.support.rows import add_pages, end_scan
from tests.support.service import Caller, Service, assert_problem


async def submit(service: Service, caller: Caller, target: str = "example.com") -> dict[str, Any]:
    answer = await service.call("POST", "/scans", caller, json={"target": target})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def test_one_domain_is_submitted_as_a_batch_of_one(service: Service, operator: Caller):
    scan = await submit(service, operator, "HTTP://Example.com/start")
    assert (scan["domain"], scan["url"], scan["status"]) == ("example.com", "http://example.com/start", "queued")
    batch = (await service.call("GET", f"/batches/{scan['batch_id']}", operator)).json()
    assert batch["progress"]["total"] == 1


async def test_a_domain_that_cannot_be_scanned_is_refused_and_leaves_nothing(service: Service, operator: Caller):
    answer = await service.call("POST", "/scans", operator, json={"target": "169.254.169.254"})
    assert_problem(answer, 422, "targets-rejected")
    assert (await service.row_counts())["batches"] == 0


async def test_a_repeated_submission_with_its_key_gets_the_first_answer(service: Service, operator: Caller):
    body, headers = {"target": "example.com"}, {"Idempotency-Key": "once"}
    first = await service.call("POST", "/scans", operator, json=body, headers=headers)
    second = await service.call("POST", "/scans", operator, json=body, headers=headers)
    assert (second.status_code, second.json()) == (201, first.json())


async def test_a_scan_shows_every_attempt_at_it(service: Service, operator: Caller):
    scan = await submit(service, operator)
    await end_scan(UUID(scan["id"]), ScanStatus.DEAD, "timeout")
    shown = (await service.call("GET", f"/scans/{scan['id']}", operator)).json()
    assert (shown["status"], shown["error_code"]) == ("dead", "timeout")
    assert [(t["number"], t["outcome"], t["error_code"]) for t in shown["tries"]] == [(1, "failed", "timeout")]


async def test_pages_are_listed_in_the_order_they_were_read(service: Service, operator: Caller):
    scan = await submit(service, operator)
    await add_pages(UUID(scan["id"]), 5)
    titles: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        options = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await service.call("GET", f"/scans/{scan['id']}/pages", operator, params=options)).json()
        titles += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert titles == [f"Page {number}" for number in range(5)]


async def test_a_dead_scan_is_retried_from_the_beginning(service: Service, operator: Caller):
    scan = await submit(service, operator)
    await add_pages(UUID(scan["id"]), 2)
    await end_scan(UUID(scan["id"]), ScanStatus.DEAD, "timeout")
    again = (await service.call("POST", f"/scans/{scan['id']}/retry", operator)).json()
    assert (again["status"], again["attempts"], again["error_code"]) == ("queued", 0, None)
    pages = (await service.call("GET", f"/scans/{scan['id']}/pages", operator)).json()
    assert pages["items"] == []
    async with get_session() as session, session.begin():
        row = await session.get(Scan, UUID(scan["id"]))
    assert row is not None
    assert row.generation == 2


async def test_a_scan_at_work_or_of_a_cancelled_batch_cannot_be_retried(service: Service, operator: Caller):
    scan = await submit(service, operator)
    assert_problem(await service.call("POST", f"/scans/{scan['id']}/retry", operator), 409, "conflict")
    await service.call("POST", f"/batches/{scan['batch_id']}/cancel", operator)
    await end_scan(UUID(scan["id"]), ScanStatus.FAILED)
    assert_problem(await service.call("POST", f"/scans/{scan['id']}/retry", operator), 409, "conflict")


async def test_dead_letters_are_the_callers_own_the_latest_first(service: Service, operator: Caller):
    colleague, auditor = await service.caller(), await service.caller(Role.AUDITOR)
    mine = [await submit(service, operator) for _ in range(2)]
    theirs = await submit(service, colleague)
    await submit(service, operator)
    for scan in (*mine, theirs):
        await end_scan(UUID(scan["id"]), ScanStatus.DEAD, "timeout")

    async def dead(caller: Caller) -> list[str]:
        found = (await service.call("GET", "/dead-letters", caller)).json()
        return [scan["id"] for scan in found["items"]]

    assert await dead(operator) == [mine[1]["id"], mine[0]["id"]]
    assert await dead(auditor) == [theirs["id"], mine[1]["id"], mine[0]["id"]]
    page = (await service.call("GET", "/dead-letters", operator, params={"limit": 1})).json()
    rest = (await service.call("GET", "/dead-letters", operator, params={"cursor": page["next_cursor"]})).json()
    assert [scan["id"] for scan in page["items"] + rest["items"]] == [mine[1]["id"], mine[0]["id"]]


async def test_a_scan_that_does_not_exist_is_not_found(service: Service, operator: Caller):
    for method, end in [("GET", ""), ("GET", "/pages"), ("POST", "/retry")]:
        assert_problem(await service.call(method, f"/scans/{uuid4()}{end}", operator), 404, "not-found")
