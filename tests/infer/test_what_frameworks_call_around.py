"""Sessions that nobody asks for: decorators beside dependencies, middleware, hooks of jobs and bases of tasks."""

from __future__ import annotations

import pytest

MAKES = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
    "opened = sessionmaker(create_engine('sqlite:///mill.db'))\n"
)
INJECTED = "\n\ndef injected():\n    with opened() as db:\n        yield db\n"
UNIT = "\n\n@contextmanager\ndef unit():\n    with opened() as db:\n        yield db\n\n\n" + "".join(
    f"def grind_{n}():\n    with unit() as db:\n        db.get(object, {n})\n\n\n" for n in range(2)
)
ASKING = "\n\n@router.get('/{0}')\ndef read_{0}(db=Depends(injected)):\n    return db.get(object, {0})\n"
ROUTER = "from fastapi import APIRouter, Depends\n\nfrom mill.db import injected\n\nrouter = APIRouter()\n"


def mill(db: str = MAKES, asking: int = 0, **more: str) -> dict[str, str]:
    files = {"mill/__init__.py": "", "mill/db.py": db}
    if asking:
        files["mill/routes.py"] = ROUTER + "".join(map(ASKING.format, range(asking)))
    return files | {f"mill/{name}.py": text for name, text in more.items()}


AROUND = (
    "from functools import wraps\n\nfrom mill.db import opened\n\n\ndef in_one(work):\n    @wraps(work)\n"
    "    def inner(*given, **named):\n        with opened() as db:\n            done = work({0})\n"
    "            db.commit()\n            return done\n\n    return inner\n"
)
WRAPPED = "from mill.around import in_one\n" + "\n\n@in_one\ndef {0}(db):\n    db.get(object, 1)\n"
GIVEN = ["db, *given, **named", "*given, db=db, **named"]


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize(("asking", "expected"), [(0, True), (2, True), (30, False)])
def test_a_decorator_is_a_way_beside_a_dependency_unless_hardly_anything_is_wrapped_in_it(
    infer, given, asking, expected
):
    wrapped = WRAPPED.format("sift") + WRAPPED.partition("\n")[2].format("husk")
    files = mill(MAKES + INJECTED if asking else MAKES, asking, around=AROUND.format(given), work=wrapped)
    assert ("mill/around.py" in infer(files).policy.session_modules) is expected


def test_one_use_of_a_decorator_beside_a_dependency_makes_it_no_way(infer):
    files = mill(MAKES + INJECTED, 1, around=AROUND.format(GIVEN[0]), work=WRAPPED.format("sift"))
    assert infer(files).policy.session_modules == ("mill/db.py",)


MIDDLEWARE = (
    "from starlette.middleware.base import BaseHTTPMiddleware\n\nfrom mill.db import opened\n\n\n"
    "class Opening(BaseHTTPMiddleware):\n    async def dispatch(self, request, call_next):\n"
    "        with opened() as db:\n            {0}\n            return await call_next(request)\n"
)
FOUND = (
    "from fastapi import FastAPI, Request\n\nfrom mill.before import Opening\n\napp = FastAPI()\n"
    "app.add_middleware(Opening)\n"
)
FINDS = "\n\n@app.get('/found/{0}')\ndef find_{0}(request: Request):\n    return request.state.db.get(object, {0})\n"
KEEPS = "request.state.db = db"


def test_a_middleware_that_opens_the_session_of_requests_is_a_session_module(infer):
    result = infer(mill(before=MIDDLEWARE.format(KEEPS), main=FOUND + FINDS.format(1)))
    assert result.policy.session_modules == ("mill/before.py", "mill/db.py")
    said = "session module mill/before.py: Opening.dispatch() opens the sessions that 1 function works with."
    assert said in result.notes


def test_a_middleware_that_works_with_a_session_of_its_own_is_none(infer):
    result = infer(mill(before=MIDDLEWARE.format("db.add(object())"), main=FOUND))
    assert result.policy.session_modules == ("mill/db.py",)


@pytest.mark.parametrize(("finding", "expected"), [(1, False), (4, True)])
def test_a_middleware_beside_a_dependency_needs_its_share_of_endpoints(infer, finding, expected):
    main = FOUND + "".join(map(FINDS.format, range(finding)))
    files = mill(MAKES + INJECTED, 10, before=MIDDLEWARE.format(KEEPS), main=main)
    assert ("mill/before.py" in infer(files).policy.session_modules) is expected


def test_a_middleware_among_endpoints_is_no_session_module(infer):
    main = FOUND.replace("from mill.before import Opening\n\n", "\n" + MIDDLEWARE.format(KEEPS)) + FINDS.format(1)
    assert infer(mill(main=main)).policy.session_modules == ("mill/db.py",)


BOT = (
    "from aiogram import {1}\n\nfrom mill.db import opened\n\n\nclass Opening({1}):\n"
    "    async def __call__(self, handler, event, data):\n        with opened() as db:\n"
    "            data['db'] = db\n            return await handler(event, data){0}\n"
)


def test_a_middleware_of_a_bot_puts_sessions_among_the_data(infer):
    assert infer(mill(before=BOT.format("", "BaseMiddleware"))).policy.session_modules == (
        "mill/before.py",
        "mill/db.py",
    )


def test_what_else_puts_a_session_into_a_dictionary_is_none(infer):
    assert infer(mill(before=BOT.format("", "Bot"))).policy.session_modules == ("mill/db.py",)


def test_what_ends_transactions_beside_a_middleware_is_to_be_judged(infer):
    beside = "\n\n\ndef answer(db: Session):\n    db.commit()\n"
    bot = "from sqlalchemy.orm import Session\n" + BOT.format(beside, "BaseMiddleware")
    assert infer(mill(before=bot)).policy.session_modules == ("mill/db.py",)


TASKS = (
    "from celery import Task, shared_task\n\nfrom mill.db import opened\n\n\nclass Grinding(Task):\n    _db = None\n\n"
    "    @property\n    def db(self):\n        if self._db is None:\n            self._db = opened()\n"
    "        return self._db\n{0}"
)
CLOSES = (
    "\n    def after_return(self, *given):\n        if self._db is not None:\n            self._db.close()\n"
    "            self._db = None\n"
)
JOB = (
    "from celery import shared_task\n\nfrom mill.base import Grinding\n\n\n@shared_task(base=Grinding, bind=True)\n"
    "def grind(self):\n    self.db.get(object, 1)\n"
)


@pytest.mark.parametrize(
    ("db", "closes", "expected"),
    [
        (MAKES + INJECTED, CLOSES, True),
        (MAKES, "", False),
        ("from contextlib import contextmanager\n" + MAKES + UNIT, CLOSES, False),
    ],
    ids=["closed after each task", "kept as long as the worker", "beside a context of more functions"],
)
def test_a_base_of_tasks_that_opens_for_each_of_them_is_a_session_module(infer, db, closes, expected):
    files = mill(db, "injected" in db, base=TASKS.format(closes), jobs=JOB)
    files["mill/sift.py"] = (
        "from mill.db import unit\n\n\ndef sift():\n    with unit() as db:\n        db.get(object, 3)\n"
    )
    if "unit" not in db:
        del files["mill/sift.py"]
    assert ("mill/base.py" in infer(files).policy.session_modules) is expected


WORKER = (
    "from mill.db import opened\n\n\nasync def before(ctx):\n    ctx['db'] = opened()\n\n\n"
    "async def after(ctx):\n    ctx['db'].close()\n\n\nasync def grind(ctx):\n    ctx['db'].get(object, 1)\n{0}\n\n"
    "class WorkerSettings:\n    functions = [grind]\n    {1} = before\n    {2} = after\n"
)
OF_JOB, OF_WORKER = ("on_job_start", "after_job_end"), ("on_startup", "on_shutdown")


@pytest.mark.parametrize(
    ("more", "names", "expected"),
    [("", OF_JOB, True), ("    ctx['db'].commit()\n", OF_JOB, False), ("", OF_WORKER, False)],
    ids=["a hook of jobs", "a job beside it commits", "one session for all jobs"],
)
def test_a_hook_that_opens_the_session_of_each_job_is_a_session_module(infer, more, names, expected):
    modules = infer(mill(worker=WORKER.format(more, *names))).policy.session_modules
    assert ("mill/worker.py" in modules) is expected


PLUGGED = (
    "from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyPlugin\n\n"
    "config = SQLAlchemyAsyncConfig(connection_string='postgresql+asyncpg://db/x')\n"
)
ASKS = (
    "from litestar import get\nfrom sqlalchemy.ext.asyncio import AsyncSession\n\n\n@get('/')\n"
    "async def flour(db_session: AsyncSession) -> None:\n    await db_session.get(object, 1)\n"
)
STARTED = (
    PLUGGED + "\n\nasync def before(ctx):\n    ctx['maker'] = config.create_session_maker()\n\n\n"
    "class WorkerSettings:\n    from mill.jobs import functions\n\n    functions = functions\n    on_startup = before\n"
)
OPENS = "async def job{0}(ctx):\n    async with ctx['maker']() as session:\n        await session.get(object, 1)\n\n\n"


@pytest.mark.parametrize("plug", ["plugin = SQLAlchemyPlugin(config=config)\n", ""], ids=["plugged in", "not"])
def test_what_feeds_the_plugin_of_litestar_is_a_session_module(infer, plug):
    jobs = "".join(OPENS.format(n) for n in range(3)) + "functions = [job0, job1, job2]\n"
    files = {"mill/db.py": PLUGGED + plug, "mill/flour.py": ASKS, "mill/jobs.py": jobs, "mill/worker.py": STARTED}
    files["mill/main.py"] = "from litestar import Litestar\n\nfrom mill.flour import flour\n\napp = Litestar([flour])\n"
    assert ("mill/db.py" in infer(files).policy.session_modules) is bool(plug)
