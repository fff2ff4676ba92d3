"""Abstract classes and protocols: what stands behind the declared type is what counts."""

from __future__ import annotations

from tests.program.support import rows, solved

ABSTRACT = """\
import abc

from sqlalchemy.ext.asyncio import AsyncSession


class UnitOfWork(abc.ABC):
    @abc.abstractmethod
    async def commit(self):
        raise NotImplementedError


class SqlUnitOfWork(UnitOfWork):
    def __init__(self, session: AsyncSession):
        self.session = session

    async def commit(self):
        await self.session.commit()


async def work(uow: UnitOfWork):
    await uow.commit()
"""

PROTOCOL = """\
from typing import Protocol

from app.session import session_factory


class Store(Protocol):
    db: object


class Sql:
    def __init__(self):
        self.db = session_factory()


def finish(store: Store):
    store.db.commit()


def run():
    finish(Sql())
"""


def test_calling_an_abstract_method_has_the_effects_of_what_sub_classes_define():
    functions = {f.qualname: f for f in solved({"app/uow.py": ABSTRACT}).functions}
    effects = functions["work"].summary.effects
    assert [(e.kind, e.name) for e in effects if e.kind == "txn"] == [("txn", "commit")]


def test_a_parameter_declared_as_a_protocol_is_what_callers_pass():
    assert rows(solved({"app/store.py": PROTOCOL}), {"app/store.py"}, {"txn"}) == [("finish", "txn", "commit")]
