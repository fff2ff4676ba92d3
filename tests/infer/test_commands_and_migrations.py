"""Engines that a command makes for itself, and single files of migrations, beside what the application uses."""

from __future__ import annotations

import pytest

DOOR = """\
class Work:
    def __init__(self, maker):
        self.maker = maker

    async def __aenter__(self):
        self.session = self.maker()
        return self

    async def __aexit__(self, kind, value, trace):
        await self.session.commit()
        await self.session.close()


def work(maker):
    return Work(maker)
"""
START = """\
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


def start(url):
    return async_sessionmaker(create_async_engine(url))
"""
MAIN = """\
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from sqlalchemy import text

from app.data.door import work
from app.data.start import start


@asynccontextmanager
async def lifespan(app):
    app.state.maker = start("postgresql+asyncpg://db/app")
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/a")
async def a(request: Request):
    async with work(request.app.state.maker) as unit:
        return (await unit.session.execute(text("select 1"))).scalar()
"""
COMMAND = """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.data.door import work


async def run(url):
    maker = async_sessionmaker(create_async_engine(url))
    async with work(maker) as unit:
        await unit.session.execute(text("select 1"))
"""


@pytest.mark.parametrize("commands", [1, 3])
def test_what_a_command_makes_for_itself_is_no_part_of_the_session_module(infer, commands):
    files = {"app/main.py": MAIN, "app/data/door.py": DOOR, "app/data/start.py": START}
    result = infer(files | {f"app/a_command{n}.py": COMMAND for n in range(commands)})
    assert result.policy.session_modules == ("app/data/door.py", "app/data/start.py")


def test_where_only_commands_make_engines_their_files_are_the_session_modules(infer):
    result = infer({"app/data/door.py": DOOR, "app/command.py": COMMAND})
    assert "app/command.py" in result.policy.session_modules


MODELS = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.migrations import upgrade


def start(url):
    engine = create_engine(url)
    upgrade(engine)
    return sessionmaker(bind=engine)
"""
MOVING = """\
from sqlalchemy import text


def upgrade(engine):
    with engine.begin() as connection:
        connection.execute(text("alter table items add column price integer"))
"""
BIRDS = """\
from sqlalchemy import text


def upgrade(engine):
    with engine.begin() as connection:
        connection.execute(text("update birds set place = 'south'"))
"""
ROUTES = """

from fastapi import APIRouter

router = APIRouter()


@router.post("/upgrade")
def run():
    upgrade(None)
"""


def test_a_file_that_is_called_after_migrations_and_changes_tables_is_one(infer):
    result = infer({"app/models.py": MODELS, "app/migrations.py": MOVING})
    assert result.layers["migration"] == ("app/migrations.py",)


@pytest.mark.parametrize("other", [BIRDS, MOVING + ROUTES])
def test_one_that_moves_rows_or_answers_requests_is_none(infer, other):
    result = infer({"app/models.py": MODELS, "app/migrations.py": other})
    assert "migration" not in result.layers


CHANGING = """\
import os

from sqlalchemy import create_engine, text


def columns(connection, table):
    asked = text("SELECT column_name FROM information_schema.columns WHERE table_name = :t")
    found = connection.execute(asked, {"t": table})
    return {name for (name,) in found}


def send(engine, statement):
    with engine.begin() as connection:
        connection.execute(text(statement))


def main():
    engine = create_engine(os.environ["OWNER_URL"])
    with engine.connect() as connection:
        known = columns(connection, "birds")
    if "weight" not in known:
        send(engine, "ALTER TABLE birds ADD COLUMN weight INTEGER")
        send(engine, "CREATE INDEX birds_weight ON birds (weight)")
        send(engine, "UPDATE birds SET weight = 0")


if __name__ == "__main__":
    main()
"""
#: It makes what it needs when it starts, and goes to work.
COUNTING = CHANGING.replace(
    '        send(engine, "UPDATE birds SET weight = 0")\n',
    '    send(engine, "INSERT INTO birds (weight) VALUES (1)")\n    send(engine, "DELETE FROM birds")\n',
)
FIRST_TABLES = CHANGING.replace(
    "ALTER TABLE birds ADD COLUMN weight INTEGER", "CREATE TABLE birds (weight INTEGER)"
).replace("CREATE INDEX birds_weight ON birds (weight)", "CREATE TABLE nests (place TEXT)")
WITH_ROWS = CHANGING.replace(
    '        send(engine, "UPDATE birds SET weight = 0")\n',
    "    with Session(engine) as session:\n        session.add(Bird())\n        session.merge(Bird())\n",
).replace(
    "import create_engine, text\n",
    "import create_engine, text\nfrom sqlalchemy.orm import Session\n\nfrom app.models import Bird\n",
)


def test_a_script_that_does_little_else_than_to_change_tables_is_a_migration_whatever_it_is_called(infer):
    result = infer({"app/models.py": MODELS, "app/heavier_birds.py": CHANGING})
    assert result.layers["migration"] == ("app/heavier_birds.py",)


@pytest.mark.parametrize(
    "other", [COUNTING, FIRST_TABLES, WITH_ROWS, CHANGING + ROUTES, CHANGING.partition("\n\nif __name__")[0]]
)
def test_one_that_works_with_rows_makes_its_tables_or_is_not_run_by_hand_is_none(infer, other):
    result = infer({"app/models.py": MODELS, "app/heavier_birds.py": other})
    assert "migration" not in result.layers
