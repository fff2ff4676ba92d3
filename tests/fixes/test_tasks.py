"""A task that nobody holds is kept until it is done."""

from pathlib import Path

import mypy.api
import pytest

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

_background_tasks: set[asyncio.Task[object]] = set()


async def work(task):
    async with get_session() as session:
        await session.execute("x")


async def start():
    # started at once
    task = asyncio.create_task(work(1))
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
    task_2 = asyncio.ensure_future(
        work(2)
    )
    _background_tasks.add(task_2)
    task_2.add_done_callback(_background_tasks.discard)
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
    assert "_background_tasks_: set[asyncio.Task[object]] = set()" in text
    assert "task_2 = asyncio.create_task(work(1))" in text
    assert "task_3 = asyncio.ensure_future(\n" in text


def test_a_task_that_is_used_where_it_is_made_is_refused():
    text = BEFORE.replace("    asyncio.create_task(work(1))\n", "    print(asyncio.create_task(work(1)))\n")
    result = fixed({"app/services/work.py": text}, select=("TXN605",))
    assert "print(asyncio.create_task(work(1)))" in result.files["app/services/work.py"]


TYPED = """\
import asyncio

{more}
async def count() -> int:
    return 1


async def tell() -> None:
    print("told")


def started() -> "asyncio.Future[tuple[int, None]]":
    return asyncio.ensure_future(asyncio.gather(count(), tell()))


async def start() -> None:
    asyncio.create_task(count())
    asyncio.create_task(tell())
    asyncio.ensure_future(count())
    started()
"""
#: The set that the documentation of ``create_task`` advises where nothing has a result.
OF_NONE = "_background_tasks: set[asyncio.Task[None]] = set()\n"


@pytest.mark.parametrize("more", ["", OF_NONE], ids=["with no set", "with a set of tasks without results"])
def test_what_type_checkers_passed_they_pass_when_it_is_fixed(more: str, tmp_path: Path) -> None:
    path = "app/services/counting.py"
    files = {path: TYPED.format(more=more)}
    result = fixed(files, select=("TXN605",), unsafe=False)
    assert result.findings == []
    for name, text in (("before.py", files[path]), ("after.py", result.files[path])):
        (tmp_path / name).write_text(text)
        told, _, status = mypy.api.run(["--strict", f"--cache-dir={tmp_path / 'cache'}", str(tmp_path / name)])
        assert (told, status) == ("Success: no issues found in 1 source file\n", 0)


def test_a_set_of_tasks_without_results_takes_those_that_have_none():
    start = "async def start():\n    asyncio.create_task(tell())\n"
    text = f"import asyncio\n\n{OF_NONE}\n\nasync def tell() -> None: ...\n\n\n{start}"
    result = fixed({"app/services/telling.py": text}, select=("TXN605",), unsafe=False)
    assert result.files["app/services/telling.py"] == text.replace(
        "    asyncio.create_task(tell())\n",
        "    task = asyncio.create_task(tell())\n"
        "    _background_tasks.add(task)\n"
        "    task.add_done_callback(_background_tasks.discard)\n",
    )
