"""Reflection and containers of the standard library, as far as handles travel through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Cls, Const, Ext, Mod, Obj, PartialCall, Seq, Value, join, join_all, literal

Keywords = list[tuple[str, Value]]
Special = Callable[[Frame, list[Value], Keywords, ir.Expr], Value]
CONTEXT_VARIABLE = "contextvars.ContextVar()"


def _named(frame: Frame, base: Value, names: Value, e: ir.Expr) -> Value:
    """The attributes of ``base`` whose names a value may be."""
    at: ir.Expr = e[3][0] if e[0] == "c" and e[3] else ("z", e[1], ())
    out: Value = UNKNOWN
    for atom in names:
        if isinstance(atom, Const) and isinstance(atom.value, str):
            out = join(out, frame.machine.attribute(frame, base, atom.value, ("a", e[1], at, atom.value)))
    return out


def _getattr(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    if len(args) < 2:
        return UNKNOWN
    found = _named(frame, args[0], args[1], e)
    return join(found, args[2]) if len(args) > 2 else found


def _method_caller(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (PartialCall((Ext("operator.methodcaller()"),), tuple(args), tuple(keywords)),)


def _call_method(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``methodcaller(name, *args)(target)``: the target comes last."""
    if len(args) < 2:
        return UNKNOWN
    methods = _named(frame, args[-1], args[0], e)
    return join_all([frame.machine.call(frame, m, args[1:-1], keywords, e) for m in methods])


def _attribute_getter(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (PartialCall((Ext("operator.attrgetter()"),), tuple(args[:1]), ()),)


def _get_attribute(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return _named(frame, args[1], args[0], e) if len(args) == 2 else UNKNOWN


def _map(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``map(function, items)``: the function is called with an element."""
    if len(args) < 2:
        return UNKNOWN
    items = [join_all([i for a in value if a.tag == "seq" for i in a.items]) for value in args[1:]]
    results = [frame.machine.call(frame, target, items, [], e) for target in args[0]]
    return (Seq((join_all(results),), True),)


def _globals(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Mod(frame.module.name),) if frame.module.name else UNKNOWN


def _vars(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return tuple(a for a in args[0] if a.tag in ("mod", "inst", "cls")) if args else UNKNOWN


def _import(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``__import__("a.b")`` gives the package ``a`` (unless a from-list is given)."""
    name = literal(args[0]) if args else None
    if not isinstance(name, str):
        return UNKNOWN
    whole = len(args) > 3 or any(k == "fromlist" for k, _ in keywords)
    return frame.solver.module_value(name if whole else name.partition(".")[0], frame.path)


def _context_variable(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    site = frame.site(e[1])
    frame.solver.write(("context", site), dict(keywords).get("default", UNKNOWN))
    return (Obj(CONTEXT_VARIABLE, site),)


def context_variable(frame: Frame, receiver: Obj, name: str, args: list[Value], e: ir.Expr) -> Value:
    """``get`` and ``set`` of a ``ContextVar``."""
    key = ("context", receiver.site)
    if name == "set" and args:
        frame.solver.write(key, args[0])
        frame.store("context variable", ir.text_of(e[2][2]) if e[2][0] == "a" else "it", args[0], e[1])
        return UNKNOWN
    if name == "get":
        return join(frame.solver.read(key), args[0] if args else UNKNOWN)
    return UNKNOWN


def _ambient(kind: str) -> Special:
    def session_of(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        return (Ext(kind),)

    return session_of


def _type(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``type(x)``: the class of an object whose class is known."""
    out: list[Any] = []
    for atom in args[0] if len(args) == 1 else ():
        if atom.tag == "ext" and atom.name.endswith("()"):
            out.append(Ext(atom.name[:-2]))
        elif atom.tag == "inst":
            out.append(Cls(atom.info))
        elif frame.solver.kind_of(atom) == "session":
            is_async = frame.solver.is_async(atom)
            out.append(Ext("sqlalchemy.ext.asyncio.AsyncSession" if is_async else "sqlalchemy.orm.Session"))
    return tuple(out)


SPECIAL: dict[str, Special] = {
    "builtins.getattr": _getattr, "operator.methodcaller": _method_caller, "operator.methodcaller()": _call_method,
    "operator.attrgetter": _attribute_getter, "operator.attrgetter()": _get_attribute, "builtins.map": _map,
    "builtins.globals": _globals, "builtins.vars": _vars, "builtins.__import__": _import,
    "contextvars.ContextVar": _context_variable, "builtins.type": _type,
    "sqlalchemy.orm.object_session": _ambient("sqlalchemy.orm.Session()"),
    "sqlalchemy.orm.Session.object_session": _ambient("sqlalchemy.orm.Session()"),
    "sqlalchemy.ext.asyncio.async_object_session": _ambient("sqlalchemy.ext.asyncio.AsyncSession()"),
}  # fmt: skip
