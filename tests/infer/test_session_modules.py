"""Ordinary layouts, and the session modules, dependencies and contexts that follow from them."""

from __future__ import annotations

import pytest

ASYNC_DB = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
SessionLocal = async_sessionmaker(engine)


async def get_db():
    async with SessionLocal() as session:
        yield session


@asynccontextmanager
async def session_scope():
    async with SessionLocal() as session:
        yield session
"""
SYNC_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql://db/app")
SessionLocal = sessionmaker(bind=engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
SYNC_CONTEXT = (
    "\n\n@contextmanager\ndef opened():\n    with SessionLocal() as db:\n        yield db\n\n\n"
    "def used():\n    with opened() as db:\n        db.execute('select 1')\n"
)
MAIN = "from fastapi import FastAPI\n\napp = FastAPI()\n"


def router(module: str, name: str = "get_db", endpoints: int = 2) -> str:
    """A router whose endpoints take the session of ``module.name``."""
    head = f"from fastapi import APIRouter, Depends\n\nfrom {module} import {name}\n\nrouter = APIRouter()\n"
    return head + "".join(
        (
            f"\n\n@router.get('/{number}')\nasync def read_{number}(db=Depends({name})):\n"
            f"    return db.execute('select 1')\n"
        )
        for number in range(endpoints)
    )


def test_one_file_that_makes_everything_is_the_session_module(infer):
    result = infer(
        {"app/__init__.py": "", "app/db.py": ASYNC_DB, "app/main.py": MAIN, "app/routers/items.py": router("app.db")}
    )
    assert result.sessions == (("app/db.py",), ("app.db.get_db",), ("app.db.session_scope",))
    assert result.notes[:3] == (
        (
            "session module app/db.py: the engine (line 5) and the session factory (line 6) "
            "are created there, get_db() injects its sessions into 2 endpoints and "
            "session_scope() hands out its sessions."
        ),
        "session dependency app.db.get_db: it injects its sessions into 2 endpoints.",
        "session context app.db.session_scope: it hands out its sessions.",
    )


def test_the_file_of_a_dependency_that_opens_sessions_is_a_session_module_too(infer):
    result = infer(
        {
            "app/__init__.py": "",
            "app/core/db.py": 'from sqlmodel import create_engine\n\nengine = create_engine("postgresql://db/app")\n',
            "app/api/deps.py": (
                "from typing import Annotated\nfrom collections.abc import Generator\n\n"
                "from fastapi import Depends\nfrom sqlmodel import Session\n\n"
                "from app.core.db import engine\n\n\ndef get_db() -> Generator[Session, None, None]:\n"
                "    with Session(engine) as session:\n        yield session\n\n\n"
                "SessionDep = Annotated[Session, Depends(get_db)]\n"
            ),
            "app/api/routes/items.py": (
                "from fastapi import APIRouter\n\nfrom app.api.deps import SessionDep\n\n"
                "router = APIRouter()\n\n\n@router.get('/')\ndef read(session: SessionDep):\n"
                "    return session.exec('select 1')\n"
            ),
            "app/main.py": MAIN,
        }
    )
    assert result.sessions == (("app/api/deps.py", "app/core/db.py"), ("app.api.deps.get_db",), ())
    assert result.notes[:2] == (
        "session module app/api/deps.py: get_db() injects its sessions into 1 endpoint.",
        (
            "session module app/core/db.py: the engine is created there (line 3) and get_db() "
            "injects its sessions into 1 endpoint."
        ),
    )


def test_engine_and_factory_in_two_files_are_both_session_modules(infer):
    result = infer(
        {
            "app/__init__.py": "",
            ("app/database/engine.py"): (
                'from sqlalchemy import create_engine\n\nengine = create_engine("postgresql://db/app")\n'
            ),
            "app/database/session.py": (
                "from sqlalchemy.orm import sessionmaker\n\nfrom .engine import engine\n\n"
                "SessionLocal = sessionmaker(bind=engine)\n\n\ndef get_db():\n"
                "    with SessionLocal() as db:\n        yield db\n"
            ),
            "app/database/__init__.py": "from .session import get_db\n",
            "app/main.py": MAIN,
            "app/api.py": router("app.database"),
        }
    )
    assert result.sessions == (
        ("app/database/engine.py", "app/database/session.py"),
        ("app.database.session.get_db",),
        (),
    )


def test_an_engine_bound_later_belongs_to_the_factory_that_lacks_one(infer):
    result = infer(
        {
            "app/__init__.py": "",
            ("app/engine.py"): (
                'from sqlalchemy import create_engine\n\nengine = create_engine("postgresql://db/app")\n'
            ),
            "app/db.py": (
                "from sqlalchemy.orm import sessionmaker\n\nSession = sessionmaker(autoflush=False)\n\n\n"
                "def bind(engine):\n    Session.configure(bind=engine)\n\n\ndef get_db():\n"
                "    with Session() as db:\n        yield db\n"
            ),
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
        }
    )
    assert result.policy.session_modules == ("app/db.py", "app/engine.py")


def test_a_class_that_manages_sessions_is_named_with_its_method(infer):
    result = infer(
        {
            "app/__init__.py": "",
            "app/database.py": (
                "from contextlib import asynccontextmanager\n\n"
                "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n\n"
                "class Manager:\n    def __init__(self, url):\n"
                "        self.engine = create_async_engine(url)\n"
                "        self.factory = async_sessionmaker(self.engine)\n\n    @asynccontextmanager\n"
                "    async def session(self):\n        async with self.factory() as session:\n"
                '            yield session\n\n\nmanager = Manager("postgresql+asyncpg://db/app")\n\n\n'
                "async def get_db():\n    async with manager.session() as session:\n        yield session\n"
            ),
            "app/main.py": MAIN,
            "app/api.py": router("app.database"),
        }
    )
    assert result.sessions == (("app/database.py",), ("app.database.get_db",), ("app.database.Manager.session",))


def test_a_class_that_is_entered_for_its_session_is_named_itself(infer):
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB + "\n\nclass Work:\n    def __init__(self):\n        self.db = SessionLocal()\n\n"
            "    def __enter__(self):\n        return self.db\n\n    def __exit__(self, *error):\n"
            "        self.db.close()\n",
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
            "app/jobs.py": "from app.db import Work\n\n\ndef tidy():\n    with Work() as db:\n        db.flush()\n",
        }
    )
    assert result.sessions == (("app/db.py",), ("app.db.get_db",), ("app.db.Work",))
    assert result.notes[0].endswith("and Work() hands its sessions to 1 function.")
    assert result.notes[2] == "session context app.db.Work: it hands its sessions to 1 function."


def test_every_application_of_a_repository_has_its_own_session_module(infer):
    service = {
        "__init__.py": "",
        "main.py": MAIN,
    }
    files = {f"services/{name}/{part}": text for name in ("users", "orders") for part, text in service.items()}
    files |= {
        "services/users/db.py": ASYNC_DB,
        "services/users/api.py": router("users.db", endpoints=30),
        "services/orders/db.py": SYNC_DB,
        "services/orders/api.py": router("orders.db", endpoints=1),
    }
    result = infer(files)
    assert result.sessions == (
        ("services/orders/db.py", "services/users/db.py"),
        ("orders.db.get_db", "users.db.get_db"),
        ("users.db.session_scope",),
    )


def test_a_source_folder_is_not_part_of_a_name_when_the_project_leaves_it_out(infer):
    result = infer(
        {
            "src/shop/__init__.py": "",
            "src/shop/db.py": SYNC_DB,
            "src/shop/main.py": MAIN,
            "src/shop/api.py": router(".db"),
        }
    )
    assert result.sessions == (("src/shop/db.py",), ("shop.db.get_db",), ())


def test_a_source_package_is_part_of_a_name_when_the_project_says_so(infer):
    result = infer(
        {
            "src/__init__.py": "",
            "src/db.py": SYNC_DB,
            "src/main.py": MAIN,
            "src/api.py": router("src.db"),
        }
    )
    assert result.policy.session_dependencies == ("src.db.get_db",)


def test_a_package_below_a_source_package_is_called_as_the_project_imports_it(infer):
    result = infer(
        {
            "src/__init__.py": "",
            "src/shop/__init__.py": "",
            "src/shop/db.py": ASYNC_DB,
            "src/shop/api.py": router("shop.db"),
        }
    )
    assert result.sessions == (("src/shop/db.py",), ("shop.db.get_db",), ("shop.db.session_scope",))


def test_a_single_file_application_is_its_own_session_module(infer):
    source = SYNC_DB + (
        "\n\nfrom fastapi import Depends, FastAPI\n\napp = FastAPI()\n\n\n@app.get('/')\n"
        "def read(db=Depends(get_db)):\n    return 1\n"
    )
    result = infer({"main.py": source})
    assert result.sessions == (("main.py",), ("main.get_db",), ())
    assert result.layers == {}


def test_scripts_that_share_a_module_have_it_as_session_module(infer):
    use = "from db import SessionLocal\n\nwith SessionLocal() as session:\n    session.execute('select 1')\n"
    result = infer({"db.py": SYNC_DB.partition("\n\ndef")[0], "load.py": use, "dump.py": use})
    assert result.sessions == (("db.py",), (), ())
    assert result.notes == (
        (
            "session module db.py: the engine (line 4) and the session factory (line 5) are "
            "created there and 2 functions in other files open sessions from it."
        ),
    )


def test_scripts_that_each_make_an_engine_share_no_session_module(infer):
    script = (
        "from sqlalchemy import create_engine\n\nengine = create_engine('sqlite://')\n\n"
        "with engine.connect() as c:\n    pass\n"
    )
    result = infer({"load.py": script, "dump.py": script})
    assert result.sessions == ((), (), ())
    assert result.notes == (
        (
            "no session module: dump.py and load.py each make an engine or session factory of "
            "its own, and no other file uses it. Name the session module yourself: run "
            "'sessionlint init' and fill in session-modules."
        ),
    )


def test_a_scoped_session_of_a_flask_application_is_found(infer):
    result = infer(
        {
            "shop/__init__.py": "",
            ("shop/database.py"): (
                "from sqlalchemy import create_engine\n"
                "from sqlalchemy.orm import scoped_session, sessionmaker\n\n"
                "engine = create_engine('postgresql://db/app')\n"
                "db_session = scoped_session(sessionmaker(bind=engine))\n"
            ),
            ("shop/views.py"): (
                "from flask import Flask\n\nfrom shop.database import db_session\n\n"
                "app = Flask(__name__)\n\n\n@app.route('/')\ndef index():\n"
                "    return db_session.execute('select 1')\n"
            ),
        }
    )
    assert result.sessions == (("shop/database.py",), (), ())


def test_a_project_without_a_database_is_told_so(infer):
    result = infer({"app/main.py": MAIN + "\n\n@app.get('/')\ndef read():\n    return 1\n"})
    assert result.sessions == ((), (), ())
    assert result.notes == (
        "no session module: nothing here uses SQLAlchemy or a database driver, so there is nothing to approve.",
    )


def test_a_script_that_connects_by_a_driver_is_told_that_it_does(infer):
    script = """
import psycopg2


def main():
    connection = psycopg2.connect("dbname=app")
    try:
        connection.cursor().execute("select 1")
    finally:
        connection.close()
"""
    result = infer({"app/mend.py": script})
    assert result.sessions == ((), (), ())
    assert result.notes == (
        "no session module: app/mend.py connects to a database by itself, and no file was found that does it for"
        " others. Name the session module yourself: run 'sessionlint init' and fill in session-modules.",
    )


def test_sessions_that_come_from_elsewhere_are_named_as_such(infer):
    result = infer(
        {
            "shop/app.py": "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n\n\n"
            "def read():\n    return db.session.execute('select 1')\n"
        }
    )
    assert result.sessions == ((), (), ())
    assert result.notes == (
        (
            "no session module: sessions come from Flask-SQLAlchemy, whose own session "
            "handling is not followed. Name the session module yourself: run 'sessionlint "
            "init' and fill in session-modules."
        ),
    )


def test_a_library_that_only_receives_sessions_makes_none(infer):
    result = infer(
        {
            ("lib/queries.py"): (
                "from sqlalchemy.orm import Session\n\n\ndef read(session: Session):\n"
                "    return session.execute('select 1')\n"
            )
        }
    )
    assert result.notes[0] == (
        "no session module: no engine and no session factory is made in the files read. Name the session module "
        "yourself: run 'sessionlint init' and fill in session-modules."
    )


def test_tests_scripts_seeds_and_migrations_make_no_session_module(infer):
    engine = (
        "from sqlalchemy import create_engine\n\nengine = create_engine('sqlite://')\n\n\n"
        "def connect():\n    return engine.connect()\n"
    )
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB,
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
            "tests/conftest.py": engine,
            "scripts/load.py": engine,
            "app/seeds/fill.py": engine,
            "notebooks/look.py": engine,
            "alembic/env.py": "from alembic import context\n" + engine,
            "db/env.py": "from alembic import context\n" + engine,
            "repair.py": engine + "\n\nif __name__ == '__main__':\n    connect()\n",
        }
    )
    assert result.policy.session_modules == ("app/db.py",)


def test_a_private_dependency_of_an_endpoint_file_is_not_approved_beside_the_common_one(infer):
    private = ("from app.db import SessionLocal\nfrom fastapi import APIRouter, Depends\n\n"
"router = APIRouter()\n\n\ndef own():\n    with SessionLocal() as db:\n"
"        yield db\n\n\n@router.get('/')\ndef read(db=Depends(own)):\n    return 1\n")  # fmt: skip
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB,
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
            "app/odd.py": private,
        }
    )
    assert result.sessions == (("app/db.py",), ("app.db.get_db",), ())


def test_a_rival_that_hardly_anyone_uses_is_left_out_and_named(infer):
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB,
            "app/other.py": SYNC_DB,
            "app/main.py": MAIN,
            "app/api.py": router("app.db", endpoints=20),
            "app/odd.py": router("app.other", endpoints=1),
        }
    )
    assert result.sessions == (("app/db.py",), ("app.db.get_db",), ())
    assert result.notes[2] == (
        "not approved: app/other.py makes an engine of its own (line 4); 1 function in "
        "other files uses it, while 20 get their sessions through app/db.py."
    )


def test_a_dependency_on_a_factory_of_its_own_that_hardly_anyone_asks_for_is_left_out_and_named(infer):
    own = (
        "from sqlalchemy.orm import sessionmaker\n\nfrom app.db import engine\n\nmake = sessionmaker(engine)\n\n\n"
        "def get_other():\n    with make() as db:\n        yield db\n"
    )
    files = {"app/__init__.py": "", "app/db.py": SYNC_DB, "app/main.py": MAIN, "app/other.py": own}
    few = infer(
        files | {"app/api.py": router("app.db", endpoints=12), "app/odd.py": router("app.other", "get_other", 2)}
    )
    assert few.sessions == (("app/db.py",), ("app.db.get_db",), ())
    assert few.notes[2] == (
        "not approved: get_other() of app/other.py injects its sessions into 2 endpoints, while get_db() injects its "
        "sessions into 12 endpoints."
    )
    more = infer(
        files | {"app/api.py": router("app.db", endpoints=9), "app/odd.py": router("app.other", "get_other", 2)}
    )
    assert more.sessions == (("app/db.py", "app/other.py"), ("app.db.get_db", "app.other.get_other"), ())


def test_a_second_way_for_a_fair_share_of_the_application_is_approved(infer):
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB,
            "app/worker/db.py": ASYNC_DB,
            "app/main.py": MAIN,
            "app/api.py": router("app.db", endpoints=8),
            "app/worker/jobs.py": (
                "from app.worker.db import session_scope\n\n\nasync def sweep():\n"
                "    async with session_scope() as session:\n        await session.execute('select 1')\n"
            ),
        }
    )
    assert result.sessions == (("app/db.py", "app/worker/db.py"), ("app.db.get_db",), ("app.worker.db.session_scope",))


def test_a_dependency_that_passes_a_session_on_is_approved_without_its_file(infer):
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB,
            "app/deps.py": "from fastapi import Depends\n\nfrom app.db import get_db\n\n\n"
            "def reading(db=Depends(get_db)):\n    return db\n",
            "app/main.py": MAIN,
            "app/api.py": router("app.deps", "reading"),
        }
    )
    assert result.sessions == (("app/db.py",), ("app.deps.reading", "app.db.get_db"), ())


def test_sessions_opened_by_a_middleware_make_its_file_a_session_module(infer):
    result = infer(
        {
            "app/__init__.py": "",
            ("app/db.py"): (
                "from fastapi import Request\nfrom sqlalchemy import create_engine\n"
                "from sqlalchemy.orm import sessionmaker\n\n"
                "SessionLocal = sessionmaker(bind=create_engine('postgresql://db/app'))\n\n\n"
                "def get_db(request: Request):\n    return request.state.db\n"
            ),
            "app/main.py": MAIN + "\nfrom app.db import SessionLocal\n\n\n@app.middleware('http')\n"
            "async def opens(request, call_next):\n    request.state.db = SessionLocal()\n"
            "    try:\n        return await call_next(request)\n    finally:\n        request.state.db.close()\n",
            "app/api.py": router("app.db"),
        }
    )
    assert result.sessions == (("app/db.py", "app/main.py"), ("app.db.get_db",), ())
    assert result.notes[1] == "session module app/main.py: the sessions of get_db() are opened there (line 10)."


def test_a_dependency_that_reads_what_a_middleware_opens_is_approved_beside_one_that_opens(infer):
    endpoints = "\n\n@app.get('/{0}')\ndef {0}(db: Session = Depends({1})):\n    return db.get(object, 1)\n"
    result = infer(
        {
            "app/__init__.py": "",
            ("app/db.py"): (
                "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
                "SessionLocal = sessionmaker(bind=create_engine('postgresql://db/app'))\n\n\n"
                "def get_read():\n    with SessionLocal() as session:\n        yield session\n"
            ),
            "app/main.py": "from fastapi import Depends, FastAPI, Request\nfrom sqlalchemy.orm import Session\n\n"
            "from app.db import SessionLocal, get_read\n\napp = FastAPI()\n\n\n@app.middleware('http')\n"
            "async def opens(request, call_next):\n    with SessionLocal() as session:\n"
            "        request.state.db = session\n        return await call_next(request)\n\n\n"
            "def get_db(request: Request) -> Session:\n    return request.state.db\n"
            + endpoints.format("a", "get_db") + endpoints.format("b", "get_db") + endpoints.format("c", "get_read"),
        }
    )  # fmt: skip
    assert set(result.sessions[1]) == {"app.main.get_db", "app.db.get_read"}


@pytest.mark.parametrize(
    ("context", "contexts"),
    [("", ()), ("from contextlib import contextmanager\n" + SYNC_CONTEXT, ("app.db.opened", "app.uow.Unit"))],
    ids=["alone", "beside a context"],
)
def test_a_unit_of_work_that_several_files_use_is_a_session_module(infer, context, contexts):
    use = (
        "from app.uow import Unit\n\n\ndef work():\n    with Unit() as unit:\n"
        "        unit.session.execute('select 1')\n"
    )
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB + context,
            "app/uow.py": "from app.db import SessionLocal\n\n\nclass Unit:\n    def __enter__(self):\n"
            "        self.session = SessionLocal()\n        return self\n\n    def __exit__(self, *error):\n"
            "        self.session.close()\n",
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
            "app/one.py": use,
            "app/two.py": use,
        }
    )
    assert result.sessions == (("app/db.py", "app/uow.py"), ("app.db.get_db",), contexts)


def test_a_plain_function_whose_sessions_always_open_in_a_with_is_a_context(infer):
    use = (
        "from app.db import new_session\n\n\ndef work():\n    with new_session() as session:\n"
        "        session.execute('select 1')\n"
    )
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\n\n"
            "engine = create_engine('postgresql://db/app')\n\n\ndef new_session():\n    return Session(engine)\n",
            "app/one.py": use,
            "app/two.py": use,
        }
    )
    assert result.sessions == (("app/db.py",), (), ("app.db.new_session",))


def test_a_pool_of_connections_is_approved_where_there_are_no_sessions(infer):
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": "import asyncpg\n\npool = asyncpg.create_pool('postgresql://db/app')\n\n\n"
            "async def get_db():\n    async with pool.acquire() as connection:\n        yield connection\n",
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
        }
    )
    assert result.sessions == (("app/db.py",), ("app.db.get_db",), ())


def test_sessions_from_an_engine_out_of_sight_make_no_session_module(infer):
    opens = (
        "from sqlalchemy.orm import Session\n\n\ndef work(engine):\n"
        "    with Session(engine) as session:\n        return session\n"
    )
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": SYNC_DB,
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
            "app/health/main.py": MAIN + opens,
        }
    )
    assert result.policy.session_modules == ("app/db.py",)


DECORATOR = """\
import functools

from app.db import SessionLocal


def begin_session(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if kwargs.get("session") is not None:
            return function(*args, **kwargs)
        with SessionLocal.begin() as session:
            HANDS_IN
            return function(*args, **kwargs)

    return wrapper
"""
DECORATED = """\
from sqlalchemy.orm import Session

from app.decorators import begin_session


@begin_session
def add(row, session: Session = None):
    session.add(row)


@begin_session
def remove(row, session: Session = None):
    session.delete(row)
"""
PLAIN_DB = "\n".join(SYNC_DB.splitlines()[:5]) + "\n"


def test_decorator_that_opens_the_session_of_what_it_wraps_is_the_session_module(infer):
    files = {"app/__init__.py": "", "app/db.py": PLAIN_DB, "app/handlers.py": DECORATED}
    result = infer({**files, "app/decorators.py": DECORATOR.replace("HANDS_IN", 'kwargs["session"] = session')})
    assert result.sessions == (("app/db.py", "app/decorators.py"), (), ())
    assert (
        "session module app/decorators.py: begin_session() opens and hands in the sessions of 2 functions that it "
        "decorates."
    ) in result.notes


def test_decorator_that_opens_a_session_for_itself_is_no_session_module(infer):
    files = {"app/__init__.py": "", "app/db.py": PLAIN_DB, "app/handlers.py": DECORATED}
    result = infer({**files, "app/decorators.py": DECORATOR.replace("HANDS_IN", 'session.execute("select 1")')})
    assert result.sessions == (("app/db.py",), (), ())


OPENING_DEPS = """\
import jwt
from fastapi import Depends, Header
from sqlalchemy.orm import Session

from app.db import SessionLocal


def get_db():
    with SessionLocal() as session:
        yield session


def current_user(authorization: str = Header(), session: Session = Depends(get_db)):
    return session.get(object, jwt.decode(authorization)["sub"])
"""


def test_file_of_dependencies_that_authenticates_is_not_exempt_for_the_one_that_opens_sessions(infer):
    files = {"app/__init__.py": "", "app/db.py": PLAIN_DB, "app/main.py": MAIN, "app/deps.py": OPENING_DEPS}
    result = infer({**files, "app/routers/items.py": router("app.deps")})
    assert result.sessions == (("app/db.py",), ("app.deps.get_db",), ())


def test_file_that_only_wraps_an_approved_opener_is_not_exempt(infer):
    wrapper = (
        "from contextlib import asynccontextmanager\n\nfrom app.db import session_scope\n\n\n"
        "@asynccontextmanager\nasync def resolver_session(info):\n    async with session_scope() as session:\n"
        "        yield session\n"
    )
    use = (
        "from app.graph.sessions import resolver_session\n\n\nasync def resolve(info):\n"
        "    async with resolver_session(info) as session:\n        return await session.execute('select 1')\n"
    )
    files = {"app/__init__.py": "", "app/db.py": ASYNC_DB, "app/main.py": MAIN, "app/graph/sessions.py": wrapper}
    uses = {f"app/graph/resolvers_{number}.py": use for number in range(2)}
    result = infer({**files, **uses, "app/routers/items.py": router("app.db")})
    assert result.sessions == (
        ("app/db.py",),
        ("app.db.get_db",),
        ("app.graph.sessions.resolver_session", "app.db.session_scope"),
    )


def test_session_module_full_of_work_of_its_own_is_said_to_be_unchecked(infer):
    work = "".join(
        f"\n\ndef save_{number}(row):\n    with SessionLocal() as session:\n        session.add(row)\n"
        f"        session.commit()\n"
        for number in range(5)
    )
    files = {"app/__init__.py": "", "app/db.py": SYNC_DB + work, "app/main.py": MAIN}
    result = infer({**files, "app/routers/items.py": router("app.db")})
    assert (
        "not checked: app/db.py also holds 5 places that open sessions and 5 commits or rollbacks, which nobody checks "
        "there; with get_db() in a file of its own, they are."
    ) in result.notes
    several = {**files, "app/db.py": SYNC_DB + work[: len(work) * 3 // 5], "app/routers/items.py": router("app.db")}
    assert any(note.startswith("not checked: app/db.py also holds 3 places") for note in infer(several).notes)
    few = {**files, "app/db.py": SYNC_DB + work[: len(work) // 5], "app/routers/items.py": router("app.db")}
    assert not any(note.startswith("not checked") for note in infer(few).notes)


def test_file_that_nobody_imports_by_its_full_name_is_called_like_its_package(infer):
    head, _, scope = ASYNC_DB.partition("@asynccontextmanager")
    worker = (
        "from contextlib import asynccontextmanager\n\nfrom shop.db import SessionLocal\n\n\n@asynccontextmanager"
        + scope
    )
    task = (
        "from .sessions import session_scope\n\n\nasync def run():\n    async with session_scope() as session:\n"
        "        await session.execute('select 1')\n"
    )
    result = infer(
        {
            "server/shop/__init__.py": "",
            "server/shop/db.py": head,
            "server/shop/main.py": MAIN,
            "server/shop/worker/__init__.py": "",
            "server/shop/worker/sessions.py": worker,
            "server/shop/worker/tasks.py": task,
            "server/shop/worker/jobs.py": task,
            "server/shop/routers/items.py": router("shop.db"),
        }
    )
    assert result.sessions[1:] == (("shop.db.get_db",), ("shop.worker.sessions.session_scope",))


def test_context_beside_one_that_many_share_is_approved_with_it(infer):
    contexts = "\n".join(
        f"@asynccontextmanager\nasync def {name}():\n    async with SessionLocal() as db:\n        yield db\n\n"
        for name in ("write_session", "read_session")
    )
    head = "from contextlib import asynccontextmanager\n\nfrom app.db import SessionLocal\n\n\n"
    use = (
        "from app.sessions import {0}\n\n\nasync def run():\n    async with {0}() as session:\n        return session\n"
    )
    db, _, _ = ASYNC_DB.partition("@asynccontextmanager")
    result = infer(
        {
            "app/__init__.py": "",
            "app/db.py": db,
            "app/sessions.py": head + contexts,
            "app/main.py": MAIN,
            "app/routers/items.py": router("app.db"),
            "app/jobs/one.py": use.format("write_session"),
            "app/jobs/two.py": use.format("write_session"),
            "app/reading/three.py": use.format("read_session"),
        }
    )
    assert result.policy.session_contexts == ("app.sessions.write_session", "app.sessions.read_session")


def test_scripts_name_that_the_application_imports_is_no_script(infer):
    files = {"app/__init__.py": "", "app/main.py": MAIN}
    for name in ("setup", "seed", "noxfile", "populate_db"):
        result = infer(files | {f"app/db/{name}.py": SYNC_DB, "app/api.py": router(f"app.db.{name}")})
        assert result.sessions == ((f"app/db/{name}.py",), (f"app.db.{name}.get_db",), ())


def test_scripts_name_that_only_scripts_import_is_a_script(infer):
    result = infer(
        {
            "setup.py": SYNC_DB,
            "app/__init__.py": "",
            "app/db.py": SYNC_DB,
            "app/main.py": MAIN,
            "app/api.py": router("app.db"),
            "app/seed.py": SYNC_DB,
            "scripts/fill.py": "from app.seed import get_db\nfrom setup import engine\n",
        }
    )
    assert result.sessions == (("app/db.py",), ("app.db.get_db",), ())
    assert not [note for note in result.notes if note.startswith("not approved")]


REGISTRY = """\
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
factory = async_sessionmaker(engine)
session = async_scoped_session(session_factory=factory, scopefunc=id)


async def get_session():
    try:
        yield GIVEN
    finally:
        await session.close()
"""


def test_dependency_that_yields_the_scoped_session_itself_is_approved(infer):
    files = {"app/__init__.py": "", "app/main.py": MAIN, "app/api.py": router("app.db", "get_session")}
    scoped = infer(files | {"app/db.py": REGISTRY.replace("GIVEN", "session")})
    assert scoped.sessions == (("app/db.py",), ("app.db.get_session",), ())
    factory = infer(files | {"app/db.py": REGISTRY.replace("GIVEN", "factory")})
    assert factory.sessions == (("app/db.py",), (), ())


LAZY = """\
from sqlalchemy import create_engine

_engine = None


def connect():
    global _engine
    if _engine is None:
        _engine = create_engine("postgresql://db/app")
    return _engine
"""
OWN_FACTORY = """\
from sqlalchemy.orm import sessionmaker

from app.connecting import connect

make = sessionmaker(bind=connect())


def keep(row):
    with make() as session:
        session.add(row)
"""
OWN_ENGINE = (
    "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\n\napp = FastAPI()\n"
    'probe = create_engine("postgresql://db/app")\n'
)


def test_files_with_a_factory_each_are_users_of_the_engine_they_share(infer):
    files = {"app/__init__.py": "", "app/connecting.py": LAZY, "main.py": OWN_ENGINE, "app/a.py": OWN_FACTORY}
    # one file that makes a factory is the other half of a session module, which nobody uses here
    assert infer(files).sessions == ((), (), ())
    result = infer(files | {"app/b.py": OWN_FACTORY})
    assert result.sessions == (("app/connecting.py",), (), ())
    assert any(note.startswith("not approved: main.py makes an engine of its own") for note in result.notes)


KEEPS = (
    "from contextlib import contextmanager\n\nfrom sqlalchemy.orm import Session\n\n"
    "from bakery.base import opens\n\n\n@contextmanager\n"
    "def batch():\n    session = opens()\n    try:\n        yield session\n    finally:\n        session.close()\n"
)
BAKES = (
    "from bakery.oven import batch\n\n\ndef bake(loaf):\n    with batch() as session:\n"
    "        return session.get(object, loaf)\n"
)


@pytest.mark.parametrize(
    ("beside", "modules"),
    [
        ("", ("bakery/base.py", "bakery/oven.py")),
        (
            "\n\ndef weigh(session: Session, loaf):\n    session.add(loaf)\n    session.flush()\n",
            ("bakery/base.py", "bakery/oven.py"),
        ),
        ("\n\ndef sell(session: Session, loaf):\n    session.add(loaf)\n    session.commit()\n", ("bakery/base.py",)),
    ],
    ids=["alone", "beside work", "beside a commit"],
)
def test_the_file_of_a_context_that_commits_what_it_is_passed_is_no_session_module_for_it(infer, beside, modules):
    base = "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n" + (
        "opens = sessionmaker(create_engine('postgresql://db/bakery'))\n"
    )
    files = {"bakery/__init__.py": "", "bakery/base.py": base, "bakery/oven.py": KEEPS + beside}
    result = infer(files | {f"bakery/{name}.py": BAKES for name in ("rye", "oats")})
    assert result.sessions == (modules, (), ("bakery.oven.batch",))


def test_a_file_approved_for_one_engine_is_not_called_unapproved_for_another(infer):
    core = (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\n\n"
        "from app.shards import engine_of\n\n"
        "default = create_engine('postgresql://u@h/d')\n\n\n"
        "def get_db(name: str):\n    with Session(default if name else engine_of(name)) as session:\n"
        "        yield session\n"
    )
    shards = (
        "from sqlalchemy import create_engine\n\n\ndef engine_of(name):\n"
        "    return create_engine(f'postgresql://u@h/{name}')\n"
    )
    api = (
        "from fastapi import APIRouter, Depends\n\nfrom app.core import get_db\n\nrouter = APIRouter()\n\n\n"
        "@router.get('/a')\ndef one(db=Depends(get_db)):\n    return db.get(str, 1)\n\n\n"
        "@router.get('/b')\ndef two(db=Depends(get_db)):\n    return db.get(str, 2)\n"
    )
    reading = (
        "from sqlalchemy import text\n\nfrom app.shards import engine_of\n\n\n"
        "def names():\n    with engine_of('a').connect() as c:\n        return c.scalar(text('select 1'))\n"
    )
    result = infer({"app/core.py": core, "app/shards.py": shards, "app/api.py": api, "app/reading.py": reading})
    assert result.policy.session_modules == ("app/core.py", "app/shards.py")
    assert not [note for note in result.notes if note.startswith("not approved")]


def test_the_file_of_a_configuration_that_makes_the_engine_is_the_session_module(infer):
    config = (
        "from litestar.plugins.sqlalchemy import SQLAlchemyAsyncConfig\n\n"
        "boats = SQLAlchemyAsyncConfig(connection_string='postgresql+asyncpg://h/boats')\n"
    )
    reading = (
        "from litestar import get\n\nfrom harbour.config import boats\n\n\n"
        "@get('/')\nasync def read() -> int:\n    async with boats.get_session() as session:\n"
        "        return await session.get(object, 1)\n"
    )
    result = infer({"harbour/__init__.py": "", "harbour/config.py": config, "harbour/web.py": reading})
    assert result.policy.session_modules == ("harbour/config.py",)


def test_dependencies_of_one_name_are_told_apart_by_their_files(infer):
    own = "from {base} import SessionLocal\n\n\ndef get_db():\n    with SessionLocal() as db:\n        yield db\n"
    files = {
        "app/__init__.py": "",
        "app/main.py": MAIN,
        "app/db.py": (
            "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
            "engine = create_engine('sqlite://')\nSessionLocal = sessionmaker(engine)\n"
        ),
        "app/a/deps.py": own.format(base="app.db"),
        "app/b/deps.py": own.format(base="app.db"),
        "app/a/items.py": router("app.a.deps"),
        "app/b/items.py": router("app.b.deps", endpoints=3),
    }
    told = next(note for note in infer(files).notes if note.startswith("session module app/db.py"))
    assert "get_db() of app/a/deps.py" in told
    assert "get_db() of app/b/deps.py" in told
