"""Files of ways to sessions in which other things happen, and ways to sessions in files that are about other things."""

from __future__ import annotations

import pytest

STORE = (
    "from contextlib import asynccontextmanager\n\n"
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
    "engine = create_async_engine('postgresql+asyncpg://db/kiln')\nopened = async_sessionmaker(engine)\n\n\n"
    "@asynccontextmanager\nasync def unit():\n    async with opened() as session:\n        yield session\n\n\n"
    "async def injected():\n    async with opened() as session:\n        yield session\n"
)
BATCH = """\
from kiln.store import opened


class Bare:
    async def finish(self):
        await self.session.commit()


class Batch(Bare):
    async def __aenter__(self):
        self.session = opened()
        return self

    async def __aexit__(self, *error):
        await self.finish()
        await self.session.close()
"""
POTS = """

class Pots:
    def __init__(self, session):
        self.session = session

    async def add(self, pot):
        self.session.add(pot)
        await self.session.commit()


async def throw(pot):
    async with Batch() as batch:
        await Pots(batch.session).add(pot)
"""
MAIN = (
    "from fastapi import Depends, FastAPI\n\nfrom kiln.batch import Batch\n\napp = FastAPI()\n\n\n"
    "async def batch():\n    async with Batch() as held:\n        yield held\n\n\n"
    "@app.get('/')\nasync def read(held=Depends(batch)):\n    return await held.session.get(object, 1)\n"
)


@pytest.mark.parametrize(("more", "told"), [(POTS, True), ("", False)], ids=["a repository", "nothing"])
def test_what_lies_beside_a_unit_of_work_is_said_to_be_unchecked(infer, more, told):
    files = {"kiln/__init__.py": "", "kiln/store.py": STORE.partition("@")[0], "kiln/main.py": MAIN}
    result = infer(files | {"kiln/batch.py": BATCH + more})
    assert "kiln/batch.py" in result.policy.session_modules
    said = (
        "not checked: kiln/batch.py also holds a commit or rollback, which nobody checks there; with Batch() in a file "
        "of its own, it is."
    )
    assert [note for note in result.notes if note.startswith("not checked")] == ([said] if told else [])


BESIDE = (
    "from contextlib import asynccontextmanager\n\nfrom fastapi import Depends, FastAPI\n"
    "from sqlalchemy.ext.asyncio import async_sessionmaker\n\nfrom kiln.store import engine, injected, opened\n\n"
    "app = FastAPI()\n\n\n@asynccontextmanager\nasync def mine():\n    async with opened() as session:\n"
    "        yield session\n\n\n@app.get('/')\nasync def read(session=Depends(injected)):\n"
    "    async with mine() as own:\n        return await own.get(object, await session.get(object, 1))\n\n\n"
    "@app.get('/quick')\nasync def quick(session=Depends(injected)):\n"
    "    async with {0} as own:\n        return await own.get(object, 1)\n"
)


@pytest.mark.parametrize("opens", ["opened()", "async_sessionmaker(engine)()"], ids=["the one", "one of its own"])
def test_a_context_among_endpoints_is_no_way_though_one_of_them_makes_a_factory_for_itself(infer, opens):
    files = {"kiln/__init__.py": "", "kiln/store.py": STORE, "kiln/main.py": BESIDE.format(opens)}
    work = "from kiln.store import unit\n\n\nasync def fire():\n    async with unit() as own:\n        return own\n"
    result = infer(files | {"kiln/work.py": work})
    assert result.sessions == (("kiln/store.py",), ("kiln.store.injected",), ("kiln.store.unit",))


JARS = """\
from contextlib import asynccontextmanager


class Jars:
    def __init__(self, opened):
        self.opened = opened

    async def put(self, jar, filled=None):
        async with self.opened() as session:
            {0}

    @asynccontextmanager
    async def together(self):
        async with self.opened() as session, session.begin():
            yield session
"""
FILLS = """

async def fill_{0}(jars: Jars):
    async with jars.together() as session:
        return await session.get(object, {0})
"""
WRITES = "session.add(jar)\n            await session.commit()"


@pytest.mark.parametrize(
    ("put", "others", "is_way"),
    [
        (WRITES, 1, False),
        (WRITES, 2, True),
        ("return await session.get(object, jar)", 1, True),
        ("await filled(session)\n            await session.commit()", 1, True),
    ],
    ids=["a repository", "mostly for others", "only reads", "commits the work of others"],
)
def test_a_repository_with_a_context_beside_its_own_commits_is_no_session_module(infer, put, others, is_way):
    work = "from kiln.jars import Jars\nfrom kiln.store import opened\n\njars = Jars(opened)\n"
    files = {"kiln/__init__.py": "", "kiln/store.py": STORE.partition("@")[0], "kiln/jars.py": JARS.format(put)}
    result = infer(files | {"kiln/work.py": work + "".join(FILLS.format(n) for n in range(others))})
    assert result.policy.session_modules == (("kiln/jars.py", "kiln/store.py") if is_way else ("kiln/store.py",))
    said = (
        "not approved: together() of kiln/jars.py hands its sessions to 1 function, while 1 other method of its class "
        "works and commits on a session of its own."
    )
    assert [note for note in result.notes if "together() of" in note] == ([] if is_way else [said])
