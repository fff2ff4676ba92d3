"""Operators are calls: ``basket << row``, ``basket[key] = row``, ``if basket:`` run what the class has for them.

Like other functions, these methods are passed over as long as they mention nothing that can matter; not those that
give an object of their own class, which runs what they were given (``start >> load >> save``).
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import implied
from sessionlint.program.frame import Frame
from sessionlint.program.guards import Guard
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Const, Value, join

_NAMES: Final[dict[str, str]] = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "%": "mod", "|": "or", "&": "and", "LShift": "lshift",
    "RShift": "rshift", "FloorDiv": "floordiv", "Pow": "pow", "MatMult": "matmul", "BitXor": "xor",
}  # fmt: skip
_COMPARED: Final[dict[str, tuple[str, str]]] = {
    "==": ("__eq__", "__eq__"), "!=": ("__ne__", "__ne__"), "<": ("__lt__", "__gt__"), "<=": ("__le__", "__ge__"),
    ">": ("__gt__", "__lt__"), ">=": ("__ge__", "__le__"), "in": ("", "__contains__"), "not in": ("", "__contains__"),
}  # fmt: skip
_UNARY: Final[dict[str, str]] = {"-": "__neg__", "~": "__invert__", "UAdd": "__pos__"}
_TRUTH: Final = ("__bool__", "__len__")
METHODS: Final = frozenset({
    *[f"__{name}__" for name in _NAMES.values()], *[f"__r{name}__" for name in _NAMES.values()],
    *[f"__i{name}__" for name in _NAMES.values()], *[name for pair in _COMPARED.values() for name in pair if name],
    *_UNARY.values(), *_TRUTH, "__setitem__", "__delitem__",
})  # fmt: skip
_OBJECTS: Final = frozenset({"inst", "param", "injected"})
#: What is hardly ever done to anything but objects that have these; of others callers are not asked what they pass.
_OF_PARAMETERS: Final = frozenset({"__lshift__", "__rshift__", "__setitem__", "__delitem__"})
_YES: Final[Value] = (Const(True, "mark"),)


def note_method(solver: Any, method: FunctionInfo) -> None:
    """A method of a class turns out to mention something that can matter."""
    if method.name in METHODS and method.class_info is not None:
        solver.write(("operator", method), _YES)


def note_making(solver: Any, method: FunctionInfo) -> None:
    """A method is defined; one that gives an object of its own class passes on what that object is to run."""
    if gives_own(method):
        solver.write(("operator", method), _YES)


def gives_own(method: FunctionInfo) -> bool:
    """Whether a method gives an object of its own class."""
    owner = method.class_info
    return owner is not None and bool(method.params) and _gives_own(method.body, owner.name, method.params[0][0])


def _gives_own(statements: tuple[ir.Stmt, ...], name: str, own: str) -> bool:
    """Whether what is returned is the object itself, or a new one: ``Steps(…)``, ``type(self)(…)``."""
    for s in statements:
        if s[0] == "R" and s[2] is not None:
            given: ir.Expr = s[2]
            if given[0] == "n" and given[2] == own:
                return True
            if given[0] == "c" and _is_class(given[2], name, own):
                return True
        elif s[0] == "I" and (_gives_own(s[3], name, own) or _gives_own(s[4], name, own)):
            return True
    return False


def _is_class(called: ir.Expr, name: str, own: str) -> bool:
    if called[0] == "n":
        return bool(called[2] == name)
    of: ir.Expr | None = called[2] if called[0] == "a" and called[3] == "__class__" else None
    if called[0] == "c" and called[2][0] == "n" and called[2][2] == "type" and len(called[3]) == 1:
        of = called[3][0]
    return of is not None and of[0] == "n" and bool(of[2] == own)


def between(frame: Frame, e: ir.Expr, left: Value, right: Value) -> Value | None:
    """``left << right``; ``None`` where neither side is an object that says what that is."""
    for atom in left:
        if atom.tag in _OBJECTS:
            break
    else:
        for atom in right:
            if atom.tag == "inst":
                break
        else:
            return None
    name = _NAMES.get(e[2])
    if name is None:
        return None
    made = called(frame, left, f"__{name}__", [right], e[1])
    return made if made is not None else called(frame, right, f"__r{name}__", [left], e[1])


def in_place(frame: Frame, s: ir.Stmt) -> Value | None:
    """``basket += row`` where the class has a method for just that."""
    name = _NAMES.get(s[3])
    owner = frame.evaluate(s[2]) if name is not None and s[2][0] == "n" else UNKNOWN
    if not any(a.tag == "inst" and frame.solver.method(a.info, f"__i{name}__") is not None for a in owner):
        return None
    return called(frame, owner, f"__i{name}__", [frame.evaluate(s[4])], s[1])


def compared(frame: Frame, e: ir.Expr, sides: list[Value]) -> Value:
    """``left == right``, ``left < middle < right``, ``part in whole``."""
    out: Value = UNKNOWN
    for operator, left, right in zip(e[3], sides, sides[1:], strict=False):
        if operator in _COMPARED:
            forth, back = _COMPARED[operator]
            made = called(frame, left, forth, [right], e[1]) if forth else None
            if made is None and operator == "!=":
                made = called(frame, left, "__eq__", [right], e[1])
            out = join(out, made or (called(frame, right, back, [left], e[1]) if made is None else None) or UNKNOWN)
    return out


def alone(frame: Frame, e: ir.Expr, value: Value) -> Value:
    """``-value``, ``~value``, ``not value``."""
    if e[2] == "not":
        asked(frame, value, e[1])
        return UNKNOWN
    name = _UNARY.get(e[2])
    return (called(frame, value, name, [], e[1]) or UNKNOWN) if name is not None else UNKNOWN


def asked(frame: Frame, value: Value, span: ir.Span4) -> None:
    """``if value:`` asks an object whether it is true, or else how long it is."""
    for atom in value:
        if atom.tag == "inst":
            implied.ask(frame, atom, _TRUTH, span)


def called(frame: Frame, value: Value, name: str, args: list[Value], span: ir.Span4) -> Value | None:
    """What a method gives that an operator calls; ``None`` where no object among ``value`` has it."""
    solver = frame.solver
    found: Value | None = None
    for atom in value:
        if atom.tag != "inst" and (name not in _OF_PARAMETERS or atom.tag not in _OBJECTS):
            continue
        for view in (atom,) if atom.tag == "inst" else solver.ask("views", atom):
            method = solver.method(view.info, name) if view.tag == "inst" else None
            if method is None or method is frame.function or not solver.read(("operator", method)):
                continue
            made = _call(frame, atom, view, method, args, span)
            found = made if found is None else join(found, made)
    return found


def _call(frame: Frame, atom: Any, view: Any, method: Any, args: list[Value], span: ir.Span4) -> Value:
    if atom is not view:
        frame.guards.append(Guard(atom, "is", view, True))
    made = frame.machine.call(frame, frame.solver.bound(method, view), args, [], ("z", span, ()))
    if atom is not view:
        frame.guards.pop()
    return made


__all__ = ["alone", "asked", "between", "called", "compared", "in_place", "note_making", "note_method"]
