"""Walks through the nodes of facts (:mod:`sessionlint.facts.ir`), for rules that look at how code is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_INNER = ("F", "C", "lam")


def nodes_below(node: Any) -> Iterator[Any]:
    """The statements and expressions below a node, those of inner functions included."""
    for child in node:
        if type(child) is tuple and child:
            if type(child[0]) is str:
                yield child
            yield from nodes_below(child)


def own_nodes_below(node: Any) -> Iterator[Any]:
    """The statements and expressions below a node, those of inner functions and classes left out."""
    for child in node:
        if type(child) is tuple and child:
            if type(child[0]) is str:
                if child[0] in _INNER:
                    continue
                yield child
            yield from own_nodes_below(child)


def own_expressions_below(node: Any) -> Iterator[Any]:
    """The same without tuples of names, which may look like a node: what has a place in the file."""
    return (n for n in own_nodes_below(node) if is_placed(n))


def is_placed(node: Any) -> bool:
    """Whether this is a node with its place in the file, and not a tuple of names that looks like one."""
    return len(node) > 2 and type(node[1]) is tuple and len(node[1]) == 4
