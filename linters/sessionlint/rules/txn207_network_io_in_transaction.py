"""TXN207: waiting on the network while a transaction is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.transactions import called, down_to, one_per_call, owned

if TYPE_CHECKING:
    from sessionlint.program.api import Program

META = Rule(
    code="TXN207",
    name="network-io-in-transaction",
    summary="An HTTP, socket, LLM, mail or sleep call waits while a transaction is open.",
    rationale=(
        "While the call waits, the transaction keeps its row locks and its database connection; through a transaction "
        "pooler also one of the few server connections everybody shares (throughput was measured with 5 of them). A "
        "slow provider then stops requests that have nothing to do with it, and `idle_in_transaction_session_timeout` "
        "may kill the transaction under the call. When the transaction rolls back, what the call did stays done."
    ),
    remedy=(
        "Three steps: read what the call needs in one transaction, make the call with none open, store the answer in a "
        "second one."
    ),
    not_flagged=(
        "Calls before or after the block, also between two blocks; work that is only scheduled inside it; functions "
        "that wait but are called outside; clients that are only created inside the block."
    ),
)

BAD = [
    Bad(
        """
import asyncio
import smtplib
import time

import httpx
import requests
from openai import AsyncOpenAI

from app.services import notify
from app.session import engine, get_session, session_factory

client = AsyncOpenAI()


async def work(url: str) -> None:
    async with get_session() as session:
        async with session.begin():
            async with httpx.AsyncClient() as http:
                response = await http.get(url)  # TXN207@34
            await client.chat.completions.create(model="m", messages=[])  # TXN207@19
            await asyncio.sleep(1)  # TXN207@19
            await notify.tell_everybody([url])  # TXN207@19
            session.add(response)


async def factory_block(url: str) -> None:
    async with session_factory.begin() as session:
        session.add(requests.get(url))  # TXN207@21
        await asyncio.gather(notify.post(url), notify.post(url))  # TXN207@30 TXN207@48


async def engine_block() -> None:
    async with engine.begin() as connection:
        time.sleep(1)  # TXN207@9
        await asyncio.to_thread(requests.post, "url")  # TXN207@15
        await asyncio.get_running_loop().run_in_executor(None, notify.call)  # TXN207@15
        with smtplib.SMTP("mail") as mail:
            mail.send_message("hello")  # TXN207@13
        await connection.run_sync(print)
# --- app/services/notify.py
import httpx


async def tell_everybody(urls):
    for url in urls:
        await post(url)


def call():
    httpx.get("http://localhost")


async def post(url):
    async with httpx.AsyncClient(timeout=5) as client:
        await client.post(url, json={})
""".replace("import asyncio", "# --- app/tasks/work.py\nimport asyncio", 1)
    ),
    Bad(
        """
# --- app/services/units.py
from contextlib import asynccontextmanager

from app.session import get_session


@asynccontextmanager
async def unit_of_work():
    async with get_session() as session:
        async with session.begin():
            yield session
# --- app/services/fetching.py
import aiohttp


class Fetcher:
    def __init__(self) -> None:
        self.http = aiohttp.ClientSession()

    async def fetch(self, url):
        async with self.http.get(url) as response:
            return await response.read()
# --- app/routers/pages.py
from fastapi import APIRouter, Depends

from app.services.fetching import Fetcher
from app.services.units import unit_of_work
from app.session import get_session_dependency

router = APIRouter()


@router.post("/pages")
async def scan(url: str, session=Depends(get_session_dependency)):
    fetcher = Fetcher()
    async with session.begin():
        session.add(await fetcher.fetch(url))  # TXN207@27
    async with unit_of_work() as other:
        page = await fetcher.fetch(url)  # TXN207@22
        other.add(page)
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/tasks/work.py
import asyncio

import httpx

from app.session import get_session

TASKS: set = set()


async def fetch(url: str) -> str:
    async with httpx.AsyncClient() as http:
        response = await http.get(url)
    return response.text


async def work(url: str) -> None:
    async with get_session() as session:
        async with session.begin():
            session.add(object())
            http = httpx.AsyncClient()
            task = asyncio.create_task(fetch(url))
            other = asyncio.create_task(http.get(url))
            TASKS.update({task, other})
        text = await fetch(url)
        await asyncio.sleep(0)
        async with session.begin():
            session.add(text)


class Cache:
    def get(self, key: str) -> str:
        return key


async def cached(session) -> None:
    async with session.begin():
        requests = Cache()
        session.add(requests.get("httpx.get(url)"))

        async def later() -> None:
            await fetch("url")

        session.add(later)
# --- app/routers/pages.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session_dependency
from app.tasks.work import fetch

router = APIRouter()


@router.post("/pages")
async def scan(tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())
        tasks.add_task(fetch, "url")
    return await fetch("url")
"""
    ),
    Good(
        """
import time

from app.session import session_factory


async def test_slow() -> None:
    async with session_factory.begin():
        time.sleep(1)
""",
        path="tests/test_slow.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per call that waits, itself or further down."""
    waits = (
        e
        for e in program.events("network", "effect")
        if (e.kind == "network" or e.text == "network") and owned(e) and not program.is_exempt(e.function)
    )
    for event in one_per_call(waits):
        opened = owned(event)[-1]
        trace = [program.step(opened.site, "the transaction is opened here"), *down_to(program, event)]
        what = f"`{called(event)}` waits on the network"
        if event.name.endswith("sleep"):
            what = f"`{called(event)}` sleeps"
        message = (
            f"{what} while the transaction opened on line {opened.site[1][0]} is open. Make the call before the block "
            "or after it, and store the answer in a transaction of its own."
        )
        yield program.finding(META, event, message, trace)
