"""Which parameter a text was taken out of: ``filter.where``, ``payload["where"].strip()``, ``str(order)``.

That is told of texts that are run as SQL; who fills the parameter decides what they are.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import checked_lists, listed, picking, strings
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Operation, Param, Value, const

#: What a text is that is a field of a parameter; the result is the way there.
FIELD: Final = "field"
#: Expressions that may take something out of a parameter.
_TAKES: Final = frozenset({"a", "c", "i", "o"})
#: Methods that give all the fields there are.
_DUMPS: Final = frozenset({"model_dump", "dict"})
#: A text of which nothing is known but that it is one.
_ANY_TEXT: Final = ("builtins.str()", "builtins.dict().", "fastapi.")


def of_sql(frame: Frame, value: Value, e: ir.Expr) -> tuple[Value, ...]:
    """What the event of a text says: the text, parameters that a test has found among literals as that; its origin."""
    if any(a.tag == "param" for a in value):
        return (strings.as_declared(frame, value),)
    given = e[3][0] if e[0] == "c" and e[3] else None
    return (value, of(frame, given)) if given is not None and is_any_text(value) else (value,)


def is_any_text(value: Value) -> bool:
    """Whether nothing is known of a text."""
    return not value or any(a.tag == "ext" and a.name.startswith(_ANY_TEXT) for a in value)


def note(frame: Frame, name: str, value: Value, source: ir.Expr | None) -> None:
    """``where = filter.where``: remembers what a text was taken out of."""
    if source is not None and source[0] in _TAKES and is_any_text(value):
        origin = of(frame, source)
        if origin:
            frame.origins[name] = origin


def handed(
    frame: Frame, function: FunctionInfo, bindings: dict[Any, Value], e: ir.Expr
) -> tuple[tuple[str, Value], ...]:
    """What is told of the texts that a call passes, by the parameters: their origins (``search(filter.where)``).

    Of what a test has found among literals, that it is one.
    """
    found = _found_before(frame, bindings) if frame.facts else []
    if e[0] != "c":
        return tuple(found)
    bound = 1 if function.class_info is not None and e[2][0] == "a" and not function.is_staticmethod else 0
    in_order = [(p[0], given) for p, given in zip(function.params[bound:], e[3], strict=False)]
    for name, given in (*in_order, *e[4]):
        if given[0] in _TAKES or (given[0] == "n" and given[2] in frame.origins):
            literals = listed.of_attribute(frame, given, UNKNOWN) if frame.facts and given[0] == "a" else UNKNOWN
            origin = literals or of(frame, given)
            if literals or (origin and is_any_text(bindings.get(Param(function, name), UNKNOWN))):
                found.append((name, origin))
        elif given[0] == "*":
            break
    return tuple(found)


def _found_before(frame: Frame, bindings: dict[Any, Value]) -> list[tuple[str, Value]]:
    """The literals that stand for what is passed, where a test has found it, or all that it holds, among these."""
    found: list[tuple[str, Value]] = []
    for key, value in bindings.items():
        for atom in value if key.tag == "param" else ():
            if atom.tag == "param" and (listed.is_listed(frame, atom) or checked_lists.is_checked(frame, atom)):
                told = strings.as_declared(frame, value)
                found.append((key.name, tuple([checked_lists.whole(frame, a) for a in told])))
                break
    return found


def of(frame: Frame, e: ir.Expr) -> Value:
    """The parameter, or the way from it to a field, that an expression has."""
    way: list[str] = []
    while e[0] != "n":
        if e[0] == "a" and frame.facts and listed.of_attribute(frame, e, UNKNOWN):
            return UNKNOWN
        key, inner = _step(e)
        if inner is None:
            return UNKNOWN
        if key:
            way.append(key)
        e = inner
    given = frame.env.get(e[2], UNKNOWN)
    roots = tuple([a for a in given if a.tag == "param" and not listed.is_listed(frame, a)])
    if not roots and frame.origins and is_any_text(given):
        roots = frame.origins.get(e[2], UNKNOWN)
    return tuple([_below(root, way) for root in roots]) if way else roots


def _step(e: ir.Expr) -> tuple[str, ir.Expr | None]:
    """What an expression takes something out of, and the field that it takes, if it is one."""
    op = e[0]
    if op == "a":
        return e[3], e[2]
    if op == "i" and e[3][0] == "k" and isinstance(e[3][2], str):
        return e[3][2], e[2]
    if op == "o" and e[2] == "or":
        return "", e[3][0]
    if op != "c":
        return "", None
    called = e[2]
    if called[0] == "n":
        return "", e[3][0] if called[2] == "str" and len(e[3]) == 1 else None
    if called[0] != "a":
        return "", None
    if called[3] == "get" and e[3] and e[3][0][0] == "k":
        return str(e[3][0][2]), called[2]
    return "", called[2] if called[3] in picking.SPELLINGS or called[3] in _DUMPS else None


def _below(root: Param | Operation, way: list[str]) -> Operation:
    path = ".".join(reversed(way))
    if isinstance(root, Operation):
        return root._replace(result=const(f"{root.result[0].value}.{path}"))
    return Operation(root, FIELD, const(path))


__all__ = ["FIELD", "handed", "is_any_text", "note", "of", "of_sql"]
