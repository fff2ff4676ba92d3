"""The query of a database URL, as ``sqlalchemy.URL`` changes it.

https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.engine.URL.update_query_dict and its neighbours.
"""

from __future__ import annotations

from typing import Final

from sessionlint.program import strings
from sessionlint.program.values import UNKNOWN, Const, Text, Value, literal

Pairs = tuple[tuple[str, Value], ...]

REMOVES: Final = "difference_update_query"
METHODS: Final = frozenset({"update_query_dict", "update_query_pairs", "update_query_string", REMOVES})
_NAMES: Final = ("query_parameters", "key_value_pairs", "query_string", "names")


def entries(name: str, args: list[Value], keywords: list[tuple[str, Value]]) -> Pairs:
    """What one of these methods puts into the query; what it takes out, with nothing as the value."""
    given = args[0] if args else next((v for k, v in keywords if k in _NAMES), UNKNOWN)
    if name == "update_query_string":
        written = strings.whole(given) or ""
        pairs = [pair.partition("=") for pair in written.split("&") if pair]
        return tuple([(key, (Const(value, "str"),)) for key, _, value in pairs])
    if name == "update_query_dict":
        return tuple([(k, v) for a in given if a.tag == "map" for k, v in a.items if isinstance(k, str)])
    items = [item for a in given if a.tag == "seq" for item in a.items]
    if name == REMOVES:
        return tuple([(key, UNKNOWN) for item in items if isinstance(key := literal(item), str)])
    both = [pair.items for item in items for pair in item if pair.tag == "seq" and len(pair.items) == 2]
    return tuple([(key, value) for first, value in both if isinstance(key := literal(first), str)])


def kept(query: Pairs, new: Pairs) -> Pairs:
    """A query without the entries that are replaced or taken out."""
    names = {key for key, _ in new}
    return tuple([entry for entry in query if entry[0] not in names])


def in_text(text: str, name: str, args: list[Value], keywords: list[tuple[str, Value]]) -> Value:
    """The text of a URL after one of these methods: of an unknown one, the query that it has then."""
    new = entries(name, args, keywords)
    address, _, query = text.partition("?")
    names = {key for key, _ in new}
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in names]
    if name != REMOVES:
        pairs += [f"{key}={_written(value)}" for key, value in new]
    changed = "&".join(pairs)
    whole = f"{address}?{changed}" if changed else address
    return (Text(whole, strings.HOLE in whole),)


def _written(value: Value) -> str:
    atom = value[0] if len(value) == 1 else None
    if atom is None or atom.tag not in ("const", "text"):
        return strings.HOLE
    return str(atom.text if atom.tag == "text" else atom.value)
