"""Transaction statements and writes in SQL text, whatever comments, literals and other statements stand around them."""

from __future__ import annotations

import re

from sessionlint.patterns import regex

#: Comments, dollar-quoted bodies, string literals and quoted names: nothing in them is a statement.
_OPAQUE = regex(r"--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1|'(?:[^']|'')*'|\"[^\"]*\"", re.S)
_WORDS = regex(r"\s*(commit|rollback|begin|start\s+transaction|end|savepoint|abort)\b(?!\s*[(.=])", re.I)
#: Definitions with statements inside: what follows a semicolon in them is not executed now.
_DEFINES = regex(r"\s*create\s+(?:or\s+replace\s+)?(?:temp\w*\s+|constraint\s+)*(?:trigger|function|procedure)\b", re.I)
_OPERATION = {
    "commit": "commit", "end": "commit", "rollback": "rollback", "abort": "rollback", "savepoint": "begin_nested",
}  # fmt: skip
#: What changes rows or tables, or tells listeners at the commit; a temporary table is gone with its session anyway.
_WRITES = regex(
    r"\s*(?:insert|update|delete|merge|truncate|drop|alter|create(?!\s+(?:(?:global|local)\s+)?temp(?:orary)?\b))\b"
    r"|\s*(?:refresh\s+materialized\s+view|grant|revoke|comment\s+on|notify)\s"
    r"|\s*copy\s+(?:only\s+)?[^\s(]+\s*(?:\([^()]*\)\s*)?from\s"
    r"|\s*select\s+pg_notify\s*\("
    r"|\s*select\b(?:(?!\bfrom\b)[^@;])*?\binto\s+(?!(?:(?:global|local)\s+)?temp(?:orary)?\b|(?:out|dump)file\b)[\w'.]+"
    r"[^;]*\bfrom\b"
    r"|\s*with\b.*(?:\)|\bas\s*(?:(?:not\s+)?materialized\s*)?\()\s*(?:insert|update|delete|merge)\b",
    re.I | re.S,
)
#: A block that the server runs, and what in it writes; what it puts together (``EXECUTE``) is hardly a query.
_BLOCK = regex(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*do\s+(?:language\s+\w+\s+)?(\$\w*\$)(.*?)\1", re.I | re.S)
_WRITES_INSIDE = regex(
    r"\b(?:insert\s+into|update\s+[\w'.]+\s+(?:(?:as\s+)?\w+\s+)?set|delete\s+from|merge\s+into|truncate|notify|execute"
    r"|(?:drop|alter|create)\s+(?!(?:(?:global|local)\s+)?temp(?:orary)?\b)\w+|refresh\s+materialized\s+view)\b",
    re.I,
)


def writes(text: str) -> bool:
    """Whether a statement changes rows or tables, behind a comment, inside a ``WITH`` or a ``DO`` block too."""
    if _WRITES.match(_plain(text)) is not None:
        return True
    block = _BLOCK.match(text)
    return block is not None and _WRITES_INSIDE.search(_plain(block.group(2))) is not None


def transaction_statements(text: str) -> list[tuple[str, str]]:
    """The transaction statements of a text, in order.

    Each is the operation (``commit``, ``rollback``, ``begin``, ``begin_nested``) and the word that asks for it.
    """
    plain = _plain(text)
    statements = plain.split(";") if not _DEFINES.match(plain) else [plain]
    found: list[tuple[str, str]] = []
    for statement in statements:
        words = _WORDS.match(statement)
        if words is None or _undoes_savepoint(statement):
            continue
        word = words.group(1).lower()
        found.append((_OPERATION.get(word, "begin"), word))
    return found


def _plain(text: str) -> str:
    """The text without comments, and with nothing in its literals."""
    return _OPAQUE.sub(lambda m: "''" if m.group(0)[0] in "'\"$" else " ", text)


def _undoes_savepoint(statement: str) -> bool:
    """``ROLLBACK TO SAVEPOINT x`` leaves the transaction open."""
    return re.match(r"\s*rollback\s+(?:work\s+|transaction\s+)?to\b", statement, re.I) is not None
