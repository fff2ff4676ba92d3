"""Identifiers: which values are random ones cut or decorated, which columns are UUIDs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sessionlint.patterns import regex
from sessionlint.program.encoding import OF_UUID
from sessionlint.program.model import ClassInfo
from sessionlint.program.padding import PADDED
from sessionlint.program.strings import HOLE
from sessionlint.program.values import Value

#: Random or unique values ids are made of.
_SOURCES = regex(
    r"^(?:uuid\.uuid\d\(\)|secrets\.token_(?:hex|urlsafe)\(\)|random\.\w+\(\)|time\.time(?:_ns)?\(\)|nanoid\.generate\(\)"
    r"|secrets\.choice\(\)|shortuuid\.\w+\(\)|datetime\.(?:datetime|date)\.\w+\(\))"
)
#: Those that nothing else is made of than what has to differ.
_RANDOM = regex(r"^(?:secrets\.token_|nanoid\.|shortuuid\.)|^datetime\..*\.strftime\(\)$")
#: Characters picked one by one.
_CHOSEN = regex(r"^(?:random\.(?:choices?|sample)|secrets\.choice)\(\)")
_FOREIGN = regex(r"^(?:shortuuid|nanoid|ulid|cuid|cuid2|ksuid|xid)\.(?:\w+[.(])*\w*\(\)")
#: What such a library makes a UUID of.
_AS_UUID = regex(r"\.(?:to_uuid\d?|decode)\(\)|\.uuid(?![\w(])")
_ENCODED = regex(rf"^\w+\.\w+\(\){re.escape(OF_UUID)}")
_UUID = regex(r"^uuid\.(?:uuid\d|UUID)\(\)")
_CUT = regex(r"^uuid\.uuid\d\(\)(?:.*(?:\[\]|\.r?split\(\)|\.r?partition\(\))|\.(?:int|time_low|node|fields)\b)")


def custom_format(value: Value) -> str | None:
    """``"a truncated UUID"`` or ``"text around …"`` when the value is such an id, else ``None``."""
    for atom in value:
        if atom.tag == "ext" and (made := _made_of_uuid(atom.name)):
            return made
        if atom.tag == "ext" and _is_foreign(atom.name):
            return "no UUID"
        if atom.tag == "text" and atom.holes:
            found = _around(atom)
            if found:
                return found
    return None


def _is_foreign(name: str) -> bool:
    """Whether a library for ids makes this, and no UUID of it: ``str(ULID())``."""
    return _FOREIGN.match(name) is not None and _AS_UUID.search(name) is None


def _made_of_uuid(name: str) -> str | None:
    """What a library's value is that was cut out of a UUID, or is another spelling of one."""
    if _CUT.match(name):
        return "a truncated UUID"
    return "a UUID in a format of its own" if _ENCODED.match(name) else None


def each_of(value: Value) -> Value:
    """A value, or each of several that it holds."""
    return tuple([a for held in value for item in (held.items if held.tag == "seq" else ((held,),)) for a in item])


def _around(atom: Any) -> str | None:
    literal = atom.text.replace("\0", "")
    if "@" in literal:
        return None  # an address, or the id of a mail
    for hole in atom.holes:
        if hole.tag != "ext":
            continue
        if made := _made_of_uuid(hole.name):
            return made
        if _is_foreign(hole.name):
            return f"text around what is no UUID ({atom.text.replace(chr(0), '…')[:40]!r})"
        if hole.name == PADDED and any(c.isalpha() for c in literal):
            return f"a number behind a prefix ({atom.text.replace(chr(0), '…')[:40]!r})"
        if (literal.strip() or atom.text.count(HOLE) > 1) and _UUID.match(hole.name):
            return f"text around a UUID ({atom.text.replace(chr(0), '…')[:40]!r})"
        if atom.text.count(HOLE) > 1 and _RANDOM.search(hole.name):
            return f"a format of its own ({atom.text.replace(chr(0), '…')[:40]!r})"
        if (literal.strip() or (atom.how.startswith("join") and _CHOSEN.match(hole.name))) and _SOURCES.match(
            hole.name
        ):
            return f"a format of its own ({atom.text.replace(chr(0), '…')[:40]!r})"
    return None


_NOT_UUID = frozenset({
    "Integer", "BigInteger", "SmallInteger", "INTEGER", "BIGINT", "SMALLINT", "Numeric", "Float", "String", "Text",
    "Unicode",    "UnicodeText", "CHAR", "VARCHAR", "TEXT", "NVARCHAR", "CITEXT", "LargeBinary", "BINARY",
    "AutoString",
})  # fmt: skip
_NOT_UUID_PYTHON = frozenset({"builtins.int", "builtins.str", "builtins.bytes"})
_UUID_TYPES = frozenset({"UUID", "Uuid", "UUIDType", "GUID", "PGUUID"})


def column_types(value: Value) -> Iterator[tuple[str, str]]:
    """(kind, name) of the types in a column's arguments or annotation: kind ``uuid``, ``other`` or ``unknown``."""
    for atom in value:
        if atom.tag == "ext":
            name = atom.name.removesuffix("()")
            last = name.rpartition(".")[2]
            if name in _NOT_UUID_PYTHON or (name.startswith(("sqlalchemy.", "sqlmodel.")) and last in _NOT_UUID):
                yield "other", last
            elif last in _UUID_TYPES:
                yield "uuid", last
        elif atom.tag == "annotated":
            yield from column_types(atom.type)
        elif atom.tag == "seq":
            for item in atom.items:
                yield from column_types(item)
        elif atom.tag in ("cls", "inst"):
            yield _decorated(atom.info), atom.info.name


def _decorated(info: ClassInfo) -> str:
    """The kind of a project's type: what a ``TypeDecorator`` is written over for every database, or is derived from."""
    over = info.attributes.get("impl")
    if "load_dialect_impl" in info.methods:
        return "unknown"
    if over is None:
        above = {kind for kind, _ in column_types(info.bases)}
        return "other" if above == {"other"} and "get_col_spec" not in info.methods else "unknown"
    kinds = {kind for kind, _ in column_types(over[2])}
    return "other" if kinds == {"other"} else "unknown"
