"""Runs the service: API and worker together for trying out, or each alone as a deployment does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from prometheus_client import start_http_server

from reference_app.commands.accounts import create_first_key
from reference_app.commands.migrate import migrate
from reference_app.jobs.worker import run_worker
from reference_app.main import create_app
from reference_app.observability.logs import get_logger
from reference_app.session import open_database
from reference_app.settings import ENVIRONMENT_PREFIX, Settings

_log = get_logger(__name__)

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIRST_RESTART_SECONDS = 1.0
_LONGEST_RESTART_SECONDS = 30.0
# Somebody who stops a service that they are trying out does not want to wait for its scans: they are put back.
_LONGEST_GRACE_BESIDE_API = 3.0
_SECONDS_TO_STOP_AFTER_GRACE = 15.0


async def serve(settings: Settings) -> None:
    """Serves the API until a signal ends it."""
    app = create_app(settings)
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False
    )
    await ApiServer(config, app.state.reference.progress.close).serve()


class ApiServer(uvicorn.Server):
    """A server that ends open streams when it is told to stop, instead of waiting for their watchers."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Lets SIGINT and SIGTERM end the serving and nothing more, so that what stands around it is put away too."""
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Ends the streams, then everything else."""
        self._end_streams()
        await super().shutdown(sockets)  # type: ignore[arg-type]


async def start(settings: Settings, announce: Callable[[str], None]) -> None:
    """Migrates, makes the first API key and announces it, then serves the API with a worker beside it."""
    await migrate(settings)
    async with open_database(settings):
        key = await create_first_key(settings)
    if key is not None:
        announce(f"Your first API key, shown this once: {key}")
    announce(f"Serving on http://{settings.host}:{settings.port}/api/v3/docs")
    supervisor = asyncio.create_task(_keep_worker(settings), name="worker-supervisor")
    try:
        await serve(settings)
    finally:
        supervisor.cancel()
        await asyncio.gather(supervisor, return_exceptions=True)


async def work(settings: Settings, *, stop_with_parent: bool) -> None:
    """Works on jobs until a signal ends it, or until standard input ends, if it is the parent's pipe."""
    shutdown = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, shutdown.set)
    if stop_with_parent:
        _set_at_end_of_input(shutdown)
    if settings.worker_metrics_port is not None:
        start_http_server(settings.worker_metrics_port, settings.host)
    await run_worker(settings, shutdown)


def _set_at_end_of_input(event: asyncio.Event) -> None:
    loop, standard_input = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        if not os.read(standard_input, 1024):
            loop.remove_reader(standard_input)
            event.set()

    loop.add_reader(standard_input, read)


async def _keep_worker(settings: Settings) -> None:
    grace = min(settings.shutdown_grace_seconds, _LONGEST_GRACE_BESIDE_API)
    settings = settings.model_copy(update={"shutdown_grace_seconds": grace})
    wait = _FIRST_RESTART_SECONDS
    while True:
        started = asyncio.get_running_loop().time()
        await _run_worker_process(settings)
        if asyncio.get_running_loop().time() - started > _LONGEST_RESTART_SECONDS:
            wait = _FIRST_RESTART_SECONDS
        _log.error("worker-ended", restart_in_seconds=wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_RESTART_SECONDS)


async def _run_worker_process(settings: Settings) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "reference_app", "worker", "--stop-with-parent"),
        stdin=asyncio.subprocess.PIPE,
        env=_environment_of(settings),
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), settings.shutdown_grace_seconds + _SECONDS_TO_STOP_AFTER_GRACE)
        if process.returncode is None:
            process.kill()
            await process.wait()


def _environment_of(settings: Settings) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}
    for name, value in settings:
        if value is not None:
            text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
            own[ENVIRONMENT_PREFIX + name.upper()] = text
    return own
