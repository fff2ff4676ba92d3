"""Names that a test has found among literals: ``if order not in ("name", "id"): raise ValueError``.

Where that holds, parameters are one of these literals in every text they are put into, and parameters everywhere else.
Names of which nothing else is known are these literals.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import checked_sets, checked_words
from sessionlint.program.frame import YES, Frame
from sessionlint.program.literals_among import OF_LITERAL, ONE_OF, among_literals, literals_in
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Ext, Operation, Param, Value, const, contained, join_all

#: What is told of such a parameter on a path.
LISTED = "listed"
#: Conditions that may say so.
TESTS = ("x", "u", "o", "c", "w", "b", "n")
_HOLDS = ("in", "==")
_FAILS = ("not in", "!=")
_IDENTITY = ("is", "is not")
_ORDERS: Final = frozenset({"<=", "<", ">=", ">"})
_EQUALS = ("is", "==")
_DIFFERS = ("is not", "!=")
#: A text that has nothing in it.
_EMPTY = const("")
#: Methods that leave a text what it is but for case and blanks.
_CASES = frozenset({"lower", "upper", "strip", "lstrip", "rstrip", "title", "capitalize", "casefold"})
#: Parameters with the names they have here and the literals; ``None`` for what is not known.
Listed = tuple[tuple[Param | None, str, Value], ...]
_LITERAL = Ext("typing.Literal")
#: What a text is that nothing is known of.
_TEXTS: Final = frozenset({"ext", "const", "text"})
_MARKED: Final = regex(r"header|cookie|token", re.I)
_NOTHING: tuple[Listed, Listed] = ((), ())


def tested(frame: Frame, test: ir.Expr) -> tuple[Listed, Listed]:
    """The names that are one of some literals where a condition holds, and where it does not."""
    if test[0] == "w":
        return tested(frame, test[3]) if test[3][0] in TESTS else _NOTHING
    if test[0] == "x":
        if test[2][0] == "w":
            # of a text its name, of what may be none the call that gave it
            test = (test[0], test[1], test[2][3 if test[3][0] in _IDENTITY else 2], test[3], test[4])
        if test[3][0] in _ORDERS:
            return _in_set(frame, test)
        if test[2][0] == "c" and test[3][0] in _IDENTITY and test[4][0][0] == "k" and test[4][0][2] is None:
            word = _word(frame, test[2])
            return (word, ()) if test[3][0] == "is not" else ((), word)
        found = _compared(frame, test) if len(test[3]) == 1 else ()
        return (found, ()) if test[3][0] in _HOLDS else ((), found)
    if test[0] == "c":
        found = _has_attribute(frame, test) or _word(frame, test)
        return (found, ()) if found else _in_set(frame, test)
    if test[0] == "u" and test[2] == "not":
        holds, fails = tested(frame, test[3])
        return fails, holds
    if test[0] == "o":
        at = 0 if test[2] == "and" else 1
        told = [tested(frame, part) if part[0] in TESTS else _NOTHING for part in test[3]]
        merged = tuple(p for both in told for p in both[at])
        common = _common(test[3], [both[1 - at] for both in told], at == 0)
        return (merged, common) if at == 0 else (common, merged)
    if test[0] == "b":
        return _in_set(frame, test)
    # ``bad = {sort} - NAMES``, and then whether there are some
    kept = frame.left_overs.get(test[2]) if test[0] == "n" and frame.left_overs else None
    return _in_set(frame, kept[1]) if kept is not None else _NOTHING


def _in_set(frame: Frame, test: ir.Expr) -> tuple[Listed, Listed]:
    """``{sort, way} <= NAMES``, ``{sort} - NAMES``: each name in the set is one of the literals."""
    told = checked_sets.told(test)
    if told is None:
        return _NOTHING
    found = tuple([p for e in told.elements for p in _compared(frame, ("x", e[1], e, ("in",), (told.whole,)))])
    return (found, ()) if told.holds else ((), found)


def compares(test: ir.Expr) -> bool:
    """Whether a condition may say of a name which literal it is."""
    if test[0] == "x":
        return test[3][0] in _HOLDS or test[3][0] in _FAILS
    if test[0] == "u" or test[0] == "w":
        return compares(test[3])
    return test[0] == "o" and True in [compares(part) for part in test[3]]


def _common(parts: tuple[ir.Expr, ...], told: list[Listed], fails: bool) -> Listed:
    """What is told whichever part decides: ``order and order not in ORDERS`` fails for one of these or none."""
    first = next((t for t in told if t), ())
    found: list[tuple[Param | None, str, Value]] = []
    for param, name, _ in first:
        each = [next((e[2] for e in t if e[:2] == (param, name)), ()) for t in told]
        empty = [not literals and _says_empty(part, name, fails) for part, literals in zip(parts, each, strict=True)]
        if all(literals or e for literals, e in zip(each, empty, strict=True)):
            found.append((param, name, join_all([*each, _EMPTY if any(empty) else ()])))
    return tuple(found)


def _says_empty(part: ir.Expr, name: str, fails: bool) -> bool:
    """Whether a name is empty where a condition fails (else where it holds): ``order``, ``order is not None``."""
    if part[0] == "u" and part[2] == "not":
        return _says_empty(part[3], name, not fails)
    if part[0] == "x" and len(part[3]) == 1 and part[4][0][0] == "k" and not part[4][0][2]:
        return bool(part[2][0] == "n" and part[2][2] == name and part[3][0] in (_DIFFERS if fails else _EQUALS))
    return bool(fails and part[0] == "n" and part[2] == name)


def _compared(frame: Frame, test: ir.Expr) -> Listed:
    """The name that a comparison finds among literals; also a parameter that is the one: ``order.lower() == "asc"``."""
    operator = test[3][0]
    name = _name(test[2]) if operator in _HOLDS or operator in _FAILS else None
    if name is None:
        return _attribute(frame, test) if test[2][0] == "a" else ()
    value = held(frame, name)
    if value is None or not (_is_param(value) or is_any_text(value)):
        return ()
    among = test[4][0]
    if not _is_param(value) and (test[2][0] != "n" or operator in ("==", "!=")):
        return ()
    if operator in ("==", "!="):
        literals = const(among[2]) if among[0] == "k" and isinstance(among[2], str) else ()
    else:
        literals = among_literals(frame, among)
    return ((value[0] if _is_param(value) else None, name, literals),) if literals else ()


def _attribute(frame: Frame, test: ir.Expr) -> Listed:
    """``payload.order not in ORDERS``: an attribute that a test finds among literals."""
    path = ir.dotted(test[2]) if test[3][0] in ("in", "not in") else None
    literals = among_literals(frame, test[4][0]) if path is not None else ()
    return ((Param(frame.function, path), path, literals),) if path is not None and literals else ()


def _word(frame: Frame, test: ir.Expr) -> Listed:
    """``name.isidentifier()``, ``re.fullmatch(r"[a-z_]+", name)``: the name is a plain word."""
    name = checked_words.tested(frame, test)
    value = held(frame, name) if name is not None else None
    if name is None or value is None or not (_is_param(value) or is_any_text(value)):
        return ()
    return ((value[0] if _is_param(value) else None, name, ONE_OF),)


def _has_attribute(frame: Frame, test: ir.Expr) -> Listed:
    """``hasattr(Item, name)`` of a mapped class: the name is one that the source has."""
    if test[2][0] != "n" or test[2][2] != "hasattr" or len(test[3]) != 2 or test[3][1][0] != "n":
        return ()
    name = test[3][1][2]
    value = held(frame, name)
    if value is None or not (_is_param(value) or is_any_text(value)):
        return ()
    owners = frame.evaluate(test[3][0])
    if not owners or not all(a.tag == "cls" and frame.solver.is_model(a.info) for a in owners):
        return ()
    return ((value[0] if _is_param(value) else None, name, ONE_OF),)


def held(frame: Frame, name: str) -> Value | None:
    """What a name has; of those of the functions around, parameters only."""
    value = frame.env.get(name)
    if value is not None or frame.function.parent is None:
        return value
    outer = frame.lookup(name)
    return outer if _is_param(outer) else None


def around(frame: Frame, inner: FunctionInfo, told: str = LISTED) -> None:
    """Tells an inner function which parameters are one of some literals where it is defined."""
    for (atom, fact), known in frame.facts.items():
        if fact == told and known == YES:
            frame.solver.write((told, inner), (atom,))


def of_outer(frame: Frame, told: str = LISTED) -> None:
    """What an inner function has been told so."""
    for atom in frame.solver.read((told, frame.function)):
        frame.facts[(atom, told)] = YES


def _is_param(value: Value) -> bool:
    return len(value) == 1 and isinstance(value[0], Param)


def is_any_text(value: Value) -> bool:
    """Whether nothing is known of a value, or that it comes from a library, and is no token of a request."""
    if any(a.tag not in _TEXTS or (a.tag == "ext" and _MARKED.search(a.name) is not None) for a in value):
        return False
    return not value or any(a.tag != "const" for a in value)


def _name(tested: ir.Expr) -> str | None:
    """The name that is tested; one in another case, or without the blanks around it, has nothing else in it either."""
    while tested[0] == "c" and tested[2][0] == "a" and tested[2][3] in _CASES and not tested[3] and not tested[4]:
        tested = tested[2][2]
    return tested[2] if tested[0] == "n" else None


def matched(frame: Frame, name: str, literals: ir.Expr) -> Listed:
    """``case "name" | "id":`` of a name that is matched, or of what stands for it."""
    value = held(frame, name)
    known = len(value) == 1 and isinstance(value[0], Param) if value else value == ()
    if value is None or not known:
        return ()
    return ((value[0] if value else None, name, literals_in(frame.evaluate(literals))),)


def arguments_of_literal(frame: Frame, args: list[Value], keywords: Any, e: ir.Expr) -> Value:
    """``get_args(Literal["name", "id"])``: literals, all of them."""
    known = bool(args and args[0]) and all(a == _LITERAL for a in args[0])
    return OF_LITERAL if known else (Ext("typing.get_args()"),)


def note(frame: Frame, listed: Listed) -> dict[str, tuple[Value, Value]]:
    """Tells of names that they are one of some literals on this path.

    Those that become these literals are given back, with the value they had and the one they have now.
    """
    narrowed: dict[str, tuple[Value, Value]] = {}
    for param, name, literals in listed:
        if param is not None:
            frame.facts[(param, LISTED)] = YES
            frame.facts[(Operation(param, LISTED, literals), LISTED)] = YES
        elif is_any_text(wide := frame.env.get(name, ())):
            frame.env[name] = literals
            narrowed[name] = (wide, literals)
    return narrowed


def widen(frame: Frame, narrowed: dict[str, tuple[Value, Value]]) -> None:
    """Makes names again what they were before a test, where they have not become something else since."""
    for name, (wide, narrow) in narrowed.items():
        if frame.env.get(name) is narrow:
            frame.env[name] = wide


def replaced(frame: Frame, listed: Listed) -> None:
    """Tells so of those that a path does not have any more: ``if order not in ORDERS: order = "name"``."""
    for param, name, _ in listed:
        if (
            param is not None
            and not any(param in tuple(contained(v)) for n, v in frame.env.items())
            and frame.env.get(name)
        ):
            frame.facts[(param, LISTED)] = YES


def chosen(value: Value, listed: Listed) -> Value:
    """``order if order in ORDERS else "name"``: the value of the side on which it is one of the literals."""
    return next((literals for param, _, literals in listed if value == (param,)), value)


def handed_back(frame: Frame, value: Value) -> Value:
    """What a function returns: of a parameter that is one of some literals here, that; callers may know which."""
    if not any(a.tag == "param" and is_listed(frame, a) for a in value):
        return value
    return tuple([Operation(a, LISTED, literals_of(frame, a) or ONE_OF) if is_listed(frame, a) else a for a in value])


def settled(checked: Operation, given: Value) -> Value:
    """What such a function gives back in a call: the literal that it is given, else one of those it lets through."""
    return given if given and all(a.tag == "const" for a in given) else checked.result


def literals_of(frame: Frame, param: Any) -> Value:
    """The literals of which a parameter is one here."""
    if not is_listed(frame, param):
        return ()
    told = [k[0] for k, known in frame.facts.items() if known == YES and k[1] == LISTED and k[0].tag == "operation"]
    # of several tests the one that leaves the fewest
    return min([operation.result for operation in told if operation.receiver == param], key=len, default=())


def checked_by(frame: Frame, function: FunctionInfo, atom: Any, mapped: dict[Any, Value], e: ir.Expr) -> None:
    """A callee comes back only where a parameter of its own is one of some literals: so is what it was given."""
    if atom.tag != "operation":
        # it may have been given another value there
        return
    given = mapped.get(atom.receiver, UNKNOWN)
    if not given and atom.receiver.info is frame.function and function.parent is frame.function:
        given = (atom.receiver,)
    if _is_param(given):
        note(frame, ((given[0], atom.receiver.name, atom.result),))
    elif atom.receiver in mapped and is_any_text(given):
        written = written_for(function, atom.receiver.name, e)
        if written is not None and frame.env.get(written) == given:
            frame.env[written] = atom.result


def written_for(function: FunctionInfo, name: str, e: ir.Expr) -> str | None:
    """The name that a call passes for a parameter."""
    names = [p[0] for p in function.params]
    if e[0] != "c" or name not in names:
        return None
    bound = 1 if function.class_info is not None and e[2][0] == "a" and not function.is_staticmethod else 0
    at = names.index(name) - bound
    passed = next((v for k, v in e[4] if k == name), e[3][at] if 0 <= at < len(e[3]) else None)
    return passed[2] if passed is not None and passed[0] == "n" else None


def of_attribute(frame: Frame, expr: ir.Expr, value: Value) -> Value:
    """The literals of which an attribute is one here, else its value."""
    path = ir.dotted(expr)
    return (literals_of(frame, Param(frame.function, path)) if path is not None else ()) or value


def copied(frame: Frame, value: Value, source: ir.Expr) -> Value:
    """``by = payload.order``, ``way = order.upper()``: the literals where a test has found that among them."""
    if not is_any_text(value):
        return value
    if source[0] == "a":
        return of_attribute(frame, source, value)
    name = _name(source)
    given = frame.env.get(name, ()) if name is not None else ()
    return ONE_OF if _is_param(given) and is_listed(frame, given[0]) else value


def is_listed(frame: Frame, param: Any) -> bool:
    """Whether a parameter is one of some literals here."""
    return frame.facts.get((param, LISTED)) == YES
