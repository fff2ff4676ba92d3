"""The parts of a database URL's text, ``\\0`` standing for what is not known."""

from __future__ import annotations

import re

#: Named as ``sqlalchemy.URL`` names them; ``query`` is the text after the ``?``.
URL = re.compile(
    r"(?P<drivername>[\w+.\0]+)://(?:(?P<username>[^:@/?#]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<host>\[[^\]]*\]|[^:/?#]*)(?::(?P<port>[^/?#]*))?(?:/(?P<database>[^?#]*))?(?:\?(?P<query>.*))?",
    re.S,
)
#: ``f"postgresql+asyncpg://{url}"`` puts a scheme before one that may be there already.
SCHEME_TWICE = re.compile(r"^(?:[\w+.]+://)+(?=[\w+.]+://)")
#: The scheme of a database that is not PostgreSQL.
OTHER_DATABASE = re.compile(r"(?:mysql|mariadb|sqlite|mssql|oracle)(?:\+\w+)?\Z")
#: What puts a URL together from parts, and leaves it open what kind of server it leads to.
BUILDERS = (
    "yarl.URL.build", "pydantic.AnyUrl.build", "pydantic.MySQLDsn.build", "pydantic.MariaDBDsn.build",
    "pydantic.networks.MySQLDsn.build", "pydantic.networks.AnyUrl.build", "pydantic_core.Url.build",
    "pydantic_core.MultiHostUrl.build", "pydantic.MultiHostUrl.build", "pydantic.PostgresDsn.build",
    "pydantic.networks.PostgresDsn.build",
)  # fmt: skip
#: What the builders name otherwise than ``sqlalchemy.URL`` does.
PARTS = {"scheme": "drivername", "user": "username"}


def parts(text: str) -> dict[str, str] | None:
    """The parts that are there; ``None`` for any other text."""
    found = URL.match(SCHEME_TWICE.sub("", text))
    return {name: part for name, part in found.groupdict().items() if part is not None} if found else None
