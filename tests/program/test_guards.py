"""What a function does under a condition on its arguments happens only where the arguments allow it."""

import pytest

from sessionlint.program.api import Program
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules
from tests.program.support import solved

HEAD = """\
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.services import work
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.post("/x")
async def endpoint(flag: bool, session=Depends(get_session_dependency)):
    async with session.begin():
        await """

SERVICE = """\
import asyncio
from typing import Protocol


async def by_flag(session, *, commit=True):
    if commit:
        await session.commit()
    else:
        await session.flush()


async def early(session, commit=False):
    if not commit:
        return
    await session.commit()


async def by_mode(session, mode="flush"):
    await session.commit() if mode == "commit" else await session.flush()


async def own_or_given(session=None, other=None):
    if session is None:
        await other.commit()


async def passes_on(session, commit):
    await by_flag(session, commit=commit)


async def through(function, session):
    await function(session)


async def commits(session):
    await session.commit()


async def flushes(session):
    await session.flush()


class Repository:
    def __init__(self, session, autocommit=True):
        self.session = session
        self.autocommit = autocommit

    async def save(self):
        await self._done()

    async def _done(self):
        if self.autocommit:
            await self.session.commit()

    async def after(self):
        \"\"\"For sub-classes.\"\"\"

    async def hooked(self):
        await self.after()


class Plain(Repository):
    pass


class Committing(Repository):
    async def after(self):
        await self.session.commit()


class Notifier(Protocol):
    async def send(self): ...


class Sleeps:
    async def send(self):
        await asyncio.sleep(1)


class Silent:
    async def send(self):
        return None


class Checkout:
    def __init__(self, notifier: Notifier):
        self.notifier = notifier

    async def run(self):
        await self.notifier.send()
"""

#: Every way is taken somewhere, so that only what a call itself says can tell.
EVERYWHERE = """\
from app.services import work


async def elsewhere(session, unknown):
    await work.through(work.commits, session)
    await work.through(work.flushes, session)
    await work.Checkout(work.Sleeps()).run()
    await work.Checkout(work.Silent()).run()
    await work.Committing(session).hooked()
"""


def codes_at(call):
    program = Program(
        examples.policy_for({}),
        solved(
            {
                "app/services/work.py": SERVICE,
                "app/services/elsewhere.py": EVERYWHERE,
                "app/routers/work.py": HEAD + call + "\n",
            }
        ),
        (),
        lambda path, line: "",
    )
    checks = [rule.check for rule in all_rules() if rule.META.code in ("TXN205", "TXN207")]
    return sorted(f.code for check in checks for f in check(program) if f.path == "app/routers/work.py")


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        ("work.by_flag(session)", ["TXN205"]),
        ("work.by_flag(session, commit=True)", ["TXN205"]),
        ("work.by_flag(session, commit=False)", []),
        ("work.by_flag(session, commit=flag)", ["TXN205"]),
        ("work.early(session)", []),
        ("work.early(session, True)", ["TXN205"]),
        ("work.by_mode(session)", []),
        ('work.by_mode(session, mode="commit")', ["TXN205"]),
        ("work.own_or_given(session, session)", []),
        ("work.own_or_given(None, session)", ["TXN205"]),
        ("work.passes_on(session, False)", []),
        ("work.passes_on(session, True)", ["TXN205"]),
        ("work.through(work.flushes, session)", []),
        ("work.through(work.commits, session)", ["TXN205"]),
        ("work.Repository(session).save()", ["TXN205"]),
        ("work.Repository(session, autocommit=False).save()", []),
        ("work.Plain(session).hooked()", []),
        ("work.Committing(session).hooked()", ["TXN205"]),
        ("work.Checkout(work.Silent()).run()", []),
        ("work.Checkout(work.Sleeps()).run()", ["TXN207"]),
    ],
)
def test_a_call_does_what_its_arguments_ask_for(call, codes):
    assert codes_at(call) == codes


TOLD = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def close(session: AsyncSession, unit=None):
    if unit is None:
        await session.commit()


async def first(session: AsyncSession, unit):
    await close(session, unit)


async def second(session: AsyncSession):
    await close(session)


async def settle(session: AsyncSession, unit):
    await first(session, unit)
    await second(session)


async def settle_backwards(session: AsyncSession, unit):
    await second(session)
    await first(session, unit)


async def by_itself(session: AsyncSession, unit):
    await second(session)
    if unit is None:
        await session.commit()
"""


@pytest.mark.parametrize(
    ("name", "lines"), [("settle", [19, 14, 6]), ("settle_backwards", [23, 14, 6]), ("by_itself", [28, 14, 6])]
)
def test_the_way_to_an_effect_leads_past_what_an_argument_may_rule_out(name, lines):
    solver = solved({"app/services/told.py": TOLD})
    program = Program(examples.policy_for({}), solver, (), lambda path, line: "")
    function = next(f for f in program.functions if f.name == name)
    commit = next(effect for effect in function.summary.effects if effect.name == "commit")
    assert [step.line for step in program.effect_trace(function, commit)] == lines
