"""Dependencies that hand out an object around a session, and the one context manager there is."""

from __future__ import annotations

import pytest

BASE = (
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
    "maker = async_sessionmaker(create_async_engine('postgresql+asyncpg://db/mill'))\n"
)
PLAIN = "\n\nasync def grain():\n    async with maker() as session:\n        yield session\n"
SHIFT = (
    "from mill.base import maker\n\n\nclass Shift:\n"
    "    async def __aenter__(self):\n        self.session = maker()\n        return self\n\n"
    "    async def __aexit__(self, kind, error, trace):\n        await self.session.commit()\n"
    "        await self.session.close()\n\n\n"
)
GIVEN = "def shift():\n    return Shift()\n"
ENTERED = "async def shift():\n    async with Shift() as opened:\n        yield opened\n"
ROUTES = "from fastapi import APIRouter, Depends\n\n{}\n\nrouter = APIRouter()\n\n"
BY_SHIFT = (
    "\n@router.post('/{0}')\nasync def grind_{0}(work=Depends({1})):\n"
    "    async with work:\n        await work.session.execute('select 1')\n\n"
)
BY_GRAIN = (
    "\n@router.get('/g{0}')\nasync def look_{0}(session=Depends(grain)):\n"
    "    return await session.execute('select 1')\n\n"
)


def mill(shift: str, injected: str, by_shift: int, by_grain: int) -> dict[str, str]:
    """A program of which some endpoints are injected a unit of work, others a session."""
    imports = f"from mill.work import {injected}\n" + ("from mill.base import grain\n" if by_grain else "")
    routes = [BY_SHIFT.format(n, injected) for n in range(by_shift)] + [BY_GRAIN.format(n) for n in range(by_grain)]
    return {
        "mill/__init__.py": "",
        "mill/base.py": BASE + (PLAIN if by_grain else ""),
        "mill/work.py": shift,
        "mill/api.py": ROUTES.format(imports) + "".join(routes),
    }


@pytest.mark.parametrize(
    ("shift", "injected"),
    [(SHIFT + GIVEN, "shift"), (SHIFT + ENTERED, "shift"), (SHIFT, "Shift")],
    ids=["a function gives it", "a dependency enters it", "the class is injected"],
)
def test_a_unit_of_work_that_endpoints_are_injected_is_the_dependency_and_its_class_the_context(infer, shift, injected):
    result = infer(mill(shift, injected, by_shift=1, by_grain=0))
    assert result.sessions == (("mill/base.py", "mill/work.py"), (f"mill.work.{injected}",), ("mill.work.Shift",))
    assert (
        f"session dependency mill.work.{injected}: it hands out an object that works with its session and injects its "
        "sessions into 1 endpoint."
    ) in result.notes


BELL = (
    "class Bell:\n    async def __aexit__(self, kind, error, trace):\n        await self.session.{0}()\n\n"
    "    async def saved(self, session):\n        await session.commit()\n"
)
RUNG = (
    "from mill.base import maker\nfrom mill.bell import Bell\n\n\nclass Shift(Bell):\n"
    "    async def __aenter__(self):\n        self.session = maker()\n        return self\n\n\n"
)


@pytest.mark.parametrize(("ends", "approved"), [("commit", True), ("close", False)])
def test_the_file_of_a_class_that_ends_what_a_unit_of_work_opens_belongs_to_it(infer, ends, approved):
    result = infer(mill(RUNG + GIVEN, "shift", by_shift=1, by_grain=0) | {"mill/bell.py": BELL.format(ends)})
    assert result.policy.session_modules == ("mill/base.py", *(["mill/bell.py"] if approved else []), "mill/work.py")
    told = "session module mill/bell.py: a class there ends what Shift() of mill/work.py opens."
    assert (told in result.notes) == approved


@pytest.mark.parametrize(
    ("shift", "injected"), [(SHIFT + GIVEN, "shift"), (SHIFT, "Shift")], ids=["by a function", "by its class"]
)
def test_beside_a_session_that_fewer_are_injected_a_unit_of_work_is_approved(infer, shift, injected):
    result = infer(mill(shift, injected, by_shift=2, by_grain=1))
    assert result.policy.session_modules == ("mill/base.py", "mill/work.py")
    assert result.policy.session_dependencies == ("mill.base.grain", f"mill.work.{injected}")
    assert "service" not in result.layers


def test_beside_a_session_that_as_many_are_injected_a_unit_of_work_is_a_shortcut(infer):
    result = infer(mill(SHIFT + ENTERED, "shift", by_shift=2, by_grain=2))
    assert result.sessions == (("mill/base.py",), ("mill.base.grain",), ())
    assert (
        "not approved: shift() of mill/work.py injects its sessions into 2 endpoints, while grain() injects its "
        "sessions into 2 endpoints."
    ) in result.notes


@pytest.mark.parametrize("entered", ["Shift()", "work"], ids=["several files enter it", "it is entered where it came"])
def test_a_unit_of_work_that_several_files_enter_may_be_injected_however_few_ask_for_it(infer, entered):
    files = mill(SHIFT + GIVEN, "shift", by_shift=1, by_grain=3)
    for name in ("press", "sieve"):
        files[f"mill/{name}.py"] = (
            f"from mill.work import Shift\n\n\nasync def run_{name}(work: Shift):\n"
            f"    async with {entered} as opened:\n        await opened.session.execute('select 1')\n"
        )
    result = infer(files)
    assert result.sessions == (
        ("mill/base.py", "mill/work.py"),
        ("mill.base.grain", "mill.work.shift"),
        ("mill.work.Shift",),
    )
    assert not any("not approved" in note for note in result.notes)


MILLER = (
    "from mill.base import maker\n\n\nclass Miller:\n    def __init__(self, session):\n"
    "        self.session = session\n\n"
    "    async def one(self, key):\n        return await self.session.get(object, key)\n\n"
    "    async def save(self):\n        await self.session.commit()\n\n\n"
)
YIELDS = "async def miller():\n    async with maker() as session:\n        yield Miller(session)\n"
RETURNS = "def miller():\n    return Miller(maker())\n"
ASKS = "@router.get('/{{key}}')\nasync def read(key: int, miller=Depends(miller)):\n    return await miller.one(key)\n"


def by_miller(gives: str) -> dict[str, str]:
    """A program whose dependency gives a service, defined in one file with it."""
    return {
        "mill/__init__.py": "",
        "mill/base.py": BASE,
        "mill/services/__init__.py": "",
        "mill/services/millers.py": MILLER + gives,
        "mill/api.py": ROUTES.format("from mill.services.millers import miller\n") + ASKS,
    }


def test_a_dependency_that_yields_a_service_around_its_session_is_approved_and_the_file_of_the_service_is_not(infer):
    result = infer(by_miller(YIELDS))
    assert result.sessions == (("mill/base.py",), ("mill.services.millers.miller",), ())
    assert result.layers["service"] == ("mill/services/**",)


def test_a_dependency_that_makes_a_service_with_a_unit_of_work_is_approved(infer):
    makes = "from mill.work import Shift\n\n\ndef miller():\n    return Miller(Shift())\n"
    files = {**by_miller(makes), "mill/work.py": SHIFT}
    modules = ("mill/base.py", "mill/work.py")
    assert infer(files).sessions == (modules, ("mill.services.millers.miller",), ("mill.work.Shift",))


def test_a_dependency_that_leaves_the_session_in_its_object_open_is_not_approved(infer):
    assert infer(by_miller(RETURNS)).policy.session_dependencies == ()


SCOPE = (
    "from contextlib import asynccontextmanager\n\nfrom mill.base import maker\n\n\n"
    "@asynccontextmanager\nasync def scope():\n    async with maker() as session:\n        yield session\n"
)
NIGHT = (
    "import asyncio\n\nfrom celery import shared_task\n\nfrom mill.scope import scope\n\n\nasync def sweep():\n"
    "    async with scope() as session:\n        await session.execute('select 1')\n\n\n"
    "@shared_task\ndef night():\n    asyncio.run(sweep())\n"
)
HELPS = (
    "from mill.scope import scope\n\n\nasync def rows():\n    async with scope() as session:\n"
    "        return await session.execute('select 1')\n"
)
SERVES = "from mill.{} import rows\n\n\n@router.get('/rows')\nasync def all_rows():\n    return await rows()\n"


def with_scope(scope: str, **users: str) -> dict[str, str]:
    """A program with a dependency, and a context manager in a file of its own."""
    files = mill("", "", by_shift=0, by_grain=1)
    files["mill/api.py"] = files["mill/api.py"].replace("from mill.work import \n", "")
    return {**files, "mill/scope.py": scope, **{f"mill/{name}.py": text for name, text in users.items()}}


def test_the_only_context_manager_is_approved_where_one_job_uses_it(infer):
    result = infer(with_scope(SCOPE, night=NIGHT))
    assert result.sessions == (("mill/base.py", "mill/scope.py"), ("mill.base.grain",), ("mill.scope.scope",))


def test_a_context_manager_that_a_request_runs_once_beside_the_dependency_is_not_approved(infer):
    files = with_scope(SCOPE, rows=HELPS)
    files["mill/api.py"] += SERVES.format("rows")
    assert infer(files).policy.session_contexts == ()


def test_a_context_manager_beside_other_work_is_not_approved_for_one_job(infer):
    beside = SCOPE + "\n\nasync def count(session):\n    return await session.execute('select 1')\n"
    assert infer(with_scope(beside, night=NIGHT)).policy.session_contexts == ()
