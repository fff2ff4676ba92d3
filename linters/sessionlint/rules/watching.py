"""Blocks that tell of an error on its way out: context managers that log it, ``finally`` clauses that do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.rules.walking import nodes_below

_LOUD = frozenset({"exception", "error", "critical", "fatal", "warning"})


def watched(function: FunctionInfo) -> list[ir.Span4]:
    """The blocks of a function whose errors are logged while they go on to the caller."""
    telling = {
        e.span
        for e in function.events
        if e.kind == "call" and e.callee is not None and e.callee.is_context_manager and _logs_errors(e.callee)
    }
    found = []
    for node in _statements(ir.body_of(function.facts)):
        if node[0] == "w/" and any(item[1] in telling for item, _ in node[2]):
            found.append(node[1])
        elif node[0] == "T" and any(is_loud(n) for n in nodes_below(node[5])):
            found.extend(statement[1] for statement in node[2])
    return found


def is_within(span: ir.Span4, block: ir.Span4) -> bool:
    """Whether a place lies in a block."""
    return block[:2] <= span[:2] and span[2:] <= block[2:]


def _logs_errors(manager: FunctionInfo) -> bool:
    """Whether a context manager of the project logs what leaves its block."""
    for node in _statements(ir.body_of(manager.facts)):
        if node[0] == "T" and any(is_loud(n) for part in (node[3], node[5]) for n in nodes_below(part)):
            return any(n[0] == "y" for n in nodes_below(node[2]))
    return False


def is_loud(node: Any) -> bool:
    """Whether a node is a call of a logger's method that is meant to be seen."""
    return node[0] == "c" and len(node) == 5 and node[2][0] == "a" and node[2][3] in _LOUD


def _statements(body: Any) -> Iterator[Any]:
    """The ``with`` and ``try`` statements in a body, at any depth."""
    return (node for node in nodes_below(body) if node[0] in ("w/", "T") and len(node) >= 5)
