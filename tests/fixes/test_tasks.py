"""A task that nobody holds is kept until it is done."""

from tests.fixes.support import fixed

BEFORE = '''\
"""Doc."""

import asyncio

from app.session import get_session


async def work(task):
    async with get_session() as session:
        await session.execute("x")


async def start():
    # started at once
    asyncio.create_task(work(1))
    asyncio.ensure_future(
        work(2)
    )
'''
AFTER = '''\
"""Doc."""

import asyncio

from app.session import get_session

_background_tasks: set[asyncio.Task[None]] = set()


async def work(task):
    async with get_session() as session:
        await session.execute("x")


async def start():
    # started at once
    task = asyncio.create_task(work(1))
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
    task = asyncio.ensure_future(
        work(2)
    )
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
'''


def test_tasks_are_kept_in_a_set_of_the_module():
    result = fixed({"app/services/work.py": BEFORE}, select=("TXN605",), unsafe=False)
    assert result.files["app/services/work.py"] == AFTER
    assert [f.code for f in result.findings if f.code == "TXN605"] == []


def test_a_name_that_is_taken_is_left_alone():
    result = fixed(
        {
            "app/services/work.py": BEFORE.replace(
                "async def start():", "async def start(task, _background_tasks):"
            ).replace("\n\n\nasync def work", "\n\n_background_tasks = []\n\n\nasync def work", 1)
        },
        select=("TXN605",),
    )
    text = result.files["app/services/work.py"]
    assert "_background_tasks_: set[asyncio.Task[None]] = set()" in text
    assert "task_2 = asyncio.create_task(work(1))" in text


def test_a_task_that_is_used_where_it_is_made_is_refused():
    text = BEFORE.replace("    asyncio.create_task(work(1))\n", "    print(asyncio.create_task(work(1)))\n")
    result = fixed({"app/services/work.py": text}, select=("TXN605",))
    assert "print(asyncio.create_task(work(1)))" in result.files["app/services/work.py"]
