"""Libraries for tables of data that connect by themselves where they are given a URL: ``frame.to_sql("t", URL)``.

https://pandas.pydata.org/docs/reference/api/pandas.read_sql.html ("con": a connection, an engine or a URI), and the
reference of polars, ConnectorX and Dask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sessionlint.patterns import regex
from sessionlint.program import strings
from sessionlint.program.stdlib import ENVIRONMENT
from sessionlint.program.values import Ext

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event
    from sessionlint.program.values import Value

_PREFIXES: Final = ("pandas.", "polars.", "connectorx.", "dask.")
#: The place of the argument that says where to connect, and its name.
_TAKES: Final = {
    **{f"pandas.read_{what}": (1, "con") for what in ("sql", "sql_query", "sql_table")},
    "polars.read_database_uri": (1, "uri"), "connectorx.read_sql": (0, "conn"),
    "dask.dataframe.read_sql_table": (1, "con"), "dask.dataframe.read_sql_query": (1, "con"),
}  # fmt: skip
_STORES: Final = {"to_sql": (1, "con"), "write_database": (1, "connection")}
_ENVIRONMENT: Final = frozenset({ENVIRONMENT, *(Ext(f"os.{n}") for n in ("environ", "environ.get()", "getenv()"))})
_URL: Final = regex(r"[a-z][a-z0-9_]*(?:\+\w+)?://", re.I)


def connected_by_url(program: Program) -> Iterator[Event]:
    """The calls that read or store a table over a connection of their own."""
    for event in program.events("external"):
        if not event.name.startswith(_PREFIXES):
            continue
        takes = _TAKES.get(event.name) or ("()." in event.name and _STORES.get(event.name.rpartition(".")[2]))
        if takes:
            place, name = takes
            given = event.args[place] if len(event.args) > place else dict(event.keywords).get(name, ())
            if _is_url(given):
                yield event


def _is_url(value: Value) -> bool:
    """Whether a value is a URL as it is written, or what the environment has, which is text."""
    return any(_URL.match(t.text) for t in strings.texts_of(value)) or any(a in _ENVIRONMENT for a in value)
