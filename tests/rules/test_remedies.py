"""What a message tells the user to write can be written there: it is in reach, of the session's colour, and works."""

from __future__ import annotations

import pytest

from sessionlint.rules import examples
from sessionlint.rules import txn211_commit_after_response as txn211
from sessionlint.rules.catalogue import all_rules

SYNC_MODULE = """
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


@contextmanager
def of_tenant(name):
    with Local() as session:
        yield session


@contextmanager
def work():
    with Local() as session:
        yield session


def get_db():
    with Local() as session:
        yield session
"""


def advice(source: str, code: str, **policy: object) -> list[str]:
    """The messages of one rule after their first sentence, in order of place."""
    files = examples.split(source, "app/jobs/nightly.py")
    program = examples.program_for(files, examples.policy_for(policy, files))
    rule = next(rule for rule in all_rules() if code == rule.META.code)
    found = sorted(rule.check(program), key=lambda f: (f.path, f.span.line, f.span.column))
    return [f.message.partition(". ")[2] for f in found]


def test_script_of_another_service_is_not_sent_to_a_context_it_cannot_import():
    source = """
# --- one/shop/db.py
from contextlib import contextmanager
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


@contextmanager
def work():
    with Local() as session:
        yield session
# --- one/main.py
from fastapi import FastAPI
from shop.db import work
from sqlalchemy.orm import Session

app = FastAPI()


def tidy():
    with Session() as session:
        session.execute("select 1")
# --- one/shop/__init__.py
# --- app/session.py
# --- two/main.py
from fastapi import FastAPI
from sqlalchemy.orm import Session

app = FastAPI()


def tidy():
    with Session() as session:
        session.execute("select 1")
# --- tools/uses.py
from shop.db import work
from sqlalchemy.orm import Session


def tidy():
    with Session() as session:
        session.execute("select 1")
"""
    names = {"session-modules": ["one/shop/db.py"], "session-dependencies": [], "session-contexts": ["shop.db.work"]}
    assert advice(source, "TXN101", **names) == [
        "Open it with `with work() as session:`.",
        "Open it with `with work() as session:`.",
        "Open it through the session module.",
    ]


def test_context_of_the_right_colour_that_needs_no_arguments_comes_first():
    source = f"""
# --- app/session.py
{examples.SESSION_MODULE}
# --- app/sync_session.py
{SYNC_MODULE}
# --- app/jobs/nightly.py
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def tidy():
    with Session() as session:
        session.execute("select 1")


async def tidy_later():
    async with AsyncSession() as session:
        await session.execute("select 1")


async def tidy_at_once():
    with Session() as session:
        session.execute("select 1")
"""
    policy = {
        "session-modules": ["app/session.py", "app/sync_session.py"],
        "session-contexts": ["app.sync_session.of_tenant", "app.sync_session.work", "app.session.get_session"],
    }
    assert advice(source, "TXN101", **policy) == [
        "Open it with `with work() as session:`.",
        "Open it with `async with get_session() as session:`.",
        "Open it with `with work() as session:`.",
    ]


CLASS = """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


class Work:
    def __init__(self):
        self.session = Local()

    def __enter__(self):
        return self.session

    def __exit__(self, *error):
        self.session.close()
# --- app/jobs/nightly.py
from app.session import Local


def tidy():
    with Local() as session:
        session.execute("select 1")
"""


@pytest.mark.parametrize("name", ["app.session.Work", "app.session.Work.__enter__"])
def test_context_that_is_a_class_is_used_by_the_name_of_the_class(name):
    policy = {"session-dependencies": [], "session-contexts": [name]}
    assert advice(CLASS, "TXN101", **policy) == ["Open it with `with Work() as session:`."]


def test_where_there_is_no_context_one_has_to_be_written():
    assert advice(CLASS, "TXN101", **{"session-dependencies": [], "session-contexts": []}) == [
        "Write a context manager for it in the session module (`session-contexts` names none) and use that."
    ]


TAKE = "Take the session as a parameter from the endpoint or task that owns it."
OPEN = "Open it with `with Work() as session:`."
OPENS = """

def fill(name="x"):
    with Local() as session:
        session.execute("select 1")
"""


@pytest.mark.parametrize(
    "source",
    [
        "import typer\n\napp = typer.Typer()\n\n\n@app.command()" + OPENS[1:],
        "import click\n\n\n@click.command" + OPENS[1:],
        OPENS + "\n\nimport typer\n\ntyper.Typer().command(name='fill')(fill)\n",
        OPENS + "\n\nif __name__ == '__main__':\n    import sys\n\n    fill(sys.argv)\n",
        OPENS + "\n\nimport fire\n\nfire.Fire(fill)\n",
        OPENS + "\n\nimport typer\n\napp = typer.Typer()\n\n\n@app.command()\ndef run():\n    fill()\n",
        OPENS + "\n\nfill('at import')\n",
        OPENS + "# --- app/main.py\nfrom fastapi import FastAPI\nfrom app.services.seed import fill\n\n"
        "app = FastAPI()\n\n\n@app.on_event('startup')\ndef start():\n    fill()\n",
        OPENS + "# --- app/main.py\nfrom fastapi import FastAPI\nfrom app.services.seed import fill\n\n\n"
        "async def lifespan(app):\n    fill()\n    yield\n\n\napp = FastAPI(lifespan=lifespan)\n",
        "\nfrom metrics import REGISTRY, Collector\n\n\nclass Items(Collector):\n    def collect(self):\n"
        "        with Local() as session:\n            yield session.execute('select 1')\n\n\n"
        "def register():\n    REGISTRY.register(Items())\n",
    ],
    ids=[
        "typer", "click", "by a call", "main", "fire", "helper of a command", "import", "startup", "lifespan", "hook",
    ],
)  # fmt: skip
def test_what_runs_by_itself_is_told_to_open_its_session_wherever_it_lies(source):
    assert _seeded(source) == [OPEN]


@pytest.mark.parametrize(
    "source",
    [
        OPENS + "# --- app/routers/a.py\nfrom fastapi import APIRouter\nfrom app.services.seed import fill\n\n"
        "router = APIRouter()\n\n\n@router.get('/')\ndef read():\n    fill()\n# --- app/cli.py\nimport typer\n"
        "from app.services.seed import fill\n\napp = typer.Typer()\napp.command()(fill)\n",
        OPENS,
        OPENS + "# --- app/cli.py\nimport typer\nfrom app.services.seed import fill\n\napp = typer.Typer()\n\n\n"
        "@app.command()\ndef run():\n    fill()\n",
        "\nclass Items:\n    def collect(self):\n        with Local() as session:\n"
        "            session.execute('select 1')\n\n\ndef register(registry):\n    registry.register(Items())\n",
    ],
    ids=["an endpoint calls it, too", "nobody calls it", "a command of another file", "no library's kind of object"],
)
def test_a_service_that_others_may_call_takes_its_session(source):
    assert _seeded(source) == [TAKE]


def test_a_decorator_of_services_is_a_service_though_modules_call_it():
    source = (
        "\n\ndef with_session(function):\n    def inner(*args):\n        with Local() as session:\n"
        "            return function(session, *args)\n\n    return inner\n\n\n@with_session\n"
        "def fill(session, name):\n    session.execute('select 1')\n"
    )
    assert _seeded(source) == [TAKE]


def _seeded(source: str) -> list[str]:
    module = CLASS.partition("# --- app/jobs/nightly.py")[0]
    policy = {"session-dependencies": [], "session-contexts": ["app.session.Work"]}
    return advice(f"{module}# --- app/services/seed.py\nfrom app.session import Local\n{source}", "TXN101", **policy)


def test_code_that_cannot_wait_is_not_told_to_wait():
    source = """
from sqlalchemy.orm import Session


def tidy():
    with Session() as session:
        session.execute("select 1")
"""
    assert advice(source, "TXN101") == ["Open it through the session module."]


def test_context_that_needs_arguments_is_named_as_one_where_there_is_no_other():
    source = f"""
# --- app/session.py
{SYNC_MODULE}
# --- app/jobs/nightly.py
from sqlalchemy.orm import Session


def tidy():
    with Session() as session:
        session.execute("select 1")
"""
    policy = {"session-dependencies": [], "session-contexts": ["app.session.of_tenant"]}
    assert advice(source, "TXN101", **policy) == ["Open it with `with of_tenant(…) as session:`."]


def test_stream_opens_its_own_session_while_its_endpoint_receives_one():
    source = """
# --- app/routers/live.py
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

router = APIRouter()


@router.get("/live")
async def live():
    async def rows():
        async with AsyncSession() as session:
            yield await session.execute("select 1")

    async with AsyncSession() as session:
        await session.execute("select 1")
    return rows()
"""
    assert advice(source, "TXN101") == [
        "Open it with `async with get_session() as session:`.",
        "Receive the session with Depends(get_session_dependency).",
    ]


def test_transaction_is_written_in_the_colour_of_the_session_not_of_the_function():
    source = """
# --- app/jobs/nightly.py
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


async def at_once(session: Session):
    session.commit()


async def later(session: AsyncSession):
    await session.commit()

# --- app/services/items.py
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


async def at_once(session: Session):
    session.commit()


async def later(session: AsyncSession):
    await session.commit()
"""
    assert advice(source, "TXN201", layers={"background": ["app/jobs/**"], "service": ["app/services/**"]}) == [
        "Instead let `with session.begin():` around the unit of work own it.",
        "Instead let `async with session.begin():` around the unit of work own it.",
        "Instead drop it and leave the transaction to the caller; `session.flush()` is enough to get ids.",
        "Instead drop it and leave the transaction to the caller; `await session.flush()` is enough to get ids.",
    ]


GUARDED = """
# --- app/routers/items.py
from app.models.item import Item
from app.session import get_session_dependency
from fastapi import APIRouter, Depends

router = APIRouter()


async def current_user(session=Depends(get_session_dependency)):
    return await session.get(Item, 1)


async def ended(session=Depends(get_session_dependency)):
    async with session.begin():
        return await session.get(Item, 1)


@router.post("/by-hand")
async def by_hand(session=Depends(get_session_dependency), user=Depends(current_user)):
    session.add(Item())
    await session.commit()


@router.post("/begun")
async def begun(session=Depends(get_session_dependency), user=Depends(current_user)):
    async with session.begin():
        session.add(Item())


@router.post("/lost")
async def lost(session=Depends(get_session_dependency), user=Depends(current_user)):
    session.add(Item())


@router.post("/free")
async def free(session=Depends(get_session_dependency), user=Depends(ended)):
    session.add(Item())
    await session.commit()
"""
_END = "let it end its read (`async with session.begin():` around it), or read on a short session of its own"


def test_advice_on_commits_does_not_lead_into_a_transaction_that_is_begun_twice():
    assert advice(GUARDED, "TXN201") == [
        "Instead let `async with session.begin():` around the unit of work own it; current_user() has begun on the "
        f"same session by then, so {_END}.",
        "Instead let `async with session.begin():` around the unit of work own it.",
    ]
    assert advice(GUARDED, "TXN209") == [
        f"Put it into `async with session.begin():`; current_user() has begun on the same session by then, so {_END}.",
    ]


def test_endpoint_whose_dependency_has_begun_is_not_told_to_begin_first():
    assert advice(GUARDED, "TXN206") == [
        "An endpoint cannot begin before its dependencies: let current_user() end its read "
        "(`async with session.begin():` around it), or read on a short session of its own."
    ]


def test_dependency_that_commits_too_late_is_told_once_and_in_its_own_colour():
    source = """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


def get_db():
    with Local() as session:
        yield session
        session.commit()
# --- app/routers/items.py
from app.session import get_db
from fastapi import APIRouter, Depends

router = APIRouter()


@router.post("/")
async def create(db=Depends(get_db)):
    return db.execute("select 1")
"""
    assert advice(source, "TXN211") == [
        "Take the commit out and let endpoints that write commit with `with session.begin():`; or ask for it with "
        '`Depends(…, scope="function")`.'
    ]


def test_dependency_that_commits_too_late_names_its_first_uses_and_counts_the_rest():
    endpoints = "\n".join(f'@router.post("/{n}")\ndef create_{n}(db=Depends(get_db)): ...' for n in range(5))
    source = f"""
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


def get_db():
    with Local() as session:
        yield session
        session.commit()
# --- app/routers/items.py
from app.session import get_db
from fastapi import APIRouter, Depends

router = APIRouter()

{endpoints}
"""
    program = examples.program_for(examples.split(source, ""), examples.policy_for({}))
    (finding,) = txn211.check(program)
    assert [(step.path, step.line, step.note) for step in finding.trace] == [
        ("app/session.py", 9, "get_db() yields here"),
        ("app/session.py", 10, "session.commit() ends the transaction"),
        ("app/routers/items.py", 7, "asked for here, to end after the response"),
        ("app/routers/items.py", 9, "asked for here, to end after the response"),
        ("app/routers/items.py", 11, "asked for here, to end after the response (and in 2 more places)"),
    ]


def test_names_in_statements_that_bind_nothing_are_to_be_quoted():
    source = """
from sqlalchemy import text


async def run(session, name, word):
    await session.execute(text(f"CREATE DATABASE {name}"))
    await session.execute(text(f"alter role app password '{word}'"))
    await session.execute(text(f"SELECT id FROM {name}"))
"""
    quote = "quote them with psycopg.sql.Identifier or engine.dialect.identifier_preparer.quote(name)"
    assert advice(source, "TXN801") == [
        f"CREATE takes no bound values: choose names from literals, or {quote}.",
        f"ALTER takes no bound values: choose names from literals, or {quote}, and values with psycopg.sql.Literal.",
        "Bind the values, and choose names from literals.",
    ]


POOLS = """
# --- app/pools.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
maker = async_sessionmaker(engine)


@asynccontextmanager
async def read_unit():
    async with maker() as session:
        yield session


@asynccontextmanager
async def unit():
    async with maker() as session:
        yield session
# --- app/jobs/nightly.py
from app.pools import engine, maker
from app.tables import Crate, metadata
from sqlalchemy import select, text


async def count():
    async with maker() as session:
        return await session.scalar(select(Crate))


async def count_text():
    async with maker() as session:
        return await session.scalar(text("SELECT 1"))


async def add():
    async with maker() as session, session.begin():
        session.add(Crate())


async def grow():
    async with maker() as session:
        await session.execute(text("CREATE TABLE crates (id uuid)"))


async def prepare():
    async with engine.connect() as connection:
        await connection.run_sync(metadata.create_all)
"""


def test_code_that_changes_something_is_not_sent_to_a_context_for_reading():
    policy = {"session-modules": ["app/pools.py", "app/session.py"], "session-dependencies": []}
    both = {**policy, "session-contexts": ["app.pools.read_unit", "app.pools.unit"]}
    read, write = (f"Open it with `async with {name}() as session:`." for name in ("read_unit", "unit"))
    assert advice(POOLS, "TXN101", **both) == [read, read, write, write]
    alone = {**policy, "session-contexts": ["app.pools.read_unit"]}
    assert advice(POOLS, "TXN101", **alone) == [read, read, *["Open it through the session module."] * 2]
    tables = "Leave tables to a migration, or do this in a function of the session module."
    assert advice(POOLS, "TXN104", **both) == advice(POOLS, "TXN104", **alone) == [tables]


def test_what_no_request_runs_is_not_told_to_open_the_session_it_opens():
    source = """
# --- app/services/fill.py
import asyncio

from app.session import get_session


async def rows(session):
    await session.get(object, 1)


async def fill():
    async with get_session() as session:
        await rows(session)


async def others():
    async with get_session() as session:
        await rows(session)


if __name__ == "__main__":
    asyncio.run(fill())
"""
    assert advice(source, "TXN106") == [
        "No request runs it, and nobody hands it a session: move it to a file of its own, of no layer of requests.",
        "Take the session as a parameter from the endpoint or task that owns it.",
    ]


def test_way_whose_name_means_something_else_there_is_named_with_its_file():
    source = """
# --- app/other.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession


@asynccontextmanager
async def get_session():
    async with AsyncSession() as session:
        yield session
# --- app/jobs/nightly.py
from app.other import get_session


async def tidy():
    async with get_session() as session:
        await session.get(object, 1)
"""
    policy = {"session-modules": ["app/session.py"]}
    files = f"# --- app/session.py\n{examples.SESSION_MODULE}{source}"
    assert "Open it with `async with get_session() as session:` (the one of app/session.py)." in (
        advice(files, "TXN105", **policy)
    )


def test_what_only_a_container_can_call_is_not_depended_on():
    source = """
# --- app/session.py
from dishka import Provider, provide
from sqlalchemy.ext.asyncio import AsyncSession


class Units(Provider):
    {}
    async def unit(self):
        async with AsyncSession() as session:
            yield session
# --- app/routers/crates.py
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

router = APIRouter()


@router.get("/crates")
async def crates():
    async with AsyncSession() as session:
        return await session.get(object, 1)
"""
    policy = {"session-dependencies": ["app.session.Units.unit"], "session-contexts": []}
    assert advice(source.format("@provide()"), "TXN101", **policy) == ["Inject the session."]
    called = advice(source.format("@classmethod"), "TXN101", **policy)
    assert called == ["Receive the session with Depends(Units.unit)."]


def test_who_asks_a_container_for_another_session_is_told_what_the_container_may_provide():
    source = """
# --- app/wiring.py
from collections.abc import AsyncIterable

from dishka import Provider, Scope, provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


class Everything(Provider):
    scope = Scope.REQUEST

    @provide
    async def session(self) -> AsyncIterable[AsyncSession]:
        async with get_session() as session:
            yield session
# --- app/routers/crates.py
from dishka.integrations.fastapi import FromDishka
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

router = APIRouter()


@router.get("/crates")
async def crates(session: FromDishka[AsyncSession]):
    return await session.get(object, 1)
"""
    assert advice(source, "TXN106") == ["Let the container provide what get_session_dependency() gives."]


TWO_FACTORIES = """
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Shop = sessionmaker(create_engine("postgresql://db/shop"))
Stock = sessionmaker(create_engine("postgresql://db/stock"))


@contextmanager
def in_shop():
    with Shop() as session:
        yield session


class Store:
    @contextmanager
    def session(self):
        with Stock() as session:
            yield session


store = Store()
"""


def test_session_is_to_be_opened_by_the_way_that_is_made_from_the_same_factory():
    source = f"""
# --- app/session.py
{TWO_FACTORIES}
# --- app/jobs/nightly.py
from app.session import Shop, Stock


def main():
    with Stock() as session:
        session.execute("select 1")
    with Shop() as session:
        session.execute("select 1")


if __name__ == "__main__":
    main()
"""
    ways = {"session-contexts": ["app.session.in_shop", "app.session.Store.session"]}
    assert advice(source, "TXN101", **ways) == [
        "Open it with `with store.session() as session:`.",
        "Open it with `with in_shop() as session:`.",
    ]


def test_method_is_called_on_an_object_of_its_class():
    source = f"""
# --- app/session.py
{TWO_FACTORIES.replace("store = Store()", "")}
# --- app/jobs/nightly.py
from app.session import Stock


def main():
    with Stock() as session:
        session.execute("select 1")


if __name__ == "__main__":
    main()
"""
    ways = {"session-contexts": ["app.session.Store.session"]}
    assert advice(source, "TXN101", **ways) == ["Open it with `with Store(…).session() as session:`."]


def test_what_is_called_for_a_session_is_named_by_its_class():
    source = (
        "# --- app/other.py\nfrom sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
        "Other = sessionmaker(create_engine('postgresql://db/app'))\n\n\n"
        "class Sessions:\n    def __init__(self, number):\n        self.number = number\n\n"
        "    def __call__(self):\n        with Other() as session:\n            yield session\n"
        "# --- app/routers/rows.py\nfrom fastapi import APIRouter, Depends\n\nfrom app.other import Sessions\n\n"
        "router = APIRouter()\n\n\n@router.get('/rows')\n"
        "def rows(db=Depends(Sessions(3))):\n    return db.get(object, 1)\n"
    )
    program = examples.program_for(examples.split(source, "app/x.py"), examples.policy_for({}, {}))
    rule = next(rule for rule in all_rules() if rule.META.code == "TXN105")
    assert [f.message.partition(",")[0] for f in rule.check(program)] == ["Depends on Sessions()"]


def test_a_session_made_for_a_default_is_told_of_once():
    source = (
        "# --- app/session.py\nfrom sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
        "Local = sessionmaker(create_engine('postgresql://db/app'))\n"
        "# --- app/jobs/nightly.py\nfrom app.session import Local\n\n\n"
        "def load(key, session=Local()):\n    return session.get(object, key)\n"
    )
    assert advice(source, "TXN109") == ["Take the session as an argument, or open one inside."]


DRIVERS = """
# --- scripts/load.py
import asyncpg
import psycopg
import sqlite3

from sqlalchemy import create_engine

script = sqlite3.connect("x.db")
script.execute("insert into items values (1)")
script.commit()


def given(connection: sqlite3.Connection):
    connection.{end}()


def closed_by_its_block(url):
    with psycopg.connect(url) as connection:
        connection.{end}()


def of_core(url):
    with create_engine(url).connect() as connection:
        connection.{end}()


async def in_a_transaction(url):
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await transaction.{end}()
"""


def test_a_connection_without_a_session_is_advised_the_block_that_ends_its_own_transaction():
    assert advice(DRIVERS.replace("{end}", "commit"), "TXN201") == [
        "Instead let `with connection:` around the unit of work own it.",
        "Instead let the `with connection:` block of the connection's owner end it.",
        "Instead do this in a session and let `with session.begin():` around the unit of work own it.",
        "Instead let `with connection.begin():` around the unit of work own it.",
        "Instead do this in a session and let `async with session.begin():` around the unit of work own it.",
    ]
    savepoint = "or put what may fail into `{}.begin_nested():`."
    assert advice(DRIVERS.replace("{end}", "rollback"), "TXN202") == [
        "Let the error leave the `with connection:` block.",
        f"Let the error leave the `with session.begin():` block, {savepoint.format('with session')}",
        f"Let the error leave the `with connection.begin():` block, {savepoint.format('with connection')}",
        f"Let the error leave the `async with session.begin():` block, {savepoint.format('async with session')}",
    ]


def test_a_service_that_is_handed_a_connection_is_told_of_no_flush():
    source = """
# --- app/services/items.py
import sqlite3

from sqlalchemy import Connection


def save(file: sqlite3.Connection, connection: Connection):
    file.commit()
    connection.commit()
"""
    assert advice(source, "TXN201") == ["Instead drop it and leave the transaction to the caller."] * 2


def test_a_class_that_is_entered_is_named_once_whatever_makes_its_objects():
    source = """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

maker = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


class Ledger:
    def __init__(self):
        self.pages = []

    async def __aenter__(self):
        self.session = maker()
        return self

    async def __aexit__(self, *error):
        await self.session.close()
# --- app/jobs/nightly.py
from app.session import maker


async def tidy():
    async with maker() as session:
        await session.execute("select 1")
"""
    found = advice(source, "TXN101", **{"session-contexts": ["app.session.Ledger"]})
    assert found == ["Open it with `async with Ledger() as session:`."]


def test_a_setting_is_given_a_bound_value_by_a_function_and_a_role_by_none():
    source = """
from sqlalchemy import text


async def run(session, name):
    await session.execute(text(f"SET search_path TO {name}"))
    await session.execute(text(f"set local statement_timeout = '{name}'"))
    await session.execute(text(f"SET ROLE {name}"))
    await session.execute(text(f"UPDATE boats SET name = '{name}'"))
"""
    quote = "quote them with psycopg.sql.Identifier or engine.dialect.identifier_preparer.quote(name)"
    bound = (
        "SET takes no bound values: take the value from literals. Where what is set names no tenant and no user, "
        "SELECT set_config(:name, :value, true) takes it bound, until the transaction ends."
    )
    assert advice(source, "TXN801") == [
        bound,
        bound,
        f"SET takes no bound values: choose names from literals, or {quote}.",
        "Bind the values, and choose names from literals.",
    ]


def test_a_socket_is_not_sent_to_a_dependency_that_holds_its_session_as_long():
    source = """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

session_factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


async def get_db():
    async with session_factory() as session:
        yield session
# --- app/routers/live.py
from fastapi import APIRouter, Depends, WebSocket
from fastapi.responses import StreamingResponse

from app.session import get_db, session_factory

router = APIRouter()


@router.websocket("/live")
async def live(socket: WebSocket):
    async with session_factory() as session:
        await session.scalars("select 1")


@router.get("/stream")
async def stream():
    async def rows():
        async with session_factory() as session:
            yield await session.scalars("select 1")

    return StreamingResponse(rows())


@router.get("/plain")
async def plain():
    async with session_factory() as session:
        await session.scalars("select 1")
"""
    ways = {"session-dependencies": ["app.session.get_db"], "session-contexts": []}
    write = "Write a context manager for it in the session module (`session-contexts` names none) and use that."
    assert advice(source, "TXN101", **ways) == [write, write, "Receive the session with Depends(get_db)."]


def test_who_makes_tables_is_not_sent_to_a_session():
    source = """
from sqlalchemy import text

from app.models.item import Base
from app.session import engine


async def tables():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def ping():
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))
"""
    assert advice(source, "TXN104") == [
        "Leave tables to a migration, or do this in a function of the session module.",
        "Open it with `async with get_session() as session:`.",
    ]


def test_what_an_object_keeps_is_called_what_it_is():
    source = """
import sqlite3


class Notes:
    def __init__(self, path):
        self.rows = sqlite3.connect(path)
"""
    assert advice(source, "TXN109") == ["Close it where the object ends, or take the driver connection as an argument."]


UNIT = """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


class Unit:
    def __enter__(self):
        self.session = Local()
        return self

    def __exit__(self, *error):
        LEAVE
        self.session.close()

    def commit(self):
        self.session.commit()
# --- app/jobs/nightly.py
from app.session import Unit


def nightly(rows):
    with Unit() as unit:
        unit.session.add_all(rows)
        unit.commit()
"""


def test_who_uses_a_unit_of_work_is_sent_to_its_exit():
    undone = UNIT.replace("LEAVE", "self.session.rollback()")
    assert advice(undone, "TXN201") == ["Instead let Unit.__exit__() commit when its block ends well."]
    kept = UNIT.replace("LEAVE", "self.session.commit()")
    assert not any("__exit__" in text for text in advice(kept, "TXN201"))


def test_a_connection_that_makes_transactions_is_advised_to_enter_one():
    source = """
# --- app/services/items.py
import asyncpg
import psycopg


async def save(connection: asyncpg.Connection):
    transaction = connection.transaction()
    await transaction.start()
    await transaction.commit()


def begin(connection: psycopg.Connection):
    connection.execute("BEGIN")
    connection.rollback()
"""
    assert advice(source, "TXN203") == [
        "Write `async with connection.transaction():` so that every path commits or rolls back.",
        "Write `with connection.transaction():` so that every path commits or rolls back.",
    ]
    assert advice(source, "TXN202") == ["Let the error leave the `with connection.transaction():` block."]
    assert advice(source, "TXN201") == ["Instead drop it and leave the transaction to the caller."]
