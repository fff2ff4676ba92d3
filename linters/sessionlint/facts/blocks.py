"""Blocks: the lists of statements that stand inside a statement (see :mod:`sessionlint.facts.ir`)."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.facts.ir import Stmt

Block = tuple[Stmt, ...]


def blocks_of(statement: Stmt) -> list[Block]:
    """The blocks of a compound statement, empty ones too; none of what defines a function or class."""
    op = statement[0]
    if op == "T":
        return [statement[2], *[clause[3] for clause in statement[3]], statement[4], statement[5]]
    if op == "M":
        return [case[4] for case in statement[3]]
    if op in ("I", "W"):
        return [statement[3], statement[4]]
    if op == "L":
        return [statement[4], statement[5]]
    return [statement[3]] if op == "w/" else []


def all_blocks(body: Block) -> Iterator[Block]:
    """A body and every block inside it, not those of inner functions and classes."""
    yield body
    for statement in body:
        for block in blocks_of(statement):
            yield from all_blocks(block)
