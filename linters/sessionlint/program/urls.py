"""The parts of a database URL's text, ``\\0`` standing for what is not known."""

from __future__ import annotations

import re

from sessionlint.patterns import regex

#: Named as ``sqlalchemy.URL`` names them; ``query`` is the text after the ``?``.
URL = regex(
    r"(?P<drivername>[\w+.\0]+)://(?:(?P<username>[^:@/?#]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<host>\[[^\]]*\]|[^:/?#]*)(?::(?P<port>[^/?#]*))?(?:/(?P<database>[^?#]*))?(?:\?(?P<query>.*))?",
    re.S,
)
#: ``f"postgresql+asyncpg://{url}"`` puts a scheme before one that may be there already.
SCHEME_TWICE = regex(r"^(?:[\w+.]+://)+(?=[\w+.]+://)")
#: The scheme of a database that is not PostgreSQL.
OTHER_DATABASE = regex(r"(?:mysql|mariadb|sqlite|mssql|oracle)(?:\+\w+)?\Z")
#: What puts a URL together from parts, and leaves it open what kind of server it leads to.
BUILDERS = (
    "yarl.URL.build", "pydantic.AnyUrl.build", "pydantic.MySQLDsn.build", "pydantic.MariaDBDsn.build",
    "pydantic.networks.MySQLDsn.build", "pydantic.networks.AnyUrl.build", "pydantic_core.Url.build",
    "pydantic_core.MultiHostUrl.build", "pydantic.MultiHostUrl.build", "pydantic.PostgresDsn.build",
    "pydantic.networks.PostgresDsn.build",
)  # fmt: skip
#: What the builders name otherwise than ``sqlalchemy.URL`` does.
PARTS = {"scheme": "drivername", "user": "username"}

#: Methods of yarl's URLs that give another one of the same scheme; no text has one.
_CHANGES = frozenset({
    "with_host", "with_port", "with_user", "with_password", "with_path", "with_name", "with_suffix", "with_query",
    "with_fragment", "update_query", "extend_query", "without_query_params", "joinpath", "origin", "human_repr",
})  # fmt: skip


def parts(text: str) -> dict[str, str] | None:
    """The parts that are there; ``None`` for any other text."""
    found = URL.match(SCHEME_TWICE.sub("", text))
    return {name: part for name, part in found.groupdict().items() if part is not None} if found else None


def scheme_kept(text: str, method: str) -> str:
    """The scheme of a URL that a method of its object changes in another part; ``""`` for all other methods."""
    return text.partition("://")[0] if method in _CHANGES and "://" in text else ""
