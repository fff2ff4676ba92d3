"""What is said of a password that stands elsewhere than in the URL or argument which it gets to."""

from __future__ import annotations

from sessionlint.rules import examples
from sessionlint.rules.txn503_credentials_in_source import check

_APP = """
# --- app/config.py
import os

PASSWORD = os.getenv("BOATS_PASSWORD", "l1ghthouse")
HINT = "l1ghthouse"
URL = f"postgresql+asyncpg://boats:{PASSWORD}@db.example.com/boats"
# --- app/session.py
import os

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import PASSWORD, URL

engine = create_async_engine(URL)
second = create_async_engine("postgresql+asyncpg://piers:b0llard@db.example.com/piers")


async def connect():
    await asyncpg.connect(host="db", password=PASSWORD)
    await asyncpg.connect(host="db", password=os.getenv("PIERS_PASSWORD", "b0llard"))
"""


def test_a_password_is_said_to_be_written_where_it_stands() -> None:
    files = examples.split(_APP, "app/config.py")
    found = sorted(check(examples.program_for(files, examples.policy_for({}, files))), key=lambda f: (f.path, f.span))
    told = [(f.path, f.span.line, f.message.partition(". ")[0], [(s.path, s.line) for s in f.trace]) for f in found]
    put, passed = "that is written in the source is put into this URL", "that is written in the source is passed as"
    assert told == [
        ("app/config.py", 5, f"A database password {put}", [("app/config.py", 3)]),
        ("app/session.py", 9, "A database password is written in this URL", []),
        ("app/session.py", 13, f"A database password {passed} the argument 'password'", [("app/config.py", 3)]),
        ("app/session.py", 14, "A database password is written in the argument 'password'", []),
    ]
