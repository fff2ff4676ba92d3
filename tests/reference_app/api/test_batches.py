"""Batches over HTTP: submitted, read, listed, cancelled, retried."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from reference_app.auth.permissions import Permission
from reference_app.models import Batch, IdempotencyRecord, Role, Scan, ScanStatus
from reference_app.session import get_session
from tests.support.rows import end_scan, scan_ids
from tests.support.service import Caller, Service, assert_problem


async def submit(service: Service, caller: Caller, *targets: str, **options: Any) -> dict[str, Any]:
    answer = await service.call("POST", "/batches", caller, json={"targets": list(targets), **options})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def jobs_waiting() -> int:
    async with get_session() as session, session.begin():
        return int((await session.execute(text("SELECT count(*) FROM pgqueuer"))).scalar_one())


async def test_a_submitted_batch_has_its_scans_and_jobs_and_says_what_became_of_every_domain(
    service: Service, operator: Caller
):
    answer = await service.call(
        "POST",
        "/batches",
        operator,
        json={"targets": ["EXAMPLE.com.", "bad host", "example.com", "bücher.example.com"], "name": "November"},
        headers={"X-Request-ID": "request-of-the-test"},
    )
    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v3/batches/{created['id']}"
    assert [(r["index"], r["text"], r["code"]) for r in created["rejected"]] == [(1, "bad host", "whitespace")]
    assert created["duplicates"] == [{"index": 2, "first_index": 0, "domain": "example.com"}]
    assert created["progress"]["by_status"] == {"queued": 2}
    async with get_session() as session, session.begin():
        scans = (await session.scalars(select(Scan).order_by(Scan.position))).all()
        batch = await session.get(Batch, UUID(created["id"]))
    assert [(s.submitted, s.domain) for s in scans] == [
        ("EXAMPLE.com.", "example.com"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
    ]
    assert batch is not None
    assert (batch.created_by_id, batch.request_id, batch.name) == (
        operator.user_id,
        "request-of-the-test",
        "November",
    )
    assert await jobs_waiting() == 2


async def test_a_whole_batch_is_refused_for_one_bad_domain_if_the_caller_wants_all_or_nothing(
    service: Service, operator: Caller
):
    before = await service.row_counts()
    body = {"targets": ["example.com", "bad host", "10.0.0.1"], "on_invalid": "reject_all"}
    problem = assert_problem(await service.call("POST", "/batches", operator, json=body), 422, "targets-rejected")
    assert [error["pointer"] for error in problem["errors"]] == ["/body/targets/1", "/body/targets/2"]
    assert await service.row_counts() == before


async def test_a_batch_of_which_nothing_is_left_is_refused(service: Service, operator: Caller):
    answer = await service.call("POST", "/batches", operator, json={"targets": ["bad host"]})
    assert_problem(answer, 422, "targets-rejected")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body/targets"),
        ({"targets": []}, "/body/targets"),
        ({"targets": ["a.example.com"], "max_pages": 0}, "/body/max_pages"),
        ({"targets": ["a.example.com"], "max_pages": 1001}, "/body/max_pages"),
        ({"targets": ["a.example.com"], "concurrency": 101}, "/body/concurrency"),
        ({"targets": ["a.example.com"], "max_page": 5}, "/body/max_page"),
        ({"targets": ["a.example.com"], "name": "a\x00b"}, "/body/name"),
        ({"targets": ["a.example.com"] * 10_001}, "/body/targets"),
    ],
    ids=["no body", "no targets", "no pages", "too many pages", "too wide", "misspelt", "nul", "too many"],
)
async def test_an_invalid_submission_names_the_wrong_value_and_leaves_nothing(
    service: Service, operator: Caller, body: dict[str, Any], pointer: str
):
    answer = await service.call("POST", "/batches", operator, json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await service.row_counts())["batches"] == 0


async def test_ten_thousand_domains_are_one_batch(service: Service, operator: Caller):
    created = await submit(service, operator, *(f"site{number}.example.com" for number in range(10_000)))
    assert created["progress"]["total"] == 10_000
    assert (await service.row_counts())["scans"] == 10_000


async def test_a_repeated_submission_with_its_key_creates_nothing_and_gets_the_first_answer(
    service: Service, operator: Caller
):
    body, headers = {"targets": ["example.com"]}, {"Idempotency-Key": "once"}
    first = await service.call("POST", "/batches", operator, json=body, headers=headers)
    second = await service.call("POST", "/batches", operator, json=body, headers=headers)
    assert second.status_code == 201
    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert (await service.row_counts())["batches"] == 1


async def test_twenty_simultaneous_submissions_with_one_key_create_one_batch(service: Service, operator: Caller):
    body, headers = {"targets": ["example.com"]}, {"Idempotency-Key": "once"}
    calls = [service.call("POST", "/batches", operator, json=body, headers=headers) for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await service.row_counts())["batches"] == 1


async def test_a_key_cannot_name_two_different_submissions(service: Service, operator: Caller):
    headers = {"Idempotency-Key": "once"}
    await service.call("POST", "/batches", operator, json={"targets": ["a.example.com"]}, headers=headers)
    other = await service.call("POST", "/batches", operator, json={"targets": ["b.example.com"]}, headers=headers)
    assert_problem(other, 422, "idempotency-key-reused")


async def test_a_key_is_free_again_when_its_time_is_over_and_old_answers_are_removed(
    service: Service, operator: Caller
):
    async def submitted(key: str) -> str:
        headers = {"Idempotency-Key": key}
        answer = await service.call("POST", "/batches", operator, json={"targets": ["a.example.com"]}, headers=headers)
        return str(answer.json()["id"])

    first, _ = await submitted("once"), await submitted("other")
    async with get_session() as session, session.begin():
        await session.execute(update(IdempotencyRecord).values(expires_at=func.now() - timedelta(seconds=1)))
    assert await submitted("once") != first
    assert (await service.row_counts())["idempotency_records"] == 1


async def test_two_callers_may_use_the_same_key(service: Service, operator: Caller):
    colleague = await service.caller()
    body, headers = {"targets": ["example.com"]}, {"Idempotency-Key": "once"}
    mine = await service.call("POST", "/batches", operator, json=body, headers=headers)
    theirs = await service.call("POST", "/batches", colleague, json=body, headers=headers)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_a_refused_submission_does_not_use_its_key_up(service: Service, operator: Caller):
    headers = {"Idempotency-Key": "once"}
    refused = await service.call("POST", "/batches", operator, json={"targets": ["bad host"]}, headers=headers)
    accepted = await service.call("POST", "/batches", operator, json={"targets": ["a.example.com"]}, headers=headers)
    assert (refused.status_code, accepted.status_code) == (422, 201)


async def test_batches_are_the_callers_own_unless_they_may_read_all(service: Service, operator: Caller):
    colleague, auditor = await service.caller(), await service.caller(Role.AUDITOR)
    mine = await submit(service, operator, "a.example.com")
    theirs = await submit(service, colleague, "b.example.com")

    async def seen_by(caller: Caller) -> list[str]:
        return [batch["id"] for batch in (await service.call("GET", "/batches", caller)).json()["items"]]

    assert await seen_by(operator) == [mine["id"]]
    assert await seen_by(auditor) == [theirs["id"], mine["id"]]


async def test_a_colleagues_batch_is_not_there_for_any_operation(service: Service, operator: Caller):
    colleague = await service.caller()
    batch = await submit(service, colleague, "a.example.com")
    scan = (await scan_ids(batch["id"]))[0]
    paths = {
        "GET": ["", "/scans", "/events", "/export"],
        "POST": ["/cancel", "/retry"],
    }
    for method, ends in paths.items():
        for end in ends:
            answer = await service.call(method, f"/batches/{batch['id']}{end}", operator)
            assert_problem(answer, 404, "not-found")
    for method, end in [("GET", ""), ("GET", "/pages"), ("POST", "/retry")]:
        assert_problem(await service.call(method, f"/scans/{scan}{end}", operator), 404, "not-found")


async def test_an_auditor_reads_but_cannot_cancel_and_an_admin_can(service: Service, operator: Caller, admin: Caller):
    batch = await submit(service, operator, "a.example.com")
    auditor = await service.caller(Role.AUDITOR)
    assert (await service.call("GET", f"/batches/{batch['id']}", auditor)).status_code == 200
    assert_problem(await service.call("POST", f"/batches/{batch['id']}/cancel", auditor), 403, "not-permitted")
    assert (await service.call("POST", f"/batches/{batch['id']}/cancel", admin)).json()["status"] == "cancelled"


async def test_a_list_is_read_page_by_page_without_gaps_or_repetitions(service: Service, operator: Caller):
    made = [(await submit(service, operator, "a.example.com"))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        options = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await service.call("GET", "/batches", operator, params=options)).json()
        seen += [batch["id"] for batch in page["items"]]
        cursor = page["next_cursor"]
        pages += 1
    assert (seen, pages) == (made[::-1], 3)


async def test_a_list_is_filtered_by_state(service: Service, operator: Caller):
    kept = await submit(service, operator, "a.example.com")
    cancelled = await submit(service, operator, "a.example.com")
    await service.call("POST", f"/batches/{cancelled['id']}/cancel", operator)
    found = (await service.call("GET", "/batches", operator, params={"status": "queued"})).json()
    assert [batch["id"] for batch in found["items"]] == [kept["id"]]


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJzY2FucyIsMSwiYSJd", "é", "W" * 399, "e30"])
async def test_a_cursor_that_the_list_did_not_hand_out_is_refused(service: Service, operator: Caller, cursor: str):
    answer = await service.call("GET", "/batches", operator, params={"cursor": cursor})
    assert_problem(answer, 422, "invalid-cursor")


async def test_a_cursor_of_another_list_is_refused(service: Service, operator: Caller, admin: Caller):
    for _ in range(2):
        await submit(service, operator, "a.example.com")
    batches = (await service.call("GET", "/batches", operator, params={"limit": 1})).json()
    answer = await service.call("GET", "/users", admin, params={"cursor": batches["next_cursor"]})
    assert_problem(answer, 422, "invalid-cursor")


async def test_scans_are_listed_in_the_order_submitted_and_by_state(service: Service, operator: Caller):
    batch = await submit(service, operator, "c.example.com", "a.example.com", "b.example.com")
    second = (await scan_ids(batch["id"]))[1]
    await end_scan(second, ScanStatus.FAILED, "dns_not_found")
    path = f"/batches/{batch['id']}/scans"
    first_page = (await service.call("GET", path, operator, params={"limit": 2})).json()
    rest = (await service.call("GET", path, operator, params={"cursor": first_page["next_cursor"]})).json()
    domains = [scan["domain"] for scan in first_page["items"] + rest["items"]]
    assert domains == ["c.example.com", "a.example.com", "b.example.com"]
    failed = (await service.call("GET", path, operator, params={"status": "failed"})).json()
    assert [(s["domain"], s["error_code"]) for s in failed["items"]] == [("a.example.com", "dns_not_found")]


async def test_cancelling_ends_what_waits_takes_its_jobs_away_and_may_be_repeated(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com", "b.example.com")
    for _ in range(2):
        answer = await service.call("POST", f"/batches/{batch['id']}/cancel", operator)
        cancelled = answer.json()
        assert (cancelled["status"], cancelled["progress"]["by_status"]) == ("cancelled", {"cancelled": 2})
        assert cancelled["finished_at"] is not None
    assert await jobs_waiting() == 0


async def test_a_complete_batch_cannot_be_cancelled(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com")
    await end_scan((await scan_ids(batch["id"]))[0], ScanStatus.SUCCEEDED)
    assert_problem(await service.call("POST", f"/batches/{batch['id']}/cancel", operator), 409, "conflict")


async def test_retrying_queues_only_what_failed_and_the_batch_is_at_work_again(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com", "b.example.com", "c.example.com")
    ends = (ScanStatus.SUCCEEDED, ScanStatus.FAILED, ScanStatus.DEAD)
    for scan_id, status in zip(await scan_ids(batch["id"]), ends, strict=True):
        await end_scan(scan_id, status)
    done = (await service.call("GET", f"/batches/{batch['id']}", operator)).json()
    assert (done["status"], done["progress"]["finished"]) == ("completed", 3)
    answer = await service.call("POST", f"/batches/{batch['id']}/retry", operator)
    assert answer.json() == {"batch_id": batch["id"], "queued": 2}
    again = (await service.call("GET", f"/batches/{batch['id']}", operator)).json()
    assert (again["status"], again["finished_at"]) == ("running", None)
    assert again["progress"]["by_status"] == {"queued": 2, "succeeded": 1}


async def test_a_batch_in_which_nothing_failed_cannot_be_retried(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com")
    assert_problem(await service.call("POST", f"/batches/{batch['id']}/retry", operator), 409, "conflict")
    await service.call("POST", f"/batches/{batch['id']}/cancel", operator)
    assert_problem(await service.call("POST", f"/batches/{batch['id']}/retry", operator), 409, "conflict")


async def test_a_batch_that_does_not_exist_is_not_found(service: Service, operator: Caller):
    assert_problem(await service.call("GET", f"/batches/{uuid4()}", operator), 404, "not-found")


async def test_a_caller_with_writing_alone_may_not_read(service: Service):
    writer = await service.caller(Role.OPERATOR, [Permission.BATCHES_WRITE])
    created = await submit(service, writer, "a.example.com")
    assert_problem(await service.call("GET", f"/batches/{created['id']}", writer), 403, "not-permitted")
