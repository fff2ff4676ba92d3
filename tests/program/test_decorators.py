"""What a decorator's inner function does happens at every call of what it decorates, and nothing else does."""

import pytest

from sessionlint.program.api import Program
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules
from tests.program.support import solved

ROUTER = """\
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.services.work import save
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.post("/x")
async def endpoint(session=Depends(get_session_dependency)):
    async with session.begin():
        await save(session, 1)
"""
CALL_LINE = 13


def found(service, router=ROUTER, codes=("TXN201", "TXN202", "TXN205", "TXN209")):
    program = Program(
        examples.policy_for({}),
        solved({"app/services/work.py": service, "app/routers/work.py": router}),
        (),
        lambda path, line: "",
    )
    checks = [rule.check for rule in all_rules() if rule.META.code in codes]
    findings = [f for check in checks for f in check(program) if f.path.endswith("work.py")]
    return sorted((f.path, f.span.line, f.code) for f in findings)


def decorated(inner, *, parameters=""):
    return (
        "import functools\n\n\ndef around(function):\n    @functools.wraps(function)\n"
        f"    async def inner({inner}):\n{parameters}"
        "        return result\n\n    return inner\n\n\n"
        "@around\nasync def save(session, row):\n    session.add(row)\n\n\n"
        "@around\nasync def other(session):\n    await session.commit()\n"
    )


def test_a_decorator_that_commits_is_seen_at_the_call_of_what_it_decorates():
    body = "        result = await function(session, *args)\n        await session.commit()\n"
    service = decorated("session, *args", parameters=body)
    assert ("app/routers/work.py", CALL_LINE, "TXN205") in found(service)
    assert ("app/services/work.py", 8, "TXN201") in found(service)


def test_what_one_decorated_function_does_is_not_laid_at_the_door_of_another():
    service = decorated("*args, **kwargs", parameters="        result = await function(*args, **kwargs)\n")
    router = ROUTER.replace("import save", "import other, save").replace(
        "save(session, 1)", "save(session, 1)\n        await other(session)"
    )
    assert found(service, router) == [
        ("app/routers/work.py", CALL_LINE + 1, "TXN205"),
        ("app/services/work.py", 20, "TXN201"),
    ]


@pytest.mark.parametrize("call", ["save(session=session, row=1)", "save(session, row=1)"])
def test_a_session_taken_from_keywords_is_known(call):
    body = (
        "        result = await function(*args, **kwargs)\n"
        '        await (kwargs["session"] if "session" in kwargs else args[0]).commit()\n'
    )
    service = decorated("*args, **kwargs", parameters=body)
    router = ROUTER.replace("save(session, 1)", call)
    assert ("app/services/work.py", 8, "TXN201") in found(service, router)


def test_rows_that_the_decorator_of_an_endpoint_commits_are_not_lost():
    router = """\
import functools

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency

router = APIRouter()


def commits(function):
    @functools.wraps(function)
    async def inner(*args, session: AsyncSession, **kwargs):
        result = await function(*args, session=session, **kwargs)
        await session.commit()
        return result

    return inner


@router.post("/x")
@commits
async def endpoint(session: AsyncSession = Depends(get_session_dependency)):
    session.add(1)
"""
    assert found("", router) == [("app/routers/work.py", 15, "TXN201")]


ENDPOINT = """\
from fastapi import APIRouter, Depends

from app.services.work import around
from app.session import get_session_dependency

router = APIRouter()


@router.post("/x")
@around
async def endpoint(*, session=Depends(get_session_dependency)):
    session.add(object())


@router.post("/y")
@around
async def saved(*, session=Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())
"""
LOST = [("app/routers/work.py", 12, "TXN209")]
CALLS = "return await function(*args, **kwargs)"
OWNERS = [
    "async def inner(*args, session, **kwargs):\n        async with session.begin():\n"
    f"            {CALLS[:-1]}, session=session)",
    f'async def inner(*args, **kwargs):\n        async with kwargs["session"].begin():\n            {CALLS}',
    "async def inner(*args, **kwargs):\n        return await within(kwargs['session'], function, **kwargs)",
]
HELPER = (
    "async def within(session, function, **kwargs):\n    async with session.begin():\n"
    "        await function(**kwargs)\n\n\n"
)
CLASS = (
    "class around:\n    def __init__(self, function):\n        self.function = function\n\n"
    "    async def __call__(self, session, **kwargs):\n"
)


def around(inner):
    return f"{HELPER}def around(function):\n    {inner}\n\n    return inner\n"


@pytest.mark.parametrize("inner", OWNERS)
def test_an_endpoint_under_a_decorator_that_owns_the_transaction_loses_nothing(inner):
    assert found(around(inner), ENDPOINT, codes=("TXN209",)) == []


def test_a_class_that_owns_the_transaction_around_an_endpoint_counts_as_well():
    body = "        async with session.begin():\n            await self.function(session=session, **kwargs)\n"
    assert found(CLASS + body, ENDPOINT, codes=("TXN209",)) == []


def test_an_endpoint_under_a_decorator_that_only_calls_it_loses_its_rows():
    service = around(f"async def inner(*args, **kwargs):\n        {CALLS}")
    assert found(service, ENDPOINT, codes=("TXN209",)) == LOST
    body = "        await self.function(session=session, **kwargs)\n"
    assert found(CLASS + body, ENDPOINT, codes=("TXN209",)) == LOST


def test_functions_in_functions_lose_rows_of_sessions_they_got_themselves():
    job = (
        "import asyncio\n\nfrom app.session import get_session\n\n\ndef job():\n    async def work():\n"
        "        async with get_session() as session:\n            session.add(object())\n\n    asyncio.run(work())\n"
    )
    endpoint = (
        "from fastapi import APIRouter, Depends\n\nfrom app.session import get_session_dependency\n\n"
        "router = APIRouter()\n\n\n@router.post('/x')\nasync def endpoint(session=Depends(get_session_dependency)):\n"
        "    def add():\n        session.add(object())\n\n    async with session.begin():\n        add()\n"
    )
    files = {"app/tasks/job.py": job, "app/routers/work.py": endpoint}
    program = Program(examples.policy_for({}), solved(files), (), lambda path, line: "")
    (check,) = [rule.check for rule in all_rules() if rule.META.code == "TXN209"]
    assert [(f.path, f.span.line) for f in check(program)] == [("app/tasks/job.py", 9)]
