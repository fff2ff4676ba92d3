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
