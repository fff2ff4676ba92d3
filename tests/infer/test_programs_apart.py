"""Programs in one repository that do not know of each other, and what they keep under the same names."""

from __future__ import annotations

import pytest

PIER = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
    "engine = create_engine('postgresql://db/{0}')\nopened = sessionmaker(engine)\n\n\n"
    "def berth():\n    with opened() as session:\n        yield session\n"
)
PIER_MAIN = (
    "from fastapi import Depends, FastAPI\n\nfrom {0}.pier import berth\n\napp = FastAPI()\n\n\n"
    "@app.get('/')\ndef read(session=Depends(berth)):\n    return session.execute('select 1')\n"
)
LOG = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import scoped_session, sessionmaker\n\n"
    "pages = scoped_session(sessionmaker(create_engine('postgresql://db/log')))\n"
)
READS = "from logbook.store import pages\n\n\ndef last():\n    return pages.execute('select 1')\n"


def harbour() -> dict[str, str]:
    """An application with a session module of its own."""
    return {"harbour/pier.py": PIER.format("harbour"), "harbour/main.py": PIER_MAIN.format("harbour")}


def test_a_program_beside_an_application_has_a_session_module_of_its_own(infer):
    result = infer(harbour() | {"logbook/store.py": LOG, "logbook/read.py": READS})
    assert result.policy.session_modules == ("harbour/pier.py", "logbook/store.py")


def test_a_helper_that_works_with_the_application_is_no_program_beside_it(infer):
    both = READS + "\n\nfrom harbour.pier import engine\n"
    result = infer(harbour() | {"logbook/store.py": LOG, "logbook/read.py": both})
    assert result.policy.session_modules == ("harbour/pier.py",)


def test_a_copy_in_a_hidden_folder_is_no_program_beside_the_application(infer):
    copies = {f".scratch/{path}": source for path, source in harbour().items()}
    result = infer(harbour() | copies)
    assert result.policy.session_modules == ("harbour/pier.py",)
    assert result.layers.get("router", ()) == ()
    assert [note for note in result.notes if "hidden" in note] == [
        "not approved: .scratch/harbour/pier.py makes an engine or session factory of its own and lies in a hidden "
        "folder; if that is a copy, leave it out by `exclude`."
    ]


def test_a_project_of_hidden_files_is_one(infer):
    copies = {f".scratch/{path}": source for path, source in harbour().items()}
    result = infer(copies)
    assert result.policy.session_modules == (".scratch/harbour/pier.py",)
    assert not any("hidden" in note for note in result.notes)


STORE = (
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n\ndef factory():\n"
    "    return async_sessionmaker(create_async_engine('postgresql+asyncpg://db/{0}'))\n"
)
KEEPS = (
    "from contextlib import asynccontextmanager\n\nfrom fastapi import Depends, FastAPI, Request\n\n"
    "from {0}.store import factory\n{1}\n\n@asynccontextmanager\nasync def lifespan(app: FastAPI):\n"
    "    app.state.opener = factory()\n    yield\n\n\n"
)
GIVES = (
    "async def given(request: Request):\n    async with request.app.state.opener() as session:\n        yield session\n"
)
HOLDS = (
    "class Desk:\n    def __init__(self, opener):\n        self.opener = opener\n\n"
    "    async def __aenter__(self):\n        self.session = self.opener()\n        return self\n\n"
    "    async def __aexit__(self, *error):\n        await self.session.close()\n\n"
    "    async def one(self, kind, key):\n        return await self.session.get(kind, key)\n"
)
GIVES_DESK = (
    "async def given(request: Request):\n    async with Desk(request.app.state.opener) as desk:\n        yield desk\n"
)
ASKS = (
    "\n\napp = FastAPI(lifespan=lifespan)\n\n\n@app.get('/')\nasync def read(thing=Depends(given)):\n"
    "    return await thing.one(object, 1)\n"
)


def office(name: str, gives: str, more: str = "") -> dict[str, str]:
    """An application that keeps its factory on its state."""
    main = KEEPS.format(name, more) + gives + ASKS
    return {
        f"{name}/{name}/__init__.py": "",
        f"{name}/{name}/store.py": STORE.format(name),
        f"{name}/{name}/main.py": main,
    }


def test_what_two_applications_keep_under_one_name_is_each_ones_own(infer):
    result = infer(office("east", GIVES) | office("west", GIVES))
    assert result.policy.session_modules == ("east/east/store.py", "west/west/store.py")
    assert result.policy.session_dependencies == ("east.main.given", "west.main.given")


def test_where_one_application_has_a_dependency_what_another_injects_is_approved_too(infer):
    files = {**office("east", GIVES_DESK, "from east.desk import Desk\n"), "east/east/desk.py": HOLDS}
    assert infer(files).policy.session_dependencies == ("east.main.given",)
    result = infer(files | office("west", GIVES))
    assert result.policy.session_dependencies == ("west.main.given", "east.main.given")


def test_an_object_with_a_session_beside_the_dependency_of_the_same_application_is_not_approved(infer):
    plain = "\n\n" + GIVES.replace("given", "plain")
    more = "\n\n@app.get('/plain')\nasync def other(session=Depends(plain)):\n    return await session.get(object, 1)\n"
    files = {**office("east", GIVES_DESK + plain, "from east.desk import Desk\n"), "east/east/desk.py": HOLDS}
    files["east/east/main.py"] += more
    result = infer(files | office("west", GIVES))
    assert result.policy.session_dependencies == ("east.main.plain", "west.main.given")


QUAY = (
    "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n{}"
    "app = FastAPI()\nlogged = sessionmaker(create_engine('postgresql://db/quay'))\n\n\nclass Bell:\n"
    "    def ring(self):\n        with logged() as session:\n            session.execute('select 1')\n"
)


@pytest.mark.parametrize(
    ("imports", "modules"),
    [
        ("", ("libs/piers/src/piers/pier.py", "sites/quay/src/quay/main.py")),
        ("from piers.pier import engine\n\n", ("libs/piers/src/piers/pier.py",)),
    ],
    ids=["knows no other", "has the shared one"],
)
def test_what_an_application_makes_for_itself_beside_the_engine_it_imports_is_no_session_module(
    infer, imports, modules
):
    result = infer(
        {
            "libs/piers/src/piers/__init__.py": "",
            "libs/piers/src/piers/pier.py": PIER.format("piers"),
            "sites/dock/src/dock/__init__.py": "",
            "sites/dock/src/dock/main.py": PIER_MAIN.format("piers"),
            "sites/quay/src/quay/__init__.py": "",
            "sites/quay/src/quay/main.py": QUAY.format(imports),
        }
    )
    assert result.policy.session_modules == modules
    left_out = [note for note in result.notes if note.startswith("not approved: sites/quay/src/quay/main.py makes")]
    assert bool(left_out) == bool(imports)
