"""Load test of the reference service through PgBouncer with five server connections, on this machine alone.

    python benchmarks/reference_load.py            # everything, about eight minutes; writes reference_results.md
    python benchmarks/reference_load.py --quick    # a tenth of it; prints only

Real processes throughout: PostgreSQL, PgBouncer in transaction mode, one API, two workers, the websites, and this
client. Run it on a machine that does nothing else; all of them share its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.pgbouncer import PgBouncer, running_pgbouncer  # noqa: E402
from tests.support.postgres import PostgresServer, running_postgres  # noqa: E402
from tests.support.processes import accepts, free_port, wait_until  # noqa: E402

RESULTS = Path(__file__).with_name("reference_results.md")
SERVER_CONNECTIONS = 5
PAGES_PER_SITE = 5
WORKERS = 2
PREFIX = "REFERENCE_APP_"
SETTINGS = {
    "ENVIRONMENT": "test",
    "ALLOW_LOOPBACK": "true",
    "HOST_DELAY_SECONDS": "0",
    "RATE_LIMIT": "10000000/minute",
    "CREATION_RATE_LIMIT": "10000000/minute",
    "WORKER_CONCURRENCY": "40",
    "WORKER_BATCH_SIZE": "20",
    "QUEUE_POLL_SECONDS": "0.5",
    "LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Plan:
    """How much of everything: sizes, and seconds of each measurement."""

    sites: int
    memory_batches: int
    clients: int
    seconds: float
    forbidden_clients: int
    forbidden_seconds: float


FULL = Plan(1000, 6, 500, 30, 100, 10)
QUICK = Plan(100, 4, 500, 5, 100, 3)


@dataclass
class Sample:
    """What one kind of request met: seconds of each answer, answers by status or error, seconds until the last."""

    seconds: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    lasted: float = 0.0
    last_answer: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds within which `share` of the answers came."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    @property
    def failed(self) -> str:
        """What the answers that were not 200 were instead."""
        return ", ".join(f"{count} times {name}" for name, count in self.outcomes.items() if name != "200")

    @property
    def errors(self) -> int:
        """Answers that were not 200."""
        return sum(count for outcome, count in self.outcomes.items() if outcome != "200")


@contextmanager
def process(*command: str, env: Mapping[str, str], log: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process for the length of the block, ended politely."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env={**os.environ, **env}, stderr=output, text=True, **options
        )
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(60)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


class Bench:
    """The running service and what to ask it with."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.log = folder / "service.log"
        self.postgres: PostgresServer = stack.enter_context(running_postgres())
        self.pooler: PgBouncer = stack.enter_context(running_pgbouncer(self.postgres, SERVER_CONNECTIONS))
        self.database = self.postgres.create_database()
        self.environment = {PREFIX + name: value for name, value in SETTINGS.items()}
        self._run("migrate", PREFIX + "DATABASE_URL", self.postgres.url(self.database))
        self.environment[PREFIX + "DATABASE_URL"] = self.pooler.url(self.database)
        self.key = self._run("keys", "create", "--email", "load@example.com", "--role", "admin").split()[-1]
        self.port = free_port()

    def _run(self, *arguments: str) -> str:
        command = [part for part in arguments if "://" not in part and not part.startswith(PREFIX)]
        changed = {arguments[1]: arguments[2]} if len(arguments) > 2 and arguments[1].startswith(PREFIX) else {}
        result = subprocess.run(
            [sys.executable, "-m", "reference_app", *command],
            cwd=ROOT,
            env={**os.environ, **self.environment, **changed},
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise RuntimeError(result.stderr)
        return result.stdout.strip()

    def start(self, *command: str, port: int | None = None) -> subprocess.Popen[str]:
        """Start a part of the service until the end of the benchmark."""
        environment = self.environment | ({PREFIX + "PORT": str(port)} if port else {})
        started = self._stack.enter_context(process(*command, env=environment, log=self.log, stdout=subprocess.DEVNULL))
        if port:
            wait_until(lambda: accepts(port), f"{command} answers", 60)
        return started

    def websites(self, count: int) -> list[str]:
        """The addresses of `count` local websites."""
        served = self._stack.enter_context(
            process(
                "benchmarks/load_sites.py",
                str(count),
                str(PAGES_PER_SITE),
                env={},
                log=self._folder / "sites.log",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        assert served.stdout is not None
        return [f"http://127.0.0.1:{port}/" for port in json.loads(served.stdout.readline())]

    def client(self) -> aiohttp.ClientSession:
        """An HTTP client with as many connections as anybody asks for, and the service's key."""
        return aiohttp.ClientSession(
            f"http://127.0.0.1:{self.port}",
            headers={"X-API-Key": self.key},
            # Shorter than the server keeps a connection, which it may close just as the next request is sent.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3),
            timeout=aiohttp.ClientTimeout(60),
        )


async def ask(client: aiohttp.ClientSession, path: str, sample: Sample, method: str = "GET") -> None:
    """One request, measured from its sending to the last byte of the answer."""
    began = time.perf_counter()
    try:
        async with client.request(method, path) as response:
            await response.read()
            outcome = str(response.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome = type(error).__name__
    sample.last_answer = time.perf_counter()
    sample.seconds.append(sample.last_answer - began)
    sample.outcomes[outcome] += 1


async def clients_ask(
    client: aiohttp.ClientSession, paths: Sequence[str], count: int, seconds: float, pause: float, method: str = "GET"
) -> Sample:
    """`count` clients at once, each with `pause` seconds on average between an answer and its next request."""
    sample = Sample()
    began = time.perf_counter()
    end = began + seconds

    async def one(number: int) -> None:
        chance = random.Random(number)
        await asyncio.sleep(chance.uniform(0, pause))
        while time.perf_counter() < end:
            await ask(client, chance.choice(paths), sample, method)
            await asyncio.sleep(min(chance.uniform(0, 2 * pause), max(0.0, end - time.perf_counter())))

    await asyncio.gather(*(one(number) for number in range(count)))
    sample.lasted = sample.last_answer - began
    return sample


async def submit(client: aiohttp.ClientSession, urls: Sequence[str]) -> str:
    """Submit a batch; give its id."""
    body = {"targets": list(urls), "max_pages": PAGES_PER_SITE, "concurrency": 100}
    async with client.post("/api/v3/batches", json=body) as response:
        answer = await response.json()
        if response.status != 201:
            raise RuntimeError(answer)
        return str(answer["id"])


async def over(client: aiohttp.ClientSession, batch_id: str) -> dict[str, Any]:
    """The batch, once nothing of it will change."""
    while True:
        async with client.get(f"/api/v3/batches/{batch_id}") as response:
            answer: dict[str, Any] = await response.json()
        if answer.get("status") in ("completed", "cancelled"):
            return answer
        await asyncio.sleep(0.5)


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure_reads(bench: Bench, batch_id: str, plan: Plan) -> list[str]:
    """Reads while nothing else happens: at the pace of people and dashboards, and as fast as the answers come."""
    paths = ["/api/v3/batches?limit=20", f"/api/v3/batches/{batch_id}", f"/api/v3/batches/{batch_id}/scans?limit=20"]
    rows = [
        "| clients | mean pause between requests | requests/s | errors | p50 ms | p95 ms | p99 ms | what failed |",
        "|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for count, pause in ((plan.clients, 5.0), (plan.clients, 2.0), (20, 0.0)):
        async with bench.client() as client:
            await clients_ask(client, paths, 10, 1.0, 0.0)
            sample = await clients_ask(client, paths, count, plan.seconds, pause)
        rows.append(
            f"| {count} | {pause:g} s | {len(sample.seconds) / sample.lasted:.0f} | {sample.errors} "
            f"| {sample.percentile(0.5):.0f} | {sample.percentile(0.95):.0f} | {sample.percentile(0.99):.0f} "
            f"| {sample.failed} |"
        )
    return rows


async def measure_batches(
    client: aiohttp.ClientSession, urls: Sequence[str], workers: Sequence[subprocess.Popen[str]], plan: Plan
) -> list[str]:
    """The same websites scanned batch after batch: speed, and the workers' memory after each."""
    rows = [
        "| batch | domains | pages | seconds | pages/s | pages per worker CPU second | not succeeded | memory MB |",
        "|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    after_first: list[float] = []
    for number in range(1, plan.memory_batches + 1):
        began, cpu = time.perf_counter(), sum(cpu_seconds(worker.pid) for worker in workers)
        batch = await over(client, await submit(client, urls))
        seconds = time.perf_counter() - began
        cpu = sum(cpu_seconds(worker.pid) for worker in workers) - cpu
        progress = batch["progress"]
        pages = progress["pages_scanned"]
        failed = len(urls) - progress["by_status"].get("succeeded", 0)
        after_each = [memory_mb(worker.pid) for worker in workers]
        after_first = after_first or after_each
        memory = " / ".join(f"{megabytes:.0f}" for megabytes in after_each)
        rows.append(
            f"| {number} | {len(urls)} | {pages} | {seconds:.1f} | {pages / seconds:.0f} | {pages / cpu:.0f} "
            f"| {failed} | {memory} |"
        )
    growth = " and ".join(f"{now - first:.0f}" for now, first in zip(after_each, after_first, strict=True))
    more = (plan.memory_batches - 1) * len(urls) * PAGES_PER_SITE
    return [*rows, "", f"From the first batch to the last, {more:,} pages later, the workers grew by {growth} MB."]


WAYS = (
    "mandate",
    "session-per-call",
    "engine-per-call",
    "session-in-session",
    "network-outside-transaction",
    "network-in-transaction",
)


@contextmanager
def forbidden_servers(bench: Bench) -> Iterator[list[str]]:
    """Two fresh processes of `forbidden_ways`, so that no way suffers from the one before; gives their addresses."""
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        for port in ports:
            command = ("-m", "uvicorn", "benchmarks.forbidden_ways:app", "--port", str(port), "--log-level", "critical")
            stack.enter_context(process(*command, env=bench.environment, log=bench.log, stdout=subprocess.DEVNULL))
        for port in ports:
            wait_until(lambda port=port: accepts(port), "the server answers", 60)  # type: ignore[misc]
        yield [f"http://127.0.0.1:{port}" for port in ports]


async def measure_forbidden(bench: Bench, batch_id: str, plan: Plan) -> list[str]:
    """The same read and write, the mandated way and the forbidden ways, two processes behind the same pooler."""
    rows = ["| way | good/s | errors | p50 ms | p99 ms | what failed |", "|---|--:|--:|--:|--:|---|"]
    patience = aiohttp.ClientTimeout(30)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=patience) as client:
        for way in WAYS:
            with forbidden_servers(bench) as servers:
                paths = [f"{server}/{way}/{batch_id}" for server in servers]
                await clients_ask(client, paths[:1] * 2 + paths[1:] * 2, 4, 0.5, 0.1)
                sample = await clients_ask(client, paths, plan.forbidden_clients, plan.forbidden_seconds, 0.1)
            rows.append(
                f"| {way} | {sample.outcomes['200'] / sample.lasted:.0f} "
                f"| {100 * sample.errors / max(1, len(sample.seconds)):.1f} % "
                f"| {sample.percentile(0.5):.0f} | {sample.percentile(0.99):.0f} | {sample.failed} |"
            )
        rows += ["", "| write that fails half-way | requests | rows left behind |", "|---|--:|--:|"]
        with forbidden_servers(bench) as servers:
            for way in ("mandate", "commit-in-service"):
                sample = await clients_ask(client, [f"{servers[0]}/write/{way}"], 20, 1.0, 0.1, "POST")
                count = f"SELECT count(*) FROM connection_probes WHERE note = '{way}'"
                rows.append(f"| {way} | {len(sample.seconds)} | {bench.postgres.sql(count, bench.database)} |")
    return rows


async def pool_metrics(client: aiohttp.ClientSession) -> str:
    """What the API's pool went through, from its own metrics."""
    async with client.get("/metrics") as response:
        lines = [line.rsplit(" ", 1) for line in (await response.text()).splitlines() if not line.startswith("#")]
    values = {name: float(value) for name, value in lines}
    waits = values["reference_app_pool_wait_seconds_count"]
    long_waits = waits - values['reference_app_pool_wait_seconds_bucket{le="5.0"}']
    return (
        f"The API's pool, at most {values['reference_app_pool_limit']:.0f} connections: {waits:.0f} check-outs, "
        f"{long_waits:.0f} of them waited longer than 5 s (the limit is 10 s), "
        f"{values['reference_app_connection_errors_total']:.0f} connection errors."
    )


async def measure(bench: Bench, plan: Plan) -> str:
    """Run everything; give the report."""
    bench.start("-m", "reference_app", "serve", port=bench.port)
    workers = [bench.start("-m", "reference_app", "worker") for _ in range(WORKERS)]
    urls = bench.websites(plan.sites)
    async with bench.client() as client:
        parts = ["## Batches", ""]
        parts += await measure_batches(client, urls, workers, plan)
        batch_id = await submit(client, urls[:50])
        await over(client, batch_id)
        parts += ["", "## Reads", ""]
        parts += await measure_reads(bench, batch_id, plan)
        parts += ["", await pool_metrics(client)]
    for worker in workers:
        worker.terminate()
        with suppress(subprocess.TimeoutExpired):
            worker.wait(60)
    parts += ["", "## The forbidden ways", ""]
    parts += await measure_forbidden(bench, batch_id, plan)
    return "\n".join(parts)


def heading(plan: Plan) -> str:
    """Where and how this was measured."""
    return (
        "# Load test of the reference service\n\n"
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}. Written by `python benchmarks/reference_load.py`. PostgreSQL, PgBouncer "
        f"({SERVER_CONNECTIONS} server connections, transaction mode), one API process, {WORKERS} workers, "
        f"{plan.sites} websites and the clients share the cores; politeness is off, to see the service's own speed.\n"
    )


def main() -> None:
    """Measure, print, and write the results unless told to be quick."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything; prints only")
    parser.add_argument("--logs", type=Path, default=ROOT / "benchmarks" / ".cache" / "reference", help="where logs go")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    arguments.logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        report = heading(plan) + "\n" + asyncio.run(measure(Bench(stack, arguments.logs), plan)) + "\n"
    print(report)
    if not arguments.quick:
        RESULTS.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
