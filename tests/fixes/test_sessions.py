"""Sessions come from the approved dependency or context manager, or the fix is refused by name."""

import pytest

from sessionlint.rules import examples
from tests.fixes.support import fixed

HEAD = """\
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.models.item import Item
from app.session import get_session, get_session_dependency, session_factory

router = APIRouter(dependencies=[Depends(get_current_user)])


"""
LINE = len(HEAD.splitlines())
SELECT = ("TXN101", "TXN105", "TXN106", "TXN107")


def test_an_opened_session_becomes_a_parameter_with_its_imports() -> None:
    done = fixed(
        {"app/routers/items.py": HEAD + '''\
@router.get("/items")
async def count(
    name: str,
    limit: int = 10,
):
    """Counts."""
    # opened here
    async with get_session() as db:
        # all of them
        return await db.get(Item, name)  # one
'''},
        select=SELECT,
    )  # fmt: skip
    assert done.reasons == []
    assert (
        done.files["app/routers/items.py"]
        == HEAD.replace("from app.auth", "from sqlalchemy.ext.asyncio import AsyncSession\n\nfrom app.auth")
        .replace("Depends\n\nfrom sql", "Depends\nfrom sql")
        .replace(
            "import get_session, get_session_dependency, session_factory",
            "import get_session_dependency, session_factory",
        )
        + '''\
@router.get("/items")
async def count(
    name: str,
    limit: int = 10,
    db: AsyncSession = Depends(get_session_dependency),
):
    """Counts."""
    # opened here
    # all of them
    return await db.get(Item, name)  # one
'''
    )


def test_tests_that_replace_the_old_dependency_replace_the_new_one_too() -> None:
    files = {
        "app/database.py": (
            "from app.session import session_factory\n\n\n"
            "async def get_db():\n    async with session_factory() as session:\n        yield session\n"
        ),
        "app/routers/items.py": HEAD.replace("from app.models", "from app.database import get_db\nfrom app.models")
        + '@router.get("/items")\nasync def count(session=Depends(get_db)):\n    return await session.get(Item, 1)\n',
        "tests/conftest.py": (
            "from app.database import get_db\nfrom app.main import app\n\n\n"
            "def client(override):\n    app.dependency_overrides[get_db] = override\n    return app\n"
        ),
    }
    done = fixed(files, select=SELECT)
    assert "async def count(session=Depends(get_session_dependency)):" in done.files["app/routers/items.py"]
    assert done.files["tests/conftest.py"] == (
        "from app.database import get_db\nfrom app.main import app\n"
        "from app.session import get_session_dependency\n\n\n"
        "def client(override):\n    app.dependency_overrides[get_db] = override\n"
        "    app.dependency_overrides[get_session_dependency] = override\n    return app\n"
    )


ENDPOINTS = {
    "called by a test": (
        "async def count():\n    async with get_session() as session:\n        return await session.get(Item, 1)\n",
        {"tests/test_items.py": "from app.routers.items import count\n\n\nasync def test():\n    await count()\n"},
        "tests/test_items.py:5: count() is called directly, by what has no session to give",
    ),
    "name in use": (
        "async def count(session: int):\n    async with get_session() as session:\n        return session\n",
        {},
        f"app/routers/items.py:{LINE + 2}: the function has a parameter session already",
    ),
    "one session per round": (
        "async def count():\n    for name in 'ab':\n        async with get_session() as session:\n"
        "            await session.get(Item, name)\n",
        {},
        f"app/routers/items.py:{LINE + 3}: every round of a loop opens a session of its own",
    ),
    "begun when opened": (
        "async def count():\n    async with session_factory.begin() as session:\n        session.add(Item())\n",
        {},
        f"app/routers/items.py:{LINE + 3}: the session begins its transaction when it is opened",
    ),
    "no with": (
        "async def count():\n    session = session_factory()\n    return await session.get(Item, 1)\n",
        {},
        f"app/routers/items.py:{LINE + 3}: the session is not opened by a with",
    ),
}


@pytest.mark.parametrize(("code", "others", "reason"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_an_endpoint_that_cannot_have_its_session_injected_stays(
    code: str, others: dict[str, str], reason: str
) -> None:
    files = {"app/routers/items.py": HEAD + '@router.get("/items")\n' + code, **others}
    done = fixed(files, select=("TXN101", "TXN106"))
    assert [refusal.partition(" ")[2] for refusal in done.reasons] == [reason]
    assert done.files == files


SERVICE = """\
from app.models.item import Item
from app.session import get_session


async def store(name: str, status: str = "new") -> None:
    async with get_session() as session:
        async with session.begin():
            session.add(Item(name=name, status=status))
"""
CALLERS = {
    "by position": (
        "from app.services.items import store\n\n\nasync def nightly():\n    await store('a', 'old')\n",
        "app/tasks/nightly.py:5: the call gives arguments by position that the session would push back",
    ),
    "passed on": (
        "from app.services.items import store\n\n\nasync def nightly(run):\n    await run(store)\n",
        "app/tasks/nightly.py:5: store() is passed on without being called",
    ),
    "in a head": (
        "from app.services.items import store\n\n\nasync def nightly():\n    if await store('a'):\n        pass\n",
        "app/tasks/nightly.py:5: the call stands in the head of a block",
    ),
    "nobody": ("", "app/services/items.py:5: nothing in the program calls store()"),
}


@pytest.mark.parametrize(("caller", "reason"), CALLERS.values(), ids=CALLERS)
def test_a_service_keeps_its_session_when_a_caller_cannot_give_one(caller: str, reason: str) -> None:
    files = {"app/services/items.py": SERVICE, "app/tasks/nightly.py": caller}
    done = fixed(files, select=("TXN106",))
    assert [refusal.partition(" ")[2] for refusal in done.reasons] == [reason]
    assert done.files == files


MORE = """

@asynccontextmanager
async def committing():
    async with session_factory() as session, session.begin():
        yield session


@asynccontextmanager
async def of_tenant(name):
    bound = engine.execution_options(schema_translate_map={None: name})
    async with async_sessionmaker(bound, expire_on_commit=False)() as session:
        yield session


@asynccontextmanager
async def of_default():
    async with of_tenant("default") as session:
        yield session


@asynccontextmanager
async def flushing():
    async with async_sessionmaker(engine, expire_on_commit=False, autoflush=False)() as session:
        yield session
"""
TASK = """\
from app.models.item import Item
from app.session import committing, flushing, of_default, session_factory


async def nightly():
"""
SWALLOWING = """\
from app.models.item import Item
from app.session import get_session


async def store(name: str) -> bool:
    try:
        async with get_session() as session:
            async with session.begin():
                session.add(Item(name=name))
    except ValueError:
        return False
    return True
"""


def test_a_service_that_survives_its_failure_gets_a_savepoint_of_the_callers_transaction() -> None:
    caller = "from app.services.items import store\n\n\nasync def nightly():\n    await store('a')\n"
    done = fixed({"app/services/items.py": SWALLOWING, "app/tasks/nightly.py": caller}, select=("TXN106", "TXN2"))
    assert done.reasons == []
    assert (
        done.files["app/services/items.py"].partition("async def ")[2]
        == """\
store(name: str, session: AsyncSession) -> bool:
    try:
        async with session.begin_nested():
            session.add(Item(name=name))
            await session.flush()
    except ValueError:
        return False
    return True
"""
    )


def test_a_service_that_goes_on_inside_its_session_keeps_it() -> None:
    caller = "from app.services.items import store\n\n\nasync def nightly():\n    await store('a')\n"
    inside = SERVICE.replace(
        "        async with session.begin():\n            session.add(Item(name=name, status=status))\n",
        """\
        try:
            await session.get(Item, name)
        except ValueError:
            print(name)
""",
    )
    done = fixed({"app/services/items.py": inside, "app/tasks/nightly.py": caller}, select=("TXN106",))
    assert done.reasons == [
        "TXN106 app/services/items.py:9: the handler goes on, in what would be the caller's transaction"
    ]


TASKS = {
    "a source that commits": (
        """\
    async with committing() as session:
        session.add(Item())
""",
        "app/tasks/nightly.py:7: get_session() does not commit, unlike what opens the session now",
    ),
    "another autoflush": (
        """\
    async with flushing() as session:
        await session.get(Item, 1)
""",
        "app/tasks/nightly.py:6: the session there now has autoflush=False, the approved one has the default autoflush",
    ),
    "an engine of a tenant": (
        """\
    async with of_default() as session:
        await session.get(Item, 1)
""",
        "app/tasks/nightly.py:6: the session there now is bound to an engine chosen at run time",
    ),
    "a finally that does more": (
        """\
    session = session_factory()
    try:
        await session.get(Item, 1)
    finally:
        print("done")
        await session.close()
""",
        "app/tasks/nightly.py:7: the finally does more than close the session, or does not close it",
    ),
}


@pytest.mark.parametrize(("body", "reason"), TASKS.values(), ids=TASKS)
def test_background_work_keeps_a_session_that_ends_or_loads_otherwise(body: str, reason: str) -> None:
    files = {"app/session.py": examples.SESSION_MODULE + MORE, "app/tasks/nightly.py": TASK + body}
    done = fixed(files, select=("TXN101", "TXN105"))
    assert [refusal.partition(" ")[2] for refusal in done.reasons] == [reason]
    assert done.files["app/tasks/nightly.py"].endswith(body)


def test_background_work_opens_the_class_that_is_entered_for_its_session() -> None:
    module = (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
        'Local = sessionmaker(create_engine("postgresql://db/app"))\n\n\n'
        "class Work:\n    def __enter__(self):\n        self.session = Local()\n        return self.session\n\n"
        "    def __exit__(self, *error):\n        self.session.close()\n"
    )
    job = (
        "from app.session import Local\n\n\ndef tidy():\n    with Local() as session:\n"
        '        session.execute("select 1")\n'
    )
    done = fixed(
        {"app/session.py": module, "app/tasks/tidy.py": job},
        select=SELECT,
        policy={"session-dependencies": [], "session-contexts": ["app.session.Work"]},
    )
    assert done.reasons == []
    expected = job.replace("import Local", "import Local, Work").replace("with Local", "with Work")
    assert done.files["app/tasks/tidy.py"] == expected


def test_the_second_session_stays_where_leaving_the_first_one_commits() -> None:
    module = examples.SESSION_MODULE.replace(
        "        yield session\n\n\nasync def get_session_dependency",
        "        yield session\n        await session.commit()\n\n\nasync def get_session_dependency",
    )
    task = """\
from app.models.item import Item
from app.session import get_session


async def nightly():
    async with get_session() as session:
        try:
            await session.get(Item, 1)
        except ValueError:
            async with get_session() as second:
                await second.get(Item, 2)
"""
    done = fixed({"app/session.py": module, "app/tasks/nightly.py": task}, select=("TXN107",))
    assert done.reasons == [
        "TXN107 app/tasks/nightly.py:6: leaving the first session's block may do more than close it"
    ]
