"""Shapes of real applications: sessions that containers and declared callables hand out, registries, mixins.

Each case is a module of the example project and the database events it must produce, as ``line kind name``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionlint.discovery import discover
from sessionlint.engine import Engine
from sessionlint.infer import infer_policy
from sessionlint.policy import Policy
from tests.program.support import solved

KINDS = {"create", "obtain", "txn", "use"}
PATH = "app/services/example.py"


def events(source: str) -> list[str]:
    """The database events of a module, sorted by line."""
    solver = solved({PATH: source})
    functions = [solver.modules[PATH].body, *solver.functions]
    found = {(e.span[0], e.kind, e.name, *sorted(e.flags & {"closed"})) for f in functions for e in f.events
             if e.path == PATH and e.kind in KINDS}  # fmt: skip
    return [" ".join(map(str, row)) for row in sorted(found)]


CASES = {
    "a container that is asked for the session class": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def undo(request, settings):
    session = await request.state.container.get(AsyncSession)
    await session.rollback()
    await settings.get("session").rollback()
""",
        ["4 txn rollback"],
    ),
    "two places that ask a container have two sessions": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def work(container):
    first = await container.get(AsyncSession)
    second = await container.get(AsyncSession)
    await first.close()
    await second.flush()
""",
        ["5 txn close", "6 use flush"],
    ),
    "a callable that is declared to return a session or a context manager of one": (
        """\
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
class Repository:
    def __init__(self, opens: Callable[..., AbstractContextManager[Session]], makes: Callable[[], AsyncSession]):
        self.opens = opens
        self.makes = makes
    def add(self, row):
        with self.opens() as session:
            session.commit()
    async def make(self):
        session = self.makes()
        await session.commit()
async def run(opens: Callable[[str], AbstractAsyncContextManager[AsyncSession]], names: Callable[[], str]):
    async with opens("main") as session:
        await session.commit()
    names().commit()
""",
        ["11 txn commit", "14 txn commit", "17 txn commit"],
    ),
    "a method without staticmethod whose first parameter is declared a session": (
        """\
from sqlalchemy.orm import Session
class Letters:
    def delete(db: Session, row):
        db.delete(row)
        db.commit()
    def other(self, db: Session):
        self.commit()
""",
        ["4 use delete", "5 txn commit"],
    ),
    "a registry that is emptied opens its next session anew": (
        """\
from sqlalchemy.orm import scoped_session, sessionmaker
from app.session import engine
registry = scoped_session(sessionmaker(engine))
def start():
    registry.remove()
    registry.add(object())
""",
        ["3 create factory", "3 create factory", "5 txn close", "6 use add"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_database_events_of_a_real_shape(name: str) -> None:
    source, expected = CASES[name]
    assert events(source) == list(dict.fromkeys(expected))


def test_super_calls_the_base_itself_and_not_the_override_of_a_sibling() -> None:
    source = """\
from abc import ABC, abstractmethod
from app.session import session_factory
class Service(ABC):
    @abstractmethod
    def delete(self): ...
class Users(Service):
    def delete(self):
        return session_factory()
class Letters(Service):
    def delete(self):
        session_factory()
        return super().delete()
"""
    solver = solved({PATH: source})
    (delete,) = (f for f in solver.functions if f.qualname == "Letters.delete")
    called = [e.callee.qualname for e in delete.events if e.kind in ("call", "obtain") and e.callee is not None]
    assert called == ["Service.delete"]


def layers_of(root: Path, files: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The layers inferred for a project of these files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    policy, _ = infer_policy(root, discover(root, Policy(root=root)).files)
    return {key[7:]: policy.layers[key[7:]] for key in policy.stated if key.startswith("layers.")}


def test_a_file_named_for_authentication_that_compares_secrets_is_of_the_auth_layer(tmp_path: Path) -> None:
    compares = "import hmac\n\n\ndef check(token, known):\n    return hmac.compare_digest(token, known)\n"
    takes = "from sqlalchemy.orm import Session\n\n\ndef read(session: Session):\n    return session.get(object, 1)\n"
    files = {"app/core/auth_helpers.py": compares, "app/core/webhooks.py": compares, "app/crud/rows.py": takes}
    files |= {"app/core/auth_tokens.py": compares}
    auth = ("app/core/auth_helpers.py", "app/core/auth_tokens.py")
    assert layers_of(tmp_path, files) == {"auth": auth, "service": ("app/crud/**",)}


def test_one_folder_with_all_that_takes_a_session_is_a_layer(tmp_path: Path) -> None:
    takes = "from sqlalchemy.orm import Session\n\n\ndef read(session: Session):\n    return session.get(object, 1)\n"
    assert layers_of(tmp_path, {"app/rows.py": takes, "app/cells.py": takes}) == {"service": ("app/**",)}


def test_a_root_that_is_a_package_itself_is_imported_by_its_name(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    policy = Policy(root=root, session_modules=("session.py",))
    program = Engine(root, policy).solve(
        {
            "__init__.py": b"",
            "session.py": b"from sqlalchemy.orm import sessionmaker\nfactory = sessionmaker()\n",
            "work.py": b"from shop.session import factory\n\ndef work():\n    factory().commit()\n",
        }
    )
    assert [(e.path, e.name) for e in program.events("txn")] == [("work.py", "commit")]
