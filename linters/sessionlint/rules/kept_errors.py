"""Names that an ``except`` clause gives something: whether anybody asks for them later, or only a log line does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sessionlint.rules.walking import nodes_below

_RANKS = ("nothing", "whispers", "logs", "records")
#: Statements of which only what they do with the name is asked, not that they give it something.
_GIVES = {"=": (3,), ":": (3, 4)}
#: What is looked at as a whole: names, functions and what shares a name with others, too.
_WHOLE = frozenset({"E", "=", ":", "n", "F", "C", "lam", "glob"})


def told_later(body: Any, clause: Any, name: str, effort: Callable[[Any], str]) -> str:
    """The most that a function's statements outside of a clause do with a name: ``"records"``, or what they log.

    ``effort`` says it of statements. What decides about more than log lines, or goes anywhere else, counts as a record.
    """
    found = [_done(statement, name, effort) for statement in _beyond(body, clause)]
    return _RANKS[max(found, default=0)]


def _beyond(node: Any, clause: Any) -> Iterator[Any]:
    """The statements around and beside a clause, those that hold others (but ``if``) taken apart."""
    for child in node:
        if type(child) is not tuple or not child or child is clause:
            continue
        if _is_node(child) and (child[0] in _WHOLE or (child[0] == "I" and not _holds(child, clause))):
            yield child
        else:
            yield from _beyond(child, clause)


def _is_node(node: Any) -> bool:
    """Whether it is a statement or expression with its place, not names that are called like one."""
    return type(node[0]) is str and len(node) > 2 and type(node[1]) is tuple and len(node[1]) == 4


def _holds(node: Any, clause: Any) -> bool:
    return any(child is clause or (type(child) is tuple and _holds(child, clause)) for child in node)


def _done(node: Any, name: str, effort: Callable[[Any], str]) -> int:
    op = node[0]
    if op == "I" and len(node) == 5:
        if not _mentions(node, name):
            return 0
        logged = [_of_log(("E", node[1], node[2]), effort)]
        logged += [_done(s, name, effort) if s[0] == "I" else _of_log(s, effort) for s in (*node[3], *node[4])]
        return max(logged, default=0)
    if op in _GIVES and _is_node(node):
        targets = node[2] if op == "=" else (node[2],)
        others = [t for t in targets if t[0] != "n"]
        return 3 if _mentions([*others, *(node[i] for i in _GIVES[op])], name) else 0
    if not _mentions((node,), name):
        return 0
    return _of_log(node, effort)


def _of_log(statement: Any, effort: Callable[[Any], str]) -> int:
    return _RANKS.index(effort((statement,))) if statement[0] == "E" else 3


def _mentions(nodes: Any, name: str) -> bool:
    found = (n for n in nodes_below(nodes) if n[0] in ("n", "glob") and _is_node(n))
    return any(n[2] == name or (n[0] == "glob" and name in n[2]) for n in found)


__all__ = ["told_later"]
