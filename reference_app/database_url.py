"""Reads the database's address strictly: what would connect to the wrong place, or not at all, is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from reference_app.errors import ConfigurationError

DRIVER = "postgresql+asyncpg"
POOLER_HOST_SUFFIX = ".pooler.supabase.com"
POOLER_PORT = 6543
POOLER_USER = re.compile(r"postgres\.[a-z0-9]{16,32}")

_SCHEMES = ("postgres", "postgresql", DRIVER)
_DIRECT_SUPABASE_HOST = re.compile(r"db\.[a-z0-9]+\.supabase\.(co|com)")
_NOT_DRIVER_ARGUMENTS = ("raw_sql", "no_prepare")
_NOT_IN_URL = (
    "statement_cache_size",
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "sslmode",
    "ssl",
)


def parse_database_url(text: str) -> URL:
    """The database's address with the async driver set.

    Raises ``ConfigurationError`` with every problem at once; the password is in none of them.
    """
    scheme = text.partition("://")[0]
    if "://" not in text or scheme not in _SCHEMES:
        raise ConfigurationError(
            [f"The database URL must start with {DRIVER}://; it starts with {scheme[:30]!r}. Put the scheme right."]
        )
    if _has_raw_characters(text):
        raise ConfigurationError(
            ["The database URL has '#', '@' or '/' unescaped in its password; percent-encode them (%23, %40, %2F)."]
        )
    try:
        url = make_url(text).set(drivername=DRIVER)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            ["The database URL cannot be read. Write it as postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE."]
        ) from error
    problems = [*_missing_parts(url), *_wrong_arguments(url), *_wrong_door(url)]
    if problems:
        raise ConfigurationError(problems)
    return url


def is_local(url: URL) -> bool:
    """Whether the server is on this machine: a socket directory or a loopback address."""
    host = url.host or ""
    if not host:
        return True
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_supabase_pooler(url: URL) -> bool:
    """Whether the address is a Supabase pooler's."""
    return (url.host or "").endswith(POOLER_HOST_SUFFIX)


def _has_raw_characters(text: str) -> bool:
    rest = text.partition("://")[2]
    if "#" in rest:
        return True
    authority = urlsplit(text).netloc
    before_query = rest.partition("?")[0]
    return authority.count("@") > 1 or before_query.count("@") > authority.count("@")


def _missing_parts(url: URL) -> Iterator[str]:
    if not url.username:
        yield "The database URL names no user; write it before the host (USER:PASSWORD@HOST)."
    if not url.host and "host" not in url.query:
        yield "The database URL names no host; write it after the '@'."
    if not url.database:
        yield "The database URL names no database; write it after the host and port (…:6543/postgres)."


def _wrong_arguments(url: URL) -> Iterator[str]:
    for name in url.query:
        if name in _NOT_DRIVER_ARGUMENTS:
            yield f"The database URL has {name}=…, which asyncpg refuses; remove it. The engine sets what it means."
        elif name in _NOT_IN_URL:
            yield f"The database URL has {name}=…, which cannot work there; remove it. The settings decide it."


def _wrong_door(url: URL) -> Iterator[str]:
    # Port 6543 of a project's own host is its dedicated pooler, whose user is plain postgres.
    if _DIRECT_SUPABASE_HOST.fullmatch(url.host or "") and url.port != POOLER_PORT:
        yield f"The database URL leads past the pooler ({url.host}); use the pooler's host and port {POOLER_PORT}."
    if not is_supabase_pooler(url):
        return
    if url.port != POOLER_PORT:
        yield f"The pooler is asked on port {url.port or 5432}; its transaction mode answers on {POOLER_PORT}."
    if url.username and not POOLER_USER.fullmatch(url.username):
        yield (
            f"The pooler's user is postgres.<project-ref>, not {url.username!r}; otherwise it answers "
            "'Tenant or user not found'. Take the name from the project's connection page."
        )
