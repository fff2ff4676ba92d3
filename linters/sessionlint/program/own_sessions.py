"""Session classes of the project: the methods they add to those of the library's class; sessions that classes have."""

from __future__ import annotations

from typing import Any

from sessionlint.program import knowledge, operations
from sessionlint.program.frame import Frame
from sessionlint.program.values import FACTORY, SESSION, UNKNOWN, Ext, Fn, Inst, Method, Value

_LIBRARY = operations.KNOWN | knowledge.SESSION_READS | knowledge.SESSION_WRITES | knowledge.SESSION_ONLY
_RECEIVERS = ("param", "injected", "handle")


def note_class(frame: Frame, made: Value, classes: Value) -> Value:
    """The sessions (or the sessions of the factories) that were made just now are of one of these classes."""
    own = tuple(a for a in classes if a.tag == "cls")
    for handle in made if own else ():
        frame.solver.write(("session class", handle.root), own)
    return made


def same_class(frame: Frame, made: Value, factory: Any) -> Value:
    """A factory has made a session: it is of the class that the factory was told."""
    return note_class(frame, made, _classes(frame, factory)) if factory.tag in _RECEIVERS else made


def own_methods(frame: Frame, session: Any, name: str) -> Value:
    """The methods of that name that the project has added to the class of a session, bound to the session."""
    if name in _LIBRARY or name in knowledge.SQL_METHODS or session.tag not in _RECEIVERS:
        return UNKNOWN
    methods = (frame.solver.method(cls.info, name) for cls in _classes(frame, session))
    return tuple(
        dict.fromkeys(
            Fn(m, session)
            for m in methods
            if m is not None and not (m.is_property or m.is_staticmethod or m.is_classmethod)
        )
    )


def _classes(frame: Frame, session: Any) -> Value:
    views = (session,) if session.tag == "handle" else frame.solver.views(session)
    found: dict[Any, None] = {}
    for view in views:
        if view.tag == "handle" and view.kind in (SESSION, FACTORY):
            found.update(dict.fromkeys(frame.solver.read(("session class", view.root))))
        elif view.tag == "inst" and frame.solver.class_kind(view.info) == SESSION:
            found[view] = None
    return tuple(found)


def as_receiver(callee: Fn) -> dict[Any, Value]:
    """What ``self`` of such a method stands for at a call."""
    own = callee.info.class_info
    return {Inst(own): (callee.receiver,)} if own is not None and callee.receiver.tag in _RECEIVERS else {}


def of_super(frame: Frame, found: Value) -> Value:
    """``super().close`` in such a class: what the library's class does, and the object does it to itself."""
    own = frame.function.class_info
    if own is None or frame.solver.class_kind(own) != SESSION:
        return found
    return tuple([Method(Inst(own), a.name) if a.tag == "method" and not a.name.startswith("__") else a for a in found])


def of_query(frame: Frame, owners: Value) -> Value:
    """``Order.query.session`` of a model of Flask-SQLAlchemy: the session of the application's registry."""
    for atom in owners:
        bases = frame.solver.external_bases(atom.info) if atom.tag in ("cls", "inst") else ()
        if any(base.startswith("flask_sqlalchemy.") for base in bases):
            return (Ext(f"{knowledge.EMPTIED_REGISTRY}()"),)
    return UNKNOWN
