"""Options of engines that travel: through ``**options`` of functions, for each call what that call passes."""

from __future__ import annotations

import pytest

from tests.program.support import marked

_OPTIONS = """
# --- app/options.py
import ssl

TLS = {"ssl": ssl.create_default_context()}
CACHES = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}


def arguments(**more):
    made = dict(TLS)
    made.update(CACHES)
    made.update(more)
    return made


def timed(**given):
    return arguments(timeout=5, **given)


def fixed(**given):
    return {**given, **CACHES}


def half(**given):
    return {**TLS, "statement_cache_size": 0} | given


def without(**given):
    given.pop("statement_cache_size", None)
    return {**TLS, **CACHES, **given}


def assigned(**given):
    given["statement_cache_size"] = 0
    return dict(CACHES, **given)


# --- app/one_engine.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.options import arguments, assigned, fixed, half, timed, without
from app.settings import settings

URL = "postgresql+asyncpg://postgres.abcdefgh@aws-0-eu-west-1.pooler.supabase.com:6543/postgres"
SMALL = {"prepared_statement_cache_size": 7}
"""

CASES = {
    "what one caller passes is not in what another gets": """
create_async_engine(URL, connect_args=arguments(timeout=5))
create_async_engine(URL, connect_args=arguments(statement_cache_size=100))  # TXN501
create_async_engine(URL, connect_args=arguments(**SMALL))  # TXN501
""",
    "through two functions": """
create_async_engine(URL, connect_args=timed(command_timeout=3))
create_async_engine(URL, connect_args=timed(statement_cache_size=50))  # TXN501
""",
    "what is put over it counts, and what it is put over does not": """
create_async_engine(URL, connect_args=fixed(statement_cache_size=50))
create_async_engine(URL, connect_args=assigned(statement_cache_size=50))
create_async_engine(URL, connect_args=assigned(prepared_statement_cache_size=50))  # TXN501
""",
    "a setting that nobody passes is missing": """
create_async_engine(URL, connect_args=half())  # TXN501
create_async_engine(URL, connect_args=half(prepared_statement_cache_size=0))
""",
    "a setting that is taken out again": """
create_async_engine(URL, connect_args=without(statement_cache_size=50))
""",
    "what comes from outside may have the setting or not": """
create_async_engine(URL, connect_args=half(**settings.more))
create_async_engine(URL, connect_args=timed(**settings.more))
""",
}


@pytest.mark.parametrize("case", CASES)
def test_a_call_gives_what_it_passes(case: str) -> None:
    """Each caller's keyword arguments are its own, however many functions pass them on."""
    found, expected = marked(_OPTIONS + CASES[case], families="5")
    assert [line for line in found if line.endswith("TXN501")] == expected
