"""Background work gets its own session and starts after the commit; coroutines do not share a session."""

import pytest

from tests.fixes.support import fixed

HEADER = """\
import asyncio

import anyio
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session, get_session_dependency
from app.tasks.scan import scan

router = APIRouter()


async def load(session, item_id):
    return await session.get(Item, item_id)


async def wait(session, event):
    await event.wait()
    return await session.get(Item, 1)


"""
SCAN = "async def scan(item_id):\n    return item_id\n"
START = """\
@router.post("/")
async def start(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
"""


def fixed_body(code: str, function: str, body: str, scan: str = SCAN) -> tuple[str, list[str], str]:
    """What a function becomes, why its findings were refused, and what the module of tasks becomes."""
    lines = "".join(f"    {line}\n" for line in body.strip("\n").split("\n"))
    files = {"app/routers/items.py": f"{HEADER}{function}{lines}", "app/tasks/scan.py": scan}
    result = fixed(files, select=(code,))
    text = result.files["app/routers/items.py"]
    after = text[text.index(function) + len(function) :]
    if result.findings:
        assert dict(result.files) == files
    reasons = [reason.removeprefix(f"{code} ") for reason in result.reasons]
    return (
        "\n".join(line.removeprefix("    ") for line in after.rstrip("\n").split("\n")),
        reasons,
        result.files["app/tasks/scan.py"],
    )


def refusal(code: str, body: str, function: str = START, scan: str = SCAN) -> str:
    """Why a body is refused, without the place."""
    _, reasons, _ = fixed_body(code, function, body, scan)
    (reason,) = {reason.partition(": ")[2] for reason in reasons}
    return reason


def test_scheduling_moves_below_the_transaction_with_what_it_reads_of_rows() -> None:
    body = """
async with session.begin():
    item = Item(name="x")
    session.add(item)
    # later
    tasks.add_task(scan, item.id)  # soon
    tasks.add_task(scan, item_id=str(item.id))
    return {"id": item.id}
"""
    after, reasons, _ = fixed_body("TXN603", START, body)
    assert reasons == []
    assert (
        after
        == """\
async with session.begin():
    item = Item(name="x")
    session.add(item)
    item_id = item.id
    item_id_2 = str(item.id)
    result = {"id": item.id}
# later
tasks.add_task(scan, item_id)  # soon
tasks.add_task(scan, item_id=item_id_2)
return result"""
    )


def test_scheduling_moves_below_the_commit() -> None:
    body = """
session.add(Item(name="x"))
tasks.add_task(scan, 1)
await session.commit()
return 1
"""
    after, reasons, _ = fixed_body("TXN603", START, body)
    assert reasons == []
    assert after == 'session.add(Item(name="x"))\nawait session.commit()\ntasks.add_task(scan, 1)\nreturn 1'


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (
            "if session:\n        tasks.add_task(scan, 1)",
            "the work is scheduled only on some ways through the transaction block",
        ),
        ("tasks.add_task(scan, 1)\n    if session:\n        return 2", "the block may be left before its end"),
        (
            "name = 1\n    tasks.add_task(scan, name)\n    name = 2",
            "name is set or used between here and the end of the transaction",
        ),
        ("tasks.add_task(scan, *[1])", "the arguments are not written out"),
        ("print(asyncio.create_task(scan(1)).get_name())", ""),
    ],
)
def test_scheduling_that_cannot_move_is_refused(inside: str, reason: str) -> None:
    body = f"async with session.begin():\n    session.add(Item(name='x'))\n    {inside}"
    if reason:
        assert refusal("TXN603", body) == reason
    else:
        after, reasons, _ = fixed_body("TXN603", START, body)
        assert (reasons, after.split("\n")[-1]) == ([], "print(asyncio.create_task(scan(1)).get_name())")


WORK = """\
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def scan(session: AsyncSession, item_id):
    \"\"\"Looks at an item.\"\"\"
    # the item
    item = await session.get(Item, item_id)
    item.status = "seen"
"""


def test_a_background_function_opens_its_own_session() -> None:
    after, reasons, scan = fixed_body("TXN601", START, "tasks.add_task(scan, session, 1)", WORK)
    assert (reasons, after) == ([], "tasks.add_task(scan, 1)")
    assert (
        scan
        == """\
from app.models.item import Item
from app.session import get_session


async def scan(item_id):
    \"\"\"Looks at an item.\"\"\"
    # the item
    async with get_session() as session, session.begin():
        item = await session.get(Item, item_id)
        item.status = "seen"
"""
    )


def test_a_background_function_that_begins_itself_only_gets_the_session() -> None:
    work = WORK + "    await session.commit()\n"
    _, reasons, scan = fixed_body("TXN601", START, "asyncio.create_task(scan(session, item_id=1))", work)
    assert reasons == []
    assert "    async with get_session() as session:\n" in scan


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "await scan(session, 1)\ntasks.add_task(scan, session, 1)",
            "scan() is also called with the session of its caller",
        ),
        ("known = [scan]\ntasks.add_task(scan, session, 1)", "scan() is passed on without being called"),
        ("tasks.add_task(scan, session, Item(name='x'))", "a row (Item) is passed on, too; pass its id"),
        ("tasks.add_task(lambda: scan(session, 1))", "the background function is a closure over the session"),
        ("asyncio.create_task(session.get(Item, 1))", "what is started is not known"),
    ],
)
def test_background_functions_that_need_the_request_s_session_are_refused(body: str, reason: str) -> None:
    assert refusal("TXN601", body, scan=WORK) == reason


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("await asyncio.gather(load(session, 1), load(session, 2))", "await load(session, 1)\nawait load(session, 2)"),
        (
            "a, b = await asyncio.gather(load(session, 1), load(session, 2))",
            "a = await load(session, 1)\nb = await load(session, 2)",
        ),
        (
            "a = b = 0\na, b = await asyncio.gather(load(session, b), load(session, a))",
            "a = b = 0\na, b = [await load(session, b), await load(session, a)]",
        ),
        (
            "return await asyncio.gather(*(load(session, i) for i in (1, 2) if i))",
            "return [await load(session, i) for i in (1, 2) if i]",
        ),
        (
            "await asyncio.gather(*[load(session, i) for i in (1, 2) if i])",
            "for i in (1, 2):\n    if i:\n        await load(session, i)",
        ),
        (
            "i = 0\nawait asyncio.gather(*[load(session, i) for i in (1, 2)])\nreturn i",
            "i = 0\n[await load(session, i) for i in (1, 2)]\nreturn i",
        ),
    ],
)
def test_coroutines_on_one_session_are_awaited_one_after_the_other(before: str, after: str) -> None:
    result = fixed_body("TXN602", "async def both(session: AsyncSession):\n", before)
    assert result[:2] == (after, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "async with asyncio.TaskGroup() as tasks:\n    # the first\n    tasks.create_task(load(session, 1))\n"
            "    tasks.create_task(load(session, 2))\nreturn 1",
            "# the first\nawait load(session, 1)\nawait load(session, 2)\nreturn 1",
        ),
        (
            "async with asyncio.TaskGroup() as tasks:\n    one = tasks.create_task(load(session, 1))\n"
            "    two = tasks.create_task(load(session, 2))\nreturn one.result(), await two",
            "one = await load(session, 1)\ntwo = await load(session, 2)\nreturn one, two",
        ),
        (
            "async with asyncio.TaskGroup() as tasks:\n    for i in (1, 2):\n        if i:\n"
            "            tasks.create_task(load(session, i))",
            "for i in (1, 2):\n    if i:\n        await load(session, i)",
        ),
        (
            "async with anyio.create_task_group() as tasks:\n    tasks.start_soon(load, session, 1)\n"
            "    tasks.start_soon(load, session, 2)",
            "await load(session, 1)\nawait load(session, 2)",
        ),
        (
            "one = asyncio.create_task(load(session, 1))\ntwo = asyncio.create_task(load(session, 2))\n"
            "return await one, await two",
            "one = await load(session, 1)\ntwo = await load(session, 2)\nreturn one, two",
        ),
        (
            "task = asyncio.create_task(load(session, 1))\nitem = await session.get(Item, 2)\nawait task\nreturn item",
            "await load(session, 1)\nitem = await session.get(Item, 2)\nreturn item",
        ),
    ],
)
def test_tasks_on_one_session_give_way_to_their_coroutines(before: str, after: str) -> None:
    result = fixed_body("TXN602", "async def both(session: AsyncSession):\n", before)
    assert result[:2] == (after, [])


GROUP = "async with asyncio.TaskGroup() as tasks:\n"
TWO = "    tasks.create_task(load(session, 1))\n    tasks.create_task(load(session, 2))\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            f"{GROUP}{TWO}    ready.set()",
            "the block does more than starting tasks, and one of them may wait for it",
        ),
        (
            f"{GROUP}    helper(tasks)\n{TWO}",
            "the block does more than starting tasks, and one of them may wait for it",
        ),
        (
            "try:\n    " + f"{GROUP}{TWO}".replace("\n", "\n    ").rstrip() + "\nexcept* ValueError:\n    pass",
            "a handler asks for the group of errors",
        ),
        (
            f"{GROUP}    one = tasks.create_task(load(session, 1))\n{TWO}return one",
            "one is used for more than its result",
        ),
        (
            "event = asyncio.Event()\ntask = asyncio.create_task(wait(session, event))\n"
            "await session.get(Item, 2)\nevent.set()\nawait task",
            "what is done meanwhile may be what the task waits for",
        ),
        (
            "task = asyncio.create_task(load(session, 1))\nawait session.get(Item, 2)\nif session:\n    await task",
            "task is awaited in another block",
        ),
        (
            "task = asyncio.create_task(load(session, 1))\nawait session.get(Item, 2)\ntask.cancel()\nawait task",
            "task is used for more than being awaited",
        ),
    ],
)
def test_tasks_that_are_more_than_their_results_are_refused(body: str, reason: str) -> None:
    assert refusal("TXN602", body, "async def both(session: AsyncSession):\n") == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "await asyncio.gather(load(session, 1), load(session, 2), return_exceptions=True)",
            "gather() is to give back exceptions, too",
        ),
        (
            "jobs = [load(session, 1), load(session, 2)]\nawait asyncio.gather(*jobs)",
            "the coroutines are not written out in an awaited gather()",
        ),
        (
            "await asyncio.wait_for(asyncio.gather(load(session, 1), load(session, 2)), 1)",
            "the coroutines are not written out in an awaited gather()",
        ),
    ],
)
def test_coroutines_made_elsewhere_are_refused(body: str, reason: str) -> None:
    assert refusal("TXN602", body, "async def both(session: AsyncSession):\n") == reason
