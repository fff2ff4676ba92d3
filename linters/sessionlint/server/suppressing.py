"""Where a suppression comment for a finding goes."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from sessionlint.facts.source import SourceError, decode, parse
from sessionlint.gate.suppression_comments import comments_of
from sessionlint.report import Finding

_GATE = "TXN9"


@dataclass(frozen=True, slots=True)
class Insertion:
    """``text`` goes in before line ``line`` (from 1)."""

    line: int
    text: str


def suppression(finding: Finding, data: bytes, reason: str) -> Insertion | None:
    """The comment that suppresses ``finding`` in the file's bytes, above the statement it is in.

    None where no comment can: for findings about the gate itself, and in files that do not parse.
    """
    if finding.code.startswith(_GATE) or not finding.code.startswith("TXN"):
        return None
    try:
        tree = parse(data, finding.path).tree
    except (SourceError, RecursionError, MemoryError):
        return None
    lines = decode(data, finding.path).split("\n")
    for line in dict.fromkeys((_first_line(tree, finding.span.line), finding.span.line)):
        indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
        made = Insertion(line, f"{indent}# sessionlint: ignore[{finding.code}] -- {reason}")
        if _works(made, lines, finding):
            return made
    return None


def _first_line(tree: ast.Module, line: int) -> int:
    """Where the innermost statement that holds ``line`` begins, with its decorators."""
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    around = [start for node in statements if (start := _start(node)) <= line <= (node.end_lineno or start)]
    return max(around, default=line)


def _start(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _works(made: Insertion, lines: list[str], finding: Finding) -> bool:
    """Whether the comment would cover the finding (a line that begins inside a string takes none)."""
    text = "\n".join([*lines[: made.line - 1], f"{made.text} reason", *lines[made.line - 1 :]])
    moved = {finding.span.line + 1, finding.span.end_line + 1}
    return any(
        comment.line == made.line and not comment.problem and any(comment.first <= at <= comment.last for at in moved)
        for comment in comments_of(finding.path, text.encode(errors="surrogatepass"), forbid=False)
    )
