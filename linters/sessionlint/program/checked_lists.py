"""Lists of which a test has found every element among literals: ``if not set(columns) <= COLUMNS: raise ValueError``.

So have ``any(c not in COLUMNS for c in columns)``, what is left of one (``set(columns) - COLUMNS``) when it is empty,
and a loop that raises for each element that is none of them. Parameters stay parameters, and a fact says so of them.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import checked_sets, listed
from sessionlint.program.declared_keys import CHECKED
from sessionlint.program.frame import YES, Frame
from sessionlint.program.literals_among import ONE_OF, among_literals
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Param, Seq, Value

#: What is told of such a parameter on a path.
EACH: Final = "each listed"
#: Conditions that may say so.
TESTS: Final = frozenset({"x", "u", "o", "c", "b", "n", "w", "g"})
_WITHIN: Final = frozenset({"<=", "<"})
_AROUND: Final = frozenset({">=", ">"})

#: What holds on each way: the names of the lists.
Told = tuple[tuple[str, ...], tuple[str, ...]]
_NOTHING: Final[Told] = ((), ())


def tested(frame: Frame, test: ir.Expr) -> Told:
    """The lists of which all is told where a condition holds, and where it does not."""
    op = test[0]
    if op == "u":
        if test[2] != "not":
            return _NOTHING
        holds, fails = tested(frame, test[3])
        return fails, holds
    if op == "o":
        told = [tested(frame, part) for part in test[3] if part[0] in TESTS]
        at = 0 if test[2] == "and" else 1
        merged = tuple([name for both in told for name in both[at]])
        return (merged, ()) if at == 0 else ((), merged)
    if op == "x":
        return (_compared(frame, test), ()) if len(test[3]) == 1 else _NOTHING
    if op == "c":
        return _called(frame, test)
    if op == "n":
        kept = frame.left_overs.get(test[2]) if frame.left_overs else None
        return ((), kept[0]) if kept is not None and checked_sets.told(kept[1]) is None else _NOTHING
    left = left_of(frame, test[3] if op == "w" else test)
    return ((), (left,)) if left is not None else _NOTHING


def _compared(frame: Frame, test: ir.Expr) -> tuple[str, ...]:
    """``set(columns) <= COLUMNS``, ``COLUMNS >= set(columns)``."""
    operator = test[3][0]
    if operator in _WITHIN:
        return _among(frame, test[2], test[4][0])
    return _among(frame, test[4][0], test[2]) if operator in _AROUND else ()


def _called(frame: Frame, test: ir.Expr) -> Told:
    called, args = test[2], test[3]
    if len(args) != 1:
        return _NOTHING
    if called[0] == "a" and called[3] == "issubset":
        return _among(frame, called[2], args[0], True), ()
    if called[0] == "a" and called[3] == "issuperset":
        return _among(frame, args[0], called[2], True), ()
    if called[0] == "n" and called[2] in ("any", "all") and args[0][0] == "g" and len(args[0][4]) == 1:
        return _of_each(frame, args[0], called[2] == "all")
    left = left_of(frame, test)
    return ((), (left,)) if left is not None else _NOTHING


def _of_each(frame: Frame, e: ir.Expr, whole: bool) -> Told:
    """``all(c in COLUMNS for c in columns)``, ``any(c not in COLUMNS for c in columns)``."""
    target, iterable, conditions = e[4][0]
    name = _name(iterable)
    if name is None or conditions or target[0] != "n" or not _tells(frame, e[3][0], target[2], whole):
        return _NOTHING
    return ((name,), ()) if whole else ((), (name,))


def left_of(frame: Frame, e: ir.Expr) -> str | None:
    """The list of which something is what is left without literals: ``set(columns) - COLUMNS``."""
    if e[0] == "b" and e[2] == "-":
        found = _among(frame, e[3], e[4])
        return found[0] if found else None
    if e[0] == "c" and e[2][0] == "a" and e[2][3] == "difference" and len(e[3]) == 1:
        found = _among(frame, e[2][2], e[3][0], True)
        return found[0] if found else None
    if e[0] != "g" or len(e[4]) != 1 or e[2] == "GeneratorExp":
        return None
    target, iterable, conditions = e[4][0]
    known = target[0] == "n" and len(conditions) == 1 and _tells(frame, conditions[0], target[2], False)
    return _name(iterable) if known else None


def note_left(frame: Frame, target: ir.Expr, source: ir.Expr) -> None:
    """``unknown = set(columns) - COLUMNS``: whether it is empty tells of the list."""
    if target[0] != "n":
        return
    if source[0] == "n":
        if source[2] in frame.left_overs:
            frame.left_overs[target[2]] = frame.left_overs[source[2]]
        return
    left = left_of(frame, source)
    names = (left,) if left is not None else checked_sets.names(source)
    if names:
        frame.left_overs[target[2]] = (names, source)


def checked_by_loop(frame: Frame, loop: ir.Stmt) -> None:
    """``for c in columns: if c not in COLUMNS: raise ValueError(c)``: behind it, all of them are."""
    first, target = loop[4][0], loop[2]
    name = _name(loop[3])
    if target[0] == "t" and loop[3][0] == "c" and loop[3][2][0] == "a" and loop[3][2][3] == "items":
        name, target = _name(loop[3][2][2]), target[2][0]
    if name is None or target[0] != "n" or not first[3] or first[3][-1][0] != "!":
        return
    if _tells(frame, first[2], target[2], False) and not _breaks(loop[4]):
        note(frame, (name,))


def _breaks(body: Any) -> bool:
    """Whether a loop may be left early."""
    for node in body:
        if type(node) is tuple and node and ((node[0] == "J" and node[2] == "break") or _breaks(node)):
            return True
    return False


def _tells(frame: Frame, test: ir.Expr, name: str, holds: bool) -> bool:
    """Whether a name is one of some literals where a condition holds, or where it does not."""
    if test[0] == "x" and len(test[3]) == 1 and test[2][0] == "n" and test[2][2] == name:
        return test[3][0] == ("in" if holds else "not in") and bool(among_literals(frame, test[4][0]))
    return test[0] == "u" and test[2] == "not" and _tells(frame, test[3], name, not holds)


def _among(frame: Frame, part: ir.Expr, whole: ir.Expr, plain: bool = False) -> tuple[str, ...]:
    """The list that is compared with a set; where numbers may be, too, it must be made one there."""
    name = _name(part) if plain or part[0] == "c" else None
    return (name,) if name is not None and among_literals(frame, whole) else ()


def _name(e: ir.Expr) -> str | None:
    """The name of the list in ``columns``, ``set(columns)``, ``values.keys()``."""
    e = checked_sets.container(e)
    return e[2] if e[0] == "n" else None


def note(frame: Frame, names: tuple[str, ...]) -> dict[str, tuple[Value, Value]]:
    """Tells on this path that these lists have nothing but literals; gives the names that are something else now."""
    narrowed: dict[str, tuple[Value, Value]] = {}
    for name in names:
        value = listed.held(frame, name)
        if value is None:
            continue
        if len(value) == 1 and isinstance(value[0], Param):
            frame.facts[(value[0], EACH)] = YES
        elif listed.is_any_text(value) or all(a.tag == "seq" and _are_texts(a) for a in value):
            frame.env[name] = CHECKED
            narrowed[name] = (value, CHECKED)
    return narrowed


def _are_texts(atom: Any) -> bool:
    return all(listed.is_any_text(item) for item in atom.items)


def is_checked(frame: Frame, atom: Any) -> bool:
    """Whether all that a parameter holds is told here."""
    return frame.facts.get((atom, EACH)) == YES


def elements(frame: Frame, atom: Any) -> Value:
    """What going through a parameter gives where that is so."""
    return ONE_OF if is_checked(frame, atom) else UNKNOWN


def whole(frame: Frame, atom: Any) -> Any:
    """The parameter, or a list of literals where it is one."""
    return Seq((ONE_OF,), True) if is_checked(frame, atom) else atom


def view(frame: Frame, e: ir.Expr) -> Value:
    """``values.items()``, ``values.keys()`` of such a parameter."""
    if e[2][0] != "a" or e[2][3] not in ("items", "keys") or e[2][2][0] != "n" or e[3]:
        return UNKNOWN
    given = listed.held(frame, e[2][2][2]) or UNKNOWN
    if len(given) != 1 or not is_checked(frame, given[0]):
        return UNKNOWN
    each: Value = (Seq((ONE_OF, UNKNOWN)),) if e[2][3] == "items" else ONE_OF
    return (Seq((each,), True),)


def checked_by(frame: Frame, function: FunctionInfo, param: Any, mapped: dict[Any, Value], e: ir.Expr) -> None:
    """A callee comes back only where that is so of a parameter of its own: so is it of what it was given."""
    given = mapped.get(param, UNKNOWN)
    if not given and param.info is frame.function and function.parent is frame.function:
        given = (param,)
    if len(given) == 1 and isinstance(given[0], Param):
        frame.facts[(given[0], EACH)] = YES
        return
    written = listed.written_for(function, param.name, e) if param in mapped else None
    if written is not None and frame.env.get(written) == given:
        note(frame, (written,))


def common(left: Value, right: Value) -> Value:
    """``COLUMNS & set(columns)``, ``COLUMNS.intersection(columns)``: some of the literals."""
    for atom in (*left, *right):
        if atom.tag == "seq" and atom.items and all(_is_literal(item) for item in atom.items):
            return (Seq(atom.items, True),)
    return UNKNOWN


def _is_literal(item: Value) -> bool:
    return item == ONE_OF or (len(item) == 1 and item[0].tag == "const" and item[0].kind == "str")
