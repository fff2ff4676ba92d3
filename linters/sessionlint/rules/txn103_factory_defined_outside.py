"""TXN103: a session factory is defined outside the session module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.opening import made_at, text

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event
    from sessionlint.program.values import Value

META = Rule(
    code="TXN103",
    name="factory-defined-outside",
    summary="A session factory or scoped registry is defined outside the session module.",
    rationale=(
        "The factory decides `expire_on_commit`, `autoflush` and the engine behind every session. A second one "
        "gives sessions that behave differently for the same code (a lazy load after commit that raises "
        "`MissingGreenlet` in one path only), and tests that replace the first leave the second on the real "
        "database."
    ),
    remedy="Define the one factory in the session module, next to its engine; import neither of them elsewhere.",
    not_flagged="The session module, migrations and tests; factories of other libraries; type annotations.",
)

BAD = [
    Bad(
        """
import sqlalchemy.orm
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.orm.session import sessionmaker as maker

from app.session import engine

Legacy = sessionmaker(bind=engine, class_=AsyncSession)  # TXN103@10
Typed = async_sessionmaker[AsyncSession](engine)  # TXN103@9
Later = maker()  # TXN103@9
Local = sqlalchemy.orm.sessionmaker(engine)  # TXN103@9
registry = scoped_session(sessionmaker())  # TXN103@12


def current(factory, scope):
    return async_scoped_session(factory, scopefunc=scope)  # TXN103@12
""",
        path="app/database.py",
    ),
    Bad(
        """
# --- app/kit/orm.py
from sqlalchemy.ext.asyncio import async_sessionmaker

make = {"async": async_sessionmaker}
# --- app/tasks/worker.py
from functools import partial

from app.kit import orm
from app.kit.orm import make

factory_for = partial(make["async"], expire_on_commit=False)


class Worker:
    def __init__(self, engine):
        self.sessions = factory_for(engine)  # TXN103@25

    def other(self, engine):
        return orm.make["async"](engine)  # TXN103@16
"""
    ),
    Bad(
        """
# --- app/core/start.py
try:
    from sqlalchemy.ext.asyncio import async_sessionmaker
except ImportError:
    from sqlalchemy.ext.asyncio.session import async_sessionmaker

from app.session import engine

async_sessionmaker = async_sessionmaker(engine)  # TXN103@22
# --- app/services/orders.py
from app.core.start import async_sessionmaker


async def count(rows):
    async with async_sessionmaker() as session:
        session.add_all(rows)
# --- app/kit/traced.py
from sqlalchemy.orm import sessionmaker

from tracer import traced

sessionmaker = traced(sessionmaker)
# --- app/services/far.py
from app.kit.traced import sessionmaker

Later = sessionmaker()  # TXN103@9
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/services/worker.py
from typing import TYPE_CHECKING

from app.session import get_session
from app.vendors import sessionmaker

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import async_sessionmaker


class Worker:
    def __init__(self, factory: "async_sessionmaker"):
        self.factory = factory


def login():
    return sessionmaker("browser"), get_session
# --- app/vendors.py
def sessionmaker(kind):
    return kind
"""
    ),
    Good(
        """
# --- tests/conftest.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))
# --- migrations/data.py
from sqlalchemy.orm import sessionmaker


def upgrade(bind):
    return sessionmaker(bind=bind)
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Factories made outside the session module."""
    for event in program.events("create"):
        if event.name == "factory" and not program.is_exempt(event.function) and not _wrapped(event):
            message = (
                f"{text(event)} defines a session factory outside the session module. "
                "Define the one factory there, and receive or open sessions through its dependency and context manager."
            )
            inputs = tuple(a for value in _inputs(event) for a in value)
            yield program.finding(META, event, message, made_at(program, inputs))


def _inputs(event: Event) -> tuple[Value, ...]:
    return (*event.args, *(value for _, value in event.keywords))


def _wrapped(event: Event) -> bool:
    """A factory made inside the call that wraps it into a registry: one definition, told once."""
    (line, column, end_line, end_column), factory = event.span, event.subject[0]
    return any(
        other is not event and other.kind == "create" and other.name == "factory"
        and other.span[:2] <= (line, column) and (end_line, end_column) <= other.span[2:]
        and any(factory in value for value in _inputs(other))
        for other in event.function.events
    )  # fmt: skip
