"""What operators see: metrics, logs with the request's id, traces."""

from __future__ import annotations

import asyncio
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from reference_app.jobs.queue import ScanJob
from reference_app.models import Batch, Role
from reference_app.session import get_session
from tests.reference_app.conftest import Database
from tests.support.service import Caller, Service, running_service


async def metrics_of(service: Service, reader: Caller) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by name and label values."""
    answer = await service.call("GET", "/metrics", headers={"Authorization": f"Bearer {reader.key}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


async def test_requests_transactions_refusals_and_the_queue_are_counted(service: Service):
    auditor, operator = await service.caller(Role.AUDITOR), await service.caller()
    before = await metrics_of(service, auditor)
    await service.call("POST", "/batches", operator, json={"targets": ["a.example.com", "b.example.com"]})
    await service.call("GET", "/users", operator)
    await service.call("GET", "/me")
    await service.call("GET", "/nothing")
    after = await metrics_of(service, auditor)

    def grown(name: str, *labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    requests = "reference_app_http_request_seconds_count"
    assert grown(requests, "POST", "/api/v3/batches", "201") == 1
    assert grown(requests, "GET", "/api/v3/users", "403") == 1
    assert grown(requests, "GET", "unmatched", "404") == 1
    assert grown("reference_app_auth_failures_total", "forbidden") == 1
    assert grown("reference_app_auth_failures_total", "missing") == 1
    assert grown("reference_app_transactions_total", "committed") >= 2
    assert grown("reference_app_pool_wait_seconds_count") >= 2
    assert after["reference_app_queue_jobs", ("waiting",)] == 2
    assert after["reference_app_pool_limit", ()] == 10


async def test_a_log_line_is_json_with_the_requests_id_and_no_secret(
    database: Database, capsys: pytest.CaptureFixture[str]
):
    async with running_service(database, log_level="INFO") as service:
        caller = await service.caller()
        await service.call("GET", "/me", caller, headers={"X-Request-ID": "request-of-the-log"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    line = next(line for line in lines if line.get("request_id") == "request-of-the-log")
    assert (line["event"], line["route"], line["status"], line["level"]) == ("request", "/api/v3/me", 200, "info")
    assert caller.key not in json.dumps(lines)


async def test_the_requests_id_goes_with_the_batch_and_its_jobs(service: Service, operator: Caller):
    headers = {"X-Request-ID": "request-of-the-job"}
    answer = await service.call("POST", "/batches", operator, json={"targets": ["a.example.com"]}, headers=headers)
    async with get_session() as session, session.begin():
        batch = await session.get(Batch, UUID(answer.json()["id"]))
        job = (await session.execute(text("SELECT payload, headers FROM pgqueuer"))).one()
    assert batch is not None
    assert batch.request_id == "request-of-the-job"
    kept = json.loads(job.headers) if isinstance(job.headers, str) else job.headers
    assert ScanJob.parse(job.payload, kept).request_id == "request-of-the-job"


async def test_traces_of_requests_and_statements_reach_a_collector_that_is_named(database: Database):
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
        async with running_service(database, otlp_endpoint=endpoint) as service:
            caller = await service.caller()
            assert (await service.call("GET", "/me", caller)).status_code == 200
        await asyncio.to_thread(server.shutdown)
    finally:
        server.server_close()
    sent = b"".join(received)
    assert b"GET /api/v3/me" in sent
    assert b"SELECT" in sent
