"""Every way to the database becomes a row, judged by the rules and the policy."""

from __future__ import annotations

from sessionlint.inventory import Inventory, Point, Usage

ROUTER = """\
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency

router = APIRouter()


@router.get("/one")
async def one(session: AsyncSession = Depends(get_session_dependency)):
    return await session.get(object, 1)


@router.get("/two")
async def two(session: AsyncSession = Depends(get_session_dependency)):
    return await session.get(object, 2)
"""
DIRECT = """\
from fastapi import APIRouter

from app.session import session_factory

router = APIRouter()


@router.get("/one")
async def one():
    async with session_factory() as session:
        return await session.get(object, 1)


@router.get("/two")
async def two():
    async with session_factory() as session:
        return await session.get(object, 2)
"""
SERVICE = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def read(session: AsyncSession):
    return await session.get(object, 1)
"""
TASK = """\
from app.session import get_session


async def sweep():
    async with get_session() as session, session.begin():
        await session.get(object, 1)
"""


def points(inventory: Inventory, path: str) -> list[tuple[tuple[tuple[int, int], ...], str, str]]:
    """Lines, method and status of the rows on one file."""
    return [(p.lines, p.method, p.status) for p in inventory.points if p.path == path]


def usage(inventory: Inventory, path: str) -> Usage:
    """The row on one file in the second table."""
    return next(u for u in inventory.usages if u.path == path)


def test_the_session_module_is_listed_with_all_it_makes(audit):
    rows = [p for p in audit({}).points if p.path == "app/session.py"]
    assert [(p.lines, p.method, p.status, p.note) for p in rows] == [
        (((7, 12),), "`create_async_engine(…)`", "correct", "The engine of the session module."),
        (((13, 13),), "`async_sessionmaker(…)`", "correct", "The session factory of the session module."),
        (
            ((18, 18), (23, 23)),
            "`session_factory()`",
            "correct",
            "Opened by get_session(), which the policy approves. (1 more like it.)",
        ),
    ]
    assert {p.module for p in rows} == {"Session"}


def test_injected_sessions_of_one_file_are_one_correct_row(audit):
    inventory = audit({"app/routers/google_maps_api.py": ROUTER})
    assert [p for p in inventory.points if p.path.endswith("maps_api.py")] == [
        Point(
            "Google Maps",
            "app/routers/google_maps_api.py",
            ((10, 10), (15, 15)),
            "`Depends(get_session_dependency)`",
            "correct",
            "Uses the approved dependency.",
        )
    ]
    assert usage(inventory, "app/routers/google_maps_api.py") == Usage(
        "Google Maps", "app/routers/google_maps_api.py", "correct", "Uses dependency injection"
    )


def test_sessions_an_endpoint_opens_itself_require_a_fix(audit):
    inventory = audit({"app/routers/batch.py": DIRECT})
    assert points(inventory, "app/routers/batch.py") == [
        (((10, 10), (16, 16)), "`session_factory()` called directly", "fix required")
    ]
    assert usage(inventory, "app/routers/batch.py") == Usage(
        "Batch", "app/routers/batch.py", "fix required", "`session_factory()` called directly (lines 10, 16)"
    )
    (row,) = [p for p in inventory.points if p.path == "app/routers/batch.py"]
    assert row.codes[0] == "TXN101"
    assert row.note.startswith("session_factory() opens a session outside the session module.")


def test_a_session_parameter_is_correct(audit):
    inventory = audit({"app/services/job_service.py": SERVICE})
    assert points(inventory, "app/services/job_service.py") == [(((4, 4),), "session parameter", "correct")]
    assert usage(inventory, "app/services/job_service.py") == Usage(
        "Job Service", "app/services/job_service.py", "correct", "Uses session parameter"
    )


def test_the_approved_context_manager_is_correct_in_background_work(audit):
    inventory = audit({"app/tasks/sweep.py": TASK})
    assert points(inventory, "app/tasks/sweep.py") == [(((5, 5),), "`get_session()`", "correct")]
    assert usage(inventory, "app/tasks/sweep.py").note == "Uses the approved context manager"


def test_the_approved_context_manager_in_a_service_requires_a_fix(audit):
    inventory = audit({"app/services/sweep.py": TASK})
    assert [(p.status, p.codes) for p in inventory.points if p.path == "app/services/sweep.py"] == [
        ("fix required", ("TXN106",))
    ]


def test_a_warning_asks_for_review_only(audit):
    inventory = audit({"app/services/sweep.py": TASK}, severity={"TXN106": "warning"})
    assert points(inventory, "app/services/sweep.py") == [(((5, 5),), "`get_session()`", "review")]
    assert usage(inventory, "app/services/sweep.py").status == "review"


def test_a_raw_connection_requires_a_fix(audit):
    raw = (
        "import asyncpg\n\n\nasync def read():\n"
        "    connection = await asyncpg.connect('postgresql://db/app')\n    await connection.close()\n"
    )
    assert points(audit({"app/services/raw.py": raw}), "app/services/raw.py") == [
        (((5, 5),), "`asyncpg.connect(…)` called directly", "fix required")
    ]


def test_a_second_factory_and_an_unnamed_context_in_the_session_module_want_review(audit):
    module = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
first = async_sessionmaker(engine)
second = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with first() as session:
        yield session


@asynccontextmanager
async def get_other():
    async with second() as session:
        yield session


async def get_session_dependency():
    async with first() as session:
        yield session
"""
    inventory = audit({"app/session.py": module}, ignore=["TXN5"])
    rows = [(p.lines[0][0], p.status, p.note) for p in inventory.points if p.path == "app/session.py"]
    assert rows == [
        (5, "correct", "The engine of the session module."),
        (6, "correct", "The session factory of the session module."),
        (7, "review", "Another session factory beside the one of app/session.py:6; keep one."),
        (12, "correct", "Opened by get_session(), which the policy approves. (1 more like it.)"),
        (18, "review", "get_other() is not named in session-dependencies or session-contexts; name or delete it."),
    ]


def test_a_session_given_to_the_background_requires_a_fix_where_it_was_injected(audit):
    router = ROUTER.replace(
        "async def one(session: AsyncSession = Depends(get_session_dependency)):\n",
        "async def one(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):\n"
        "    tasks.add_task(work, session)\n",
    ).replace("import APIRouter,", "import APIRouter, BackgroundTasks,")
    router += "\n\nasync def work(session: AsyncSession):\n    await session.get(object, 1)\n"
    inventory = audit({"app/routers/items.py": router})
    assert points(inventory, "app/routers/items.py")[:2] == [
        (((10, 10),), "`Depends(get_session_dependency)`", "fix required"),
        (((16, 16),), "`Depends(get_session_dependency)`", "correct"),
    ]


def test_a_service_that_commits_the_session_it_is_given_requires_a_fix(audit):
    committing = SERVICE + "\n\nasync def save(session: AsyncSession):\n    await session.commit()\n"
    inventory = audit({"app/services/job_service.py": committing})
    assert [(p.lines, p.status, p.codes) for p in inventory.points if p.path == "app/services/job_service.py"] == [
        (((4, 4),), "correct", ()),
        (((8, 8),), "fix required", ("TXN201",)),
    ]
    assert usage(inventory, "app/services/job_service.py") == Usage(
        "Job Service", "app/services/job_service.py", "fix required", "session parameter (line 8, TXN201)"
    )


def test_an_endpoint_that_loses_its_rows_requires_a_fix_though_its_session_is_injected(audit):
    losing = ROUTER.replace("return await session.get(object, 1)", "session.add(object())")
    inventory = audit({"app/routers/items.py": losing})
    assert points(inventory, "app/routers/items.py") == [
        (((10, 10),), "`Depends(get_session_dependency)`", "fix required"),
        (((15, 15),), "`Depends(get_session_dependency)`", "correct"),
    ]
    assert usage(inventory, "app/routers/items.py").note == "`Depends(get_session_dependency)` (line 10, TXN209)"


def test_a_misuse_the_policy_only_warns_of_asks_for_review(audit):
    committing = SERVICE.replace("return await session.get(object, 1)", "await session.commit()")
    inventory = audit({"app/services/job_service.py": committing}, severity={"TXN201": "warning"})
    assert points(inventory, "app/services/job_service.py") == [(((4, 4),), "session parameter", "review")]


def test_places_that_different_rules_object_to_are_rows_of_their_own(audit):
    losing = ROUTER.replace("return await session.get(object, 1)", "session.add(object())")
    mixed = losing.replace("return await session.get(object, 2)", "await session.begin()")
    rows = [p for p in audit({"app/routers/items.py": mixed}).points if p.path == "app/routers/items.py"]
    assert [(p.lines, p.status, p.codes) for p in rows] == [
        (((10, 10),), "fix required", ("TXN209",)),
        (((15, 15),), "fix required", ("TXN203",)),
    ]


def test_tests_and_migrations_are_not_audited(audit):
    inventory = audit({"tests/test_x.py": DIRECT, "migrations/env.py": DIRECT})
    assert {p.path for p in inventory.points} == {"app/session.py"}


def test_places_and_files_are_counted_by_status(audit):
    inventory = audit({"app/routers/items.py": ROUTER, "app/routers/batch.py": DIRECT})
    assert inventory.point_counts == {"correct": 6, "review": 0, "fix required": 2}
    assert inventory.usage_counts == {"correct": 1, "review": 0, "fix required": 1}


def test_what_a_class_does_with_the_session_it_was_given_is_told_of_its_constructor(audit):
    repository = """\
from sqlalchemy.ext.asyncio import AsyncSession


class Repo:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def save(self) -> None:
        await self.session.commit()


class Reader:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session
"""
    inventory = audit({"app/services/repo.py": repository})
    rows = points(inventory, "app/services/repo.py")
    assert rows == [(((5, 5),), "session parameter", "fix required"), (((13, 13),), "session parameter", "correct")]
    assert usage(inventory, "app/services/repo.py").status == "fix required"


def test_an_unapproved_dependency_is_judged_by_the_finding_on_it(audit):
    files = {
        "app/admin.py": "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\n\n"
        'engine = create_engine("postgresql://db/admin")\n\n\n'
        "def get_db():\n    with Session(engine) as session:\n        yield session\n",
        "app/routers/users.py": "from fastapi import APIRouter, Depends\nfrom sqlalchemy.orm import Session\n\n"
        "from app.admin import get_db\n\nrouter = APIRouter()\n\n\n"
        '@router.get("/users")\ndef users(db: Session = Depends(get_db)):\n    return db.get(object, 1)\n',
    }
    (row,) = [p for p in audit(files).points if p.path == "app/routers/users.py"]
    assert (row.method, row.status, row.codes) == ("`Depends(get_db)`", "fix required", ("TXN105",))
