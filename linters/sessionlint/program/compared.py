"""What a comparison says of a parameter: ``mode is Mode.COMMIT``, ``every > 0``, ``how in ("now", "later")``.

And of what a data class was made with: ``if options.commit:``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sessionlint.program.records import ASSIGNED, ELSEWHERE
from sessionlint.program.values import UNKNOWN, UNKNOWN_KEYWORDS, Param, Value

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.frame import Frame

#: The kind of guard of what must be one of several literals.
ONE_OF: Final = "one of"
#: Operators that compare with a number: the kinds of guards of these are they themselves.
ORDERS: Final = frozenset({"<", "<=", ">", ">="})
#: The kinds of guards that a parameter's literal decides.
TOLD: Final = frozenset({"true", "none", "equal", ONE_OF}) | ORDERS
_SAME: Final = {"is": True, "==": True, "is not": False, "!=": False}
_AMONG: Final = {"in": True, "not in": False}
_PLAIN: Final = (str, int, bool)


class Said(NamedTuple):
    """The kind and value of a guard, and whether it holds."""

    kind: str
    value: Any
    holds: bool


def said(frame: Frame, operator: str, named: ir.Expr) -> Said | None:
    """What a comparison of a parameter with this expression asks of it."""
    if operator in _SAME:
        holds = _SAME[operator]
        if named[0] == "k":
            constant = named[2]
            if constant is None:
                return Said("none", None, holds)
            return Said("equal", constant, holds) if isinstance(constant, _PLAIN) else None
        found = _constant(frame, named)
        return Said("equal", found[0].value, holds) if found else None
    if operator in ORDERS:
        return Said(operator, named[2], True) if named[0] == "k" and isinstance(named[2], int | float) else None
    if operator in _AMONG and named[0] in ("t", "l", "e"):
        listed: list[Any] = []
        for each in named[2]:
            constants = _constant(frame, each)
            if not constants:
                return None
            listed.append(constants[0].value)
        return Said(ONE_OF, tuple(listed), _AMONG[operator])
    return None


def _constant(frame: Frame, named: ir.Expr) -> Value:
    """The one literal that is written, or kept in a class or module: the member of an enumeration."""
    if named[0] not in ("k", "a", "n"):
        return UNKNOWN
    value = frame.evaluate(named)
    plain = len(value) == 1 and value[0].tag == "const" and isinstance(value[0].value, _PLAIN)
    return value if plain else UNKNOWN


def holds(kind: str, wanted: Any, value: Any) -> bool:
    """Whether a literal is what such a guard asks for."""
    if kind == ONE_OF:
        return bool(value in wanted)
    if not isinstance(value, int | float):
        return False
    if kind in ("<", "<="):
        return bool(value < wanted or (kind == "<=" and value == wanted))
    return bool(value > wanted or (kind == ">=" and value == wanted))


def of_data_class(frame: Frame, value: Value, name: str) -> Value:
    """What the constructor of a data class was given for a field, where nothing else is ever put there."""
    given = [a for a in value if isinstance(a, Param)]
    if len(given) != 1 or any(a.tag not in ("const", "ext", "param") for a in value):
        return UNKNOWN
    info = given[0].info.class_info
    if info is None or info.maker is not given[0].info or given[0].name != name:
        return UNKNOWN
    family = (*frame.solver.mro(info), *frame.solver.subclasses(info))
    if any(frame.solver.read((ASSIGNED, cls, name)) for cls in family):
        return UNKNOWN
    return (given[0],)


def as_made(frame: Frame, value: Value) -> Value:
    """The field of a data class as what the constructor was given for it, without what it is declared to be."""
    makers = [a for a in value if isinstance(a, Param) and a.info.class_info is not None and not a.info.params]
    for given in makers:
        info = given.info.class_info
        declared = frame.solver.instances(given.info.param_values.get(given.name, (UNKNOWN, UNKNOWN))[0])
        if info is None or info.maker is not given.info or not any(a in declared for a in value):
            continue
        family = (*frame.solver.mro(info), *frame.solver.subclasses(info))
        if not any(frame.solver.read((kind, c, given.name)) for c in family for kind in (ASSIGNED, ELSEWHERE)):
            value = tuple([a for a in value if a not in declared])
    return value


def defaults(frame: Frame, info: Any, given: dict[Any, Value], keywords: list[tuple[str, Value]]) -> dict[Any, Value]:
    """The switches that a data class has by default, for an object that is made without them."""
    found: dict[Any, Value] = {}
    if any(name == UNKNOWN_KEYWORDS for name, _ in keywords):
        return found
    for name, (_, _, value, _) in info.attributes.items():
        # what the annotation says stands beside it
        if not value or value[0].tag != "const" or value[0].kind != "bool" or any(a.tag != "ext" for a in value[1:]):
            continue
        param = Param(info.maker, name)
        if param not in given:
            found[param] = value[:1]
            frame.solver.write(("attr", info, name), (param,))
    return found


__all__ = ["ONE_OF", "ORDERS", "TOLD", "Said", "as_made", "defaults", "holds", "of_data_class", "said"]
