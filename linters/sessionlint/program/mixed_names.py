"""How a text was mixed, with what: an f-string, and the names of what in it nothing is known of.

Parameters stand in the text's holes instead, for whoever calls decides what they are.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.texts import HOLE, MIXED, alternatives, of_both
from sessionlint.program.values import Text, Value

#: Expressions that a message can name.
_NAMED: Final = frozenset({"n", "a", "c", "i", "aw"})
_DISPLAYS: Final = frozenset({"l", "t"})
_LONGEST: Final = 40


def of_parts(texts: tuple[Any, ...], how: str, parts: list[tuple[ir.Expr, Value]]) -> Value:
    """These texts, and by what names that goes which makes them unknown."""
    if not any(t.tag == "text" and t.dynamic for t in texts):
        return texts
    named = how + "".join([MIXED + name for name in dict.fromkeys(_names(parts))])
    if named == how:
        return texts
    return tuple([_with(t, named) if t.tag == "text" and t.dynamic else t for t in texts])


def _with(text: Text, how: str) -> Text:
    return text._replace(how=of_both(text.how, how))


def _names(parts: list[tuple[ir.Expr, Value]]) -> list[str]:
    found: list[str] = []
    for e, value in parts:
        if len(value) == 1 and value[0].tag == "seq":
            items = value[0].items
            if e[0] in _DISPLAYS and len(e[2]) == len(items):
                found.extend(_names(list(zip(e[2], items, strict=True))))
            elif e[0] in _NAMED and any(is_untold(item) for item in items):
                found.append(ir.text_of(e, _LONGEST))
        elif e[0] in _NAMED and is_untold(value):
            found.append(ir.text_of(e, _LONGEST))
    return found


def is_untold(value: Value) -> bool:
    """Whether nothing is known of what a value may be: it is no parameter, nor a text that was mixed before."""
    return any(
        t.dynamic and t.text == HOLE and not t.how and not any(_is_of_param(h) for h in t.holes)
        for t in alternatives(value)
    )


def _is_of_param(hole: Any) -> bool:
    while hole.tag == "operation":
        hole = hole.receiver
    return bool(hole.tag == "param")


def of(text: Text) -> tuple[str, list[str]]:
    """How a text was mixed, and those names."""
    how, *names = text.how.split(MIXED)
    return how, names


__all__ = ["is_untold", "of", "of_parts"]
