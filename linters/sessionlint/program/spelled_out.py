"""Comprehensions over elements that are written out: ``[getattr(Item, name) for name in ("id", "name")]``.

What they make of each element stands in its own place, or under its own key, as if it were written there.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import keys
from sessionlint.program.frame import Frame
from sessionlint.program.targets import assign
from sessionlint.program.values import UNKNOWN, Map, Seq, Value

#: More elements than this are not told apart.
_MOST: Final = 8
#: What has an order or keys; elements of a set are told apart by nothing.
_KINDS: Final = frozenset({"ListComp", "GeneratorExp", "DictComp"})
#: Methods of texts that give another text.
_TEXTS: Final = frozenset({"lower", "upper", "strip", "title", "removesuffix", "removeprefix", "replace"})
_PLAIN: Final = frozenset({"n", "k"})


def of_each(frame: Frame, e: ir.Expr, source: Value) -> Value:
    """What a comprehension gives for each element; nothing where that is not known, or more is done than to look."""
    if len(source) != 1 or source[0].tag != "seq" or source[0].many or not 1 < len(source[0].items) <= _MOST:
        return UNKNOWN
    if e[2] not in _KINDS or e[4][0][2] or not all(_only_looks(element) for element in e[3]):
        return UNKNOWN
    before, events = dict(frame.env), len(frame.events)
    found: list[Value] = []
    named: dict[Any, Value] = {}
    for item in source[0].items:
        assign(frame, e[4][0][0], item, None)
        found.append(frame.evaluate(e[3][-1]))
        named[_key(frame, e[3][0]) if e[2] == "DictComp" else None] = found[-1]
    frame.env = before
    # they are told of all elements together
    del frame.events[events:]
    if e[2] != "DictComp":
        return (Seq(tuple(found)),)
    return (Map(tuple(named.items())),) if None not in named else UNKNOWN


def _key(frame: Frame, expr: ir.Expr) -> Any:
    """The key that an expression gives, the name of a class or function as it is written included."""
    if expr[0] == "c" and expr[2][0] == "a" and expr[2][3] in ("lower", "upper") and not expr[3]:
        text = _key(frame, expr[2][2])
        if isinstance(text, str):
            return text.lower() if expr[2][3] == "lower" else text.upper()
        return None
    if expr[0] == "a" and expr[3] == "__name__":
        owner = frame.evaluate(expr[2])
        return owner[0].info.name if len(owner) == 1 and owner[0].tag in ("cls", "fn") else None
    return keys.in_dictionary(frame.evaluate(expr))


def _only_looks(expr: ir.Expr) -> bool:
    """Whether evaluating an expression does nothing else: names, attributes, what stands under a key."""
    op = expr[0]
    if op in _PLAIN:
        return True
    if op == "a":
        return _only_looks(expr[2])
    if op == "i":
        return _only_looks(expr[2]) and _only_looks(expr[3])
    return op == "c" and not expr[4] and _is_plain_call(expr[2]) and all(_only_looks(a) for a in expr[3])


def _is_plain_call(called: ir.Expr) -> bool:
    """``getattr(x, name)``, ``name.lower()``."""
    if called[0] == "n":
        return bool(called[2] == "getattr")
    return bool(called[0] == "a" and called[3] in _TEXTS and _only_looks(called[2]))


__all__ = ["of_each"]
