"""An engine that an object of the project keeps, and passes for."""

from __future__ import annotations

PLAIN = """\
from sqlalchemy.ext.asyncio import create_async_engine


def plain_engine(url):
    return create_async_engine(url)
"""
WATCHED = """\
from sqlalchemy.ext.asyncio import create_async_engine


class Watched:
    def __init__(self, engine, key):
        self.engine = engine
        self.key = key

    async def dispose(self):
        await self.key.close()
        await self.engine.dispose()


def watched_engine(url, key):
    return Watched(create_async_engine(url), key)
"""
CHOOSING = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker

from app.engines.plain import plain_engine
from app.engines.watched import watched_engine
from app.settings import settings

engine = watched_engine(settings.url, settings.key) if settings.key else plain_engine(settings.url)
factory = async_sessionmaker(engine)


@asynccontextmanager
async def unit():
    async with factory() as session:
        yield session
"""


def test_an_engine_in_an_object_of_the_project_is_behind_the_factory_that_is_given_the_object(infer):
    files = {"app/engines/plain.py": PLAIN, "app/engines/watched.py": WATCHED, "app/store.py": CHOOSING}
    user = (
        "from app.store import unit\n\n\nasync def read():\n    async with unit() as session:\n        return session\n"
    )
    result = infer(files | {"app/reads.py": user, "app/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n"})
    assert result.sessions == (
        ("app/engines/plain.py", "app/engines/watched.py", "app/store.py"),
        (),
        ("app.store.unit",),
    )
