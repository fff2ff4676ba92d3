"""A plan groups a service with the functions that call it, and every step is lawful by itself."""

from __future__ import annotations

from sessionlint.fixes.bench import Bench
from sessionlint.fixes.plan import planned
from sessionlint.fixes.rounds import Options
from sessionlint.fixes.telling import commit_message
from sessionlint.rules import examples
from tests.fixes.stub import fixers, replacing

SERVICE = """\
import asyncio


async def scan(number):
    asyncio.create_task(asyncio.sleep({0}))
"""
ROUTER = """\
import asyncio

from app.services import orders, users


async def order():
    await orders.scan(1)
    asyncio.create_task(asyncio.sleep(10))


async def user():
    await users.scan(1)
    asyncio.create_task(asyncio.sleep(20))


async def alone():
    asyncio.create_task(asyncio.sleep(30))
"""
FILES = {
    "app/services/orders.py": SERVICE.format(1),
    "app/services/users.py": SERVICE.format(2),
    "app/services/quiet.py": "async def rest():\n    pass\n",
    "app/routers/all.py": ROUTER,
}


def test_a_service_and_its_owners_are_one_step_and_what_is_left_goes_file_by_file(monkeypatch):
    sources = {path: text.encode() for path, text in {**examples.SUPPORT, **FILES}.items()}
    bench = Bench(examples.policy_for({}).root, examples.policy_for({}))
    options = Options(wanted=lambda finding: finding.code == "TXN605")
    with fixers(monkeypatch, {"TXN605": replacing("asyncio.create_task(asyncio.sleep(", "await (asyncio.sleep(")}):
        steps, outcome = planned(bench, bench.state(sources), options)
    assert [(step.subject, [f"{f.path}:{f.span.line}" for c in step.changes for f in c.targets]) for step in steps] == [
        ("app/services/orders.py and its owners in app/routers/all.py",
         ["app/routers/all.py:8", "app/services/orders.py:5"]),
        ("app/services/users.py and its owners in app/routers/all.py",
         ["app/routers/all.py:13", "app/services/users.py:5"]),
        ("app/routers/all.py", ["app/routers/all.py:17"]),
    ]  # fmt: skip
    assert b"create_task" not in b"".join(outcome.after.sources.values())
    for step in steps:
        assert len(step.outcome.after.findings) < len(step.outcome.before.findings)
    assert steps[0].outcome.after is steps[1].outcome.before
    assert commit_message(steps[0]) == (
        "app/services/orders.py: fix TXN605\n\n"
        "- Replace asyncio.create_task(asyncio.sleep(: TXN605 app/routers/all.py:8\n"
        "- Replace asyncio.create_task(asyncio.sleep(: TXN605 app/services/orders.py:5\n"
    )
