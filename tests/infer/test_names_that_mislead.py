"""Files that are called after tests or migrations and are none, and those that are although nothing calls them so."""

from __future__ import annotations

import pytest

DB = (
    "from contextlib import asynccontextmanager\n\n"
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
    "opened = async_sessionmaker(create_async_engine('postgresql+asyncpg://db/lab'))\n\n\n"
    "async def injected():\n    async with opened() as session:\n        yield session\n\n\n"
    "@asynccontextmanager\nasync def unit():\n    async with opened() as session:\n        yield session\n"
)
ROUTER = (
    "from fastapi import APIRouter, Depends\n\nfrom lab.db import injected\n\nrouter = APIRouter()\n\n\n"
    "@router.get('/{0}')\nasync def read(session=Depends(injected)):\n    return await session.get(object, 1)\n"
)
MAIN = "from fastapi import FastAPI\n\nfrom lab.{0} import router\n\napp = FastAPI()\napp.include_router(router)\n"
REAL = "import pytest\n\nfrom lab.{0} import router\n\n\ndef test_it():\n    assert router\n"


def lab(module: str, **more: str) -> dict[str, str]:
    """An application whose one router is ``module``."""
    router = {f"lab/{module.replace('.', '/')}.py": ROUTER.format("all"), "lab/main.py": MAIN.format(module)}
    return {"lab/__init__.py": "", "lab/db.py": DB, **router, **more}


def test_a_file_named_like_a_test_that_the_application_imports_is_its_own(infer):
    result = infer(lab("test_orders"))
    assert result.layers == {"router": ("lab/test_orders.py",), "test": ("tests/", "test/", "*_test.py", "conftest.py")}
    assert result.policy.session_dependencies == ("lab.db.injected",)


def test_tests_that_the_application_imports_are_its_own_and_tests_beside_them_stay_tests(infer):
    files = lab("test_orders")
    files |= {"lab/checks/test_main.py": REAL.format("main"), "lab/test_db.py": REAL.format("db")}
    layers = infer(files).layers
    assert layers["test"] == ("tests/", "test/", "*_test.py", "conftest.py", "lab/checks/test_*.py", "lab/test_db.py")


def test_a_folder_of_tests_that_the_application_serves_is_no_folder_of_its_tests(infer):
    files = lab("tests.routes", **{"lab/tests/__init__.py": "", "tests/rows.py": REAL.format("main")})
    layers = infer(files).layers
    assert layers["router"] == ("lab/tests/routes.py",)
    assert layers["test"] == ("test/", "test_*.py", "*_test.py", "conftest.py", "tests/**")


@pytest.mark.parametrize(
    "uses", ["import pytest", "from unittest import mock", "from fastapi.testclient import TestClient"]
)
def test_what_uses_a_library_for_tests_is_a_test_whoever_imports_it(infer, uses):
    files = lab("test_orders")
    files["lab/test_orders.py"] = f"{uses}\n{files['lab/test_orders.py']}"
    assert "test" not in infer(files).layers


def test_what_only_a_test_imports_is_a_test(infer):
    helper = "from lab.db import opened\n\n\nasync def rows():\n    async with opened() as one:\n        return one\n"
    user = "from lab.test_rows import rows\n\n\ndef test_rows():\n    rows()\n"
    assert "test" not in infer(lab("orders", **{"lab/test_rows.py": helper, "tests/test_all.py": user})).layers


MOVES = (
    "import sqlite3\n\nfrom lab.db import opened\n\n\nasync def move(path):\n    old = sqlite3.connect(path)\n"
    "    async with opened() as session:\n        session.add(old)\n        await session.commit()\n"
)


@pytest.mark.parametrize("folder", ["migration", "data_migrations", "_migrations"])
def test_a_folder_called_after_migrations_holds_migrations(infer, folder):
    assert infer(lab("orders", **{f"lab/{folder}/first.py": MOVES})).layers["migration"] == (f"lab/{folder}/**",)


def test_a_folder_called_after_migrations_that_requests_run_is_about_them(infer):
    moves = MOVES + "\n\nasync def plan(session):\n    return await session.get(object, 1)\n"
    files = lab("orders", **{"lab/migration/moving.py": moves, "lab/migration/table.py": MOVES})
    files["lab/orders.py"] = "from lab.migration.moving import move\n" + ROUTER.format("all").replace(
        "    return", "    await move('x')\n    return"
    )
    assert "migration" not in infer(files).layers


def test_a_folder_called_after_migrations_with_endpoints_is_about_them(infer):
    files = lab("migration.routes", **{"lab/migration/__init__.py": "", "lab/migration/moving.py": MOVES})
    assert "migration" not in infer(files).layers


RUNS = (
    "from alembic.migration import MigrationContext\n{0}from sqlalchemy import create_engine\n\n\n"
    "def upgrade(url, step):\n    with create_engine(url).connect() as line:\n"
    "        context = MigrationContext.configure(line)\n        {1}\n"
)


def test_what_runs_operations_of_alembic_itself_is_a_migration(infer):
    runs = RUNS.format("from alembic.operations import Operations\n", "step(Operations(context))")
    layers = infer(lab("orders", **{"lab/plugins/upgrades.py": runs, "lab/plugins/all.py": MOVES})).layers
    assert layers["migration"] == ("lab/plugins/upgrades.py",)


def test_what_only_asks_alembic_for_the_revision_is_none(infer):
    asks = RUNS.format("", "return context.get_current_revision()")
    assert "migration" not in infer(lab("orders", **{"lab/health.py": asks, "lab/other.py": MOVES})).layers


WORKS = "class {0}:\n    async def run(self, key, session: AsyncSession):\n        session.add(key)\n"
LOOP = (
    "import anyio\n\nfrom lab.db import unit\nfrom lab.chores.sweep import Sweep\n\n\nclass Runner:\n"
    "    async def run(self):\n        while True:\n            async with unit() as session, session.begin():\n"
    "                await Sweep().run(1, session)\n\n\n"
    "def main():\n    async def start():\n        async with anyio.create_task_group() as group:\n"
    "            {0}\n\n    anyio.run(start)\n"
)
CHORES = {
    f"lab/chores/{name.lower()}.py": "from sqlalchemy.ext.asyncio import AsyncSession\n\n\n" + WORKS.format(name)
    for name in ("Sweep", "Polish", "Dust")
}


@pytest.mark.parametrize("starts", ["group.start_soon(Runner().run)", "await Runner().run()"])
def test_a_script_among_services_that_runs_its_own_loop_is_background_work(infer, starts):
    script = LOOP.format(starts) + "\n\nif __name__ == '__main__':\n    main()\n"
    layers = infer(lab("orders", **CHORES, **{"lab/chores/runner.py": script})).layers
    assert (layers["service"], layers["background"]) == (("lab/chores/**",), ("lab/chores/runner.py",))


def test_a_script_among_services_whose_functions_requests_run_is_a_service(infer):
    script = LOOP.format("group.start_soon(Runner().run)") + "\n\nif __name__ == '__main__':\n    main()\n"
    files = lab("orders", **CHORES, **{"lab/chores/runner.py": script})
    files["lab/orders.py"] = "from lab.chores.runner import Runner\n" + ROUTER.format("all").replace(
        "    return", "    await Runner().run()\n    return"
    )
    assert "background" not in infer(files).layers
