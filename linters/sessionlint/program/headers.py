"""Parameters that FastAPI fills from a header, a cookie or by an alias: they are what the request holds there."""

from __future__ import annotations

from typing import Any

from sessionlint.program.values import Ext, Value

_PLACES = ((Ext("fastapi.Header()"), "headers"), (Ext("fastapi.Cookie()"), "cookies"))
#: What is filled by its own name, unless it says another.
_ALIASED = ((Ext("fastapi.Query()"), "query_params"), (Ext("fastapi.Path()"), "path_params"))


def read(name: str, annotation: Any, default: Any, declared: Value, given: Value) -> Value:
    """What a parameter or field is given; as expressions its ``annotation`` and ``default``, then what they are."""
    marks = (*given, *(m for a in declared if a.tag == "annotated" for m in a.metadata))
    for mark, place in _PLACES if marks else ():
        if mark in marks:
            key = _alias(default) or _alias(annotation) or (name.replace("_", "-") if place == "headers" else name)
            return (Ext(f"fastapi.Request().{place}[{key.lower()}]"),)
    for mark, place in _ALIASED if marks else ():
        other = (_alias(default) or _alias(annotation)) if mark in marks else None
        if other:
            return (Ext(f"fastapi.Request().{place}[{other.lower()}]"),)
    return given


def is_read(atom: Any) -> bool:
    """Whether a value is what the request holds in a header or cookie, or under an alias."""
    return bool(atom.tag == "ext" and atom.name.startswith("fastapi.Request()."))


def _alias(expr: Any) -> str | None:
    """The ``alias`` keyword of a call in an expression."""
    if not isinstance(expr, tuple) or not expr:
        return None
    if expr[0] == "c":
        return next((v[2] for k, v in expr[4] if k == "alias" and v[0] == "k" and isinstance(v[2], str)), None)
    children = expr[3][2] if expr[0] == "i" and expr[3][0] == "t" else ()
    return next((found for found in map(_alias, children) if found), None)


__all__ = ["is_read", "read"]
