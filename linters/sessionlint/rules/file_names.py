"""Names that only stand in the names of files: what is kept under them is no row, whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.rules.walking import nodes_below

if TYPE_CHECKING:
    from sessionlint.program.model import Event

#: What follows in the name of a file: ``.png``.
_EXTENSION = regex(r"\.[A-Za-z]\w{0,4}(?:\.gz)?\Z")


def names_a_file(event: Event) -> bool:
    """Whether a local name is mentioned after its assignment, and always in front of a file's extension."""
    if event.text != "name" or event.function.name == "<module>":
        return False
    nodes = [n for n in nodes_below(event.function.body) if len(n) > 2 and type(n[1]) is tuple]
    told = {n[1] for n in nodes if n[0] == "n" and len(n) == 3 and n[2] == event.name}
    told -= {t[1] for s in nodes if s[0] == "=" and len(s) == 4 for t in s[2] if t[0] == "n"}
    return bool(told) and told <= _in_file_names(nodes)


def _in_file_names(nodes: list[Any]) -> set[ir.Span4]:
    """The places of what stands in front of an extension, in texts with fields and in sums."""
    found: set[ir.Span4] = set()
    for node in nodes:
        if node[0] == "f" and len(node) == 3 and len(node[2]) > 1 and _is_extension(node[2][-1]):
            found.add(node[2][-2][1])
        elif node[0] == "b" and len(node) == 5 and node[2] == "+" and _is_extension(node[4]):
            found.add(node[3][1])
    return found


def _is_extension(part: ir.Expr) -> bool:
    return part[0] == "k" and isinstance(part[2], str) and bool(_EXTENSION.match(part[2]))
