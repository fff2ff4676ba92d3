"""What a test of an object's class says of it: ``isinstance(x, AsyncSession)``, ``case Ledger():``, a ``TypeGuard``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import row_classes
from sessionlint.program.frame import Frame
from sessionlint.program.instances import named_classes
from sessionlint.program.values import Value, join_all

_GUARDS = frozenset({"TypeGuard", "TypeIs"})
#: Modules of whose classes a session, connection or engine is none; but for ``object``.
_PLAIN = frozenset({"builtins", "datetime", "decimal", "enum", "pathlib", "pydantic", "uuid"})


def narrow(frame: Frame, test: ir.Expr) -> tuple[dict[str, tuple[Value, Value]], dict[str, Value]]:
    """Narrows the names a condition tests, for where it holds.

    Gives these names with their values before and inside, and the names that are something else where it does not.
    """
    if test[0] == "u" and test[2] == "not":
        tested = _tested(frame, test[3])
        if tested is None:
            promised = _promised(frame, test[3])
            return ({}, {}) if promised is None else ({}, _unless(frame, *promised)[1])
        return _unless(frame, *tested)
    if test[0] == "o" and test[2] == "or":
        return {}, _unless_any(frame, test[3])
    parts = test[3] if test[0] == "o" and test[2] == "and" else (test,)
    narrowed: dict[str, tuple[Value, Value]] = {}
    others: dict[str, Value] = {}
    for part in parts:
        tested = _tested(frame, part)
        found = tested or _promised(frame, part)
        if found is None:
            continue
        name, classes = found
        wide = frame.env[name]
        excluded = _excluded(frame, name, classes) if tested is not None and len(parts) == 1 else ()
        if excluded:
            others[name] = excluded
        if narrow_to(frame, name, classes):
            narrowed[name] = (wide, frame.env[name])
    return narrowed, others


def _unless(frame: Frame, name: str, classes: Value) -> tuple[dict[str, tuple[Value, Value]], dict[str, Value]]:
    """``if not isinstance(x, Session):``, mostly to raise: below, it is one."""
    excluded, wide = _excluded(frame, name, classes), frame.env[name]
    handles = any(frame.solver.kind_of(a) for a in frame.solver.instances(classes))
    others = {name: frame.env[name]} if handles and narrow_to(frame, name, classes) else {}
    frame.env[name] = excluded or wide
    return {name: (wide, excluded)} if excluded else {}, others


def _unless_any(frame: Frame, parts: tuple[ir.Expr, ...]) -> dict[str, Value]:
    """``if x is None or not isinstance(x, Session):``: below, none of them holds."""
    others: dict[str, Value] = {}
    for part in parts:
        if part[0] == "u" and part[2] == "not":
            narrowed, below = narrow(frame, part)
            frame.env.update({name: wide for name, (wide, _) in narrowed.items()})
            others.update(below)
    return others


def narrow_to(frame: Frame, name: str, classes: Value) -> bool:
    """Makes a name an instance of the classes, when they are a database handle's or rule one out."""
    solver = frame.solver
    known = solver.instances(classes)
    handles = tuple(a for a in known if solver.kind_of(a))
    wide = frame.env.get(name, ())
    frame.finds = frame.finds or bool(handles)
    if any(solver.kind_of(a) for a in wide):
        if handles:
            return _among(frame, name, {solver.kind_of(a) for a in handles})
        if known and all(_is_plain(a) for a in known):
            frame.env[name] = tuple(a for a in wide if not solver.kind_of(a))
            return True
        # a class of the project that is no session: it may be one no longer
        if not known or any(a.tag != "inst" for a in known):
            return False
        frame.env[name] = known
        return True
    if handles:
        frame.env[name] = handles
    elif any(a.tag == "row" for a in wide) and row_classes.rule_out(frame, classes):
        frame.env[name] = tuple(a for a in wide if a.tag != "row")
    else:
        return False
    return True


def _is_plain(atom: Any) -> bool:
    """Whether an instance is of a class that no database handle is of."""
    return bool(atom.tag == "ext" and atom.name.partition(".")[0] in _PLAIN and atom.name != "builtins.object()")


def _among(frame: Frame, name: str, kinds: set[str | None]) -> bool:
    """``for arg in args: if isinstance(arg, Session):`` of arguments among which there is a session."""
    wide = frame.env[name]
    kept = tuple(a for a in wide if frame.solver.kind_of(a) in kinds)
    if not kept or len(kept) == len(wide):
        return False
    frame.env[name] = kept
    return True


def _tested(frame: Frame, test: ir.Expr) -> tuple[str, Value] | None:
    """The name and the classes of an ``isinstance`` test."""
    is_check = test[0] == "c" and test[2][0] == "n" and test[2][2] == "isinstance" and len(test[3]) == 2
    if not is_check or test[3][0][0] != "n" or test[3][0][2] not in frame.env:
        return None
    return test[3][0][2], named_classes(frame, test[3][1])


def _promised(frame: Frame, test: ir.Expr) -> tuple[str, Value] | None:
    """The name and the classes of a call of a function that says so: ``def is_open(x) -> TypeGuard[AsyncSession]``."""
    if test[0] != "c" or not test[3] or test[3][0][0] != "n" or test[3][0][2] not in frame.env:
        return None
    called = test[2]
    if called[0] == "a" and called[2][0] == "n":
        if any(a.tag != "mod" for a in frame.lookup(called[2][2])):
            return None
    elif called[0] != "n":
        return None
    for atom in frame.evaluate(called):
        if atom.tag != "fn" or not _says(atom.info.facts[6]):
            continue
        for said in frame.solver.returned(atom.info):
            if said.tag == "seq":
                return test[3][0][2], join_all(list(said.items))
    return None


def _says(annotation: ir.Expr | None) -> bool:
    """Whether an annotation is ``TypeGuard[…]`` or ``TypeIs[…]``."""
    if annotation is None or annotation[0] != "i":
        return False
    named = annotation[2]
    return bool(named[3 if named[0] == "a" else 2] in _GUARDS) if named[0] in ("a", "n") else False


def _excluded(frame: Frame, name: str, classes: Value) -> Value:
    """The objects of the project that a parameter may be when it is no database handle."""
    solver = frame.solver
    if not any(solver.kind_of(a) for a in solver.instances(classes)):
        return ()
    views = [v for a in frame.env[name] for v in (solver.views(a) if a.tag == "param" else (a,))]
    return tuple(v for v in views if v.tag == "inst" and not solver.kind_of(v))
