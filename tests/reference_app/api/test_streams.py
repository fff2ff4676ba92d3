"""Streams: progress to many watchers and exports, none of which holds a database connection while it is open."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn

from reference_app.live import export
from reference_app.models import ScanStatus
from reference_app.services import batches
from tests.support.processes import free_port
from tests.support.rows import add_pages, end_scan, scan_ids
from tests.support.service import API, Caller, Service, connections_in_use


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The application on a real socket: only there does a stream arrive piece by piece."""
    port = free_port()
    config = uvicorn.Config(service.app, port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=30) as client:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        try:
            yield client
        finally:
            server.should_exit = True
            await task


async def submit(service: Service, caller: Caller, *targets: str) -> str:
    created = await service.call("POST", "/batches", caller, json={"targets": list(targets)})
    return str(created.json()["id"])


async def events(
    client: httpx.AsyncClient, caller: Caller, batch_id: str, found: list[tuple[str, Any]] | None = None
) -> list[tuple[str, Any]]:
    """All events of a stream, read to its end; ``found`` has those that have come so far."""
    found, name = [] if found is None else found, ""
    async with client.stream("GET", f"{API}/batches/{batch_id}/events", headers=caller.headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, json.loads(line.removeprefix("data: "))))
    return found


async def test_a_watcher_sees_every_step_and_the_end(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com", "b.example.com")
    first, second = await scan_ids(batch)
    async with served(service) as client:
        seen: list[tuple[str, Any]] = []
        watching = asyncio.create_task(events(client, operator, batch, seen))
        async with asyncio.timeout(20):
            for number, scan_id in enumerate((first, second)):
                while len(seen) <= number:  # the step before has been told
                    await asyncio.sleep(0.02)
                await end_scan(scan_id, ScanStatus.SUCCEEDED)
            await watching
    steps = [(name, data.get("finished")) for name, data in seen]
    assert steps == [("progress", 0), ("progress", 1), ("progress", 2), ("end", None)]
    assert seen[2][1]["status"] == "completed"


async def test_a_hundred_watchers_hold_no_connection_and_cost_one_reader(
    service: Service, operator: Caller, monkeypatch: pytest.MonkeyPatch
):
    batch = await submit(service, operator, "a.example.com")
    reads = 0
    read = batches.progress_of

    async def counted(*args: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*args)

    monkeypatch.setattr(batches, "progress_of", counted)
    async with served(service) as client:
        watching = [asyncio.create_task(events(client, operator, batch)) for _ in range(100)]
        async with asyncio.timeout(20):
            while len(service.app.state.reference.progress._watchers.get(UUID(batch), ())) < 100:
                await asyncio.sleep(0.05)
        in_use = connections_in_use()
        answers = [await service.call("GET", f"/batches/{batch}", operator) for _ in range(5)]
        before = reads
        await asyncio.sleep(0.5)
        assert reads - before <= 11
        await end_scan((await scan_ids(batch))[0], ScanStatus.SUCCEEDED)
        seen = await asyncio.wait_for(asyncio.gather(*watching), 20)
    assert {answer.status_code for answer in answers} == {200}
    assert in_use <= 1
    assert {events_of[-1][0] for events_of in seen} == {"end"}


async def test_a_watcher_stays_while_the_database_is_away(
    service: Service, operator: Caller, monkeypatch: pytest.MonkeyPatch
):
    batch = await submit(service, operator, "a.example.com")
    read, failures = batches.progress_of, iter([OSError("away")] * 3)

    async def sometimes(*args: Any) -> Any:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await read(*args)

    monkeypatch.setattr(batches, "progress_of", sometimes)
    await end_scan((await scan_ids(batch))[0], ScanStatus.SUCCEEDED)
    async with served(service) as client:
        seen = await asyncio.wait_for(events(client, operator, batch), 10)
    assert [name for name, _ in seen] == ["progress", "end"]


async def test_a_watcher_that_leaves_is_forgotten(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com")
    watchers = service.app.state.reference.progress._watchers
    async with served(service) as client:
        async with client.stream("GET", f"{API}/batches/{batch}/events", headers=operator.headers) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    break
            assert list(watchers) == [UUID(batch)]
        async with asyncio.timeout(10):
            while watchers:
                await asyncio.sleep(0.02)


async def test_a_stream_ends_after_its_time_and_when_the_service_stops(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com")
    async with served(service) as client:
        watching = asyncio.create_task(events(client, operator, batch))
        await asyncio.sleep(0.3)
        service.app.state.reference.progress.close()
        seen = await asyncio.wait_for(watching, 5)
    assert [name for name, _ in seen] == ["progress"]


async def test_an_export_has_a_line_for_each_page_and_each_scan_without_pages(
    service: Service, operator: Caller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(export, "_ROWS_AT_ONCE", 2)
    batch = await submit(service, operator, "a.example.com", "b.example.com", "c.example.com")
    first, second, third = await scan_ids(batch)
    await add_pages(first, 5)
    await end_scan(second, ScanStatus.FAILED, "dns_not_found")
    await add_pages(third, 2)
    expected: list[tuple[str, str | None]] = [("a.example.com", f"Page {n}") for n in range(5)]
    expected += [("b.example.com", None), ("c.example.com", "Page 0"), ("c.example.com", "Page 1")]

    as_json = await service.call("GET", f"/batches/{batch}/export", operator, params={"format": "jsonl"})
    rows = [json.loads(line) for line in as_json.text.splitlines()]
    assert [(row["domain"], row["title"]) for row in rows] == expected
    assert (rows[0]["emails"], rows[0]["status_code"]) == (["a@example.com", "b@example.com"], 200)
    assert (rows[5]["status"], rows[5]["error_code"], rows[5]["url"]) == (
        "failed",
        "dns_not_found",
        "https://b.example.com/",
    )

    as_csv = await service.call("GET", f"/batches/{batch}/export", operator)
    table = list(csv.DictReader(io.StringIO(as_csv.text)))
    assert [(row["domain"], row["title"] or None) for row in table] == expected
    assert table[0]["emails"] == "a@example.com b@example.com"
    assert as_csv.headers["content-disposition"] == f'attachment; filename="batch-{batch}.csv"'


async def test_a_cell_that_a_spreadsheet_would_run_is_made_text(service: Service, operator: Caller):
    batch = await submit(service, operator, "a.example.com")
    await add_pages((await scan_ids(batch))[0], 1, title="=HYPERLINK(1)")
    table = list(csv.DictReader(io.StringIO((await service.call("GET", f"/batches/{batch}/export", operator)).text)))
    assert table[0]["title"] == "'=HYPERLINK(1) 0"


async def test_an_unknown_format_is_refused(service: Service, operator: Caller):
    answer = await service.call("GET", f"/batches/{uuid4()}/export", operator, params={"format": "xml"})
    assert answer.json()["errors"][0]["pointer"] == "/query/format"


async def test_an_export_holds_no_connection_between_its_pieces(
    service: Service, operator: Caller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(export, "_ROWS_AT_ONCE", 1)
    batch = await submit(service, operator, "a.example.com")
    await add_pages((await scan_ids(batch))[0], 4)
    pieces = 0
    async for _ in export.export_stream(UUID(batch), "jsonl"):
        pieces += 1
        assert connections_in_use() == 0
    assert pieces == 4
