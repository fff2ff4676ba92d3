"""Objects of libraries that keep a session: repositories, services, user databases (:mod:`library_classes`)."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import alchemy_configs, handles, library_classes, queries
from sessionlint.program.frame import Frame, identity
from sessionlint.program.guards import Guard
from sessionlint.program.library_classes import LibraryClass
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import (
    NAMESPACE,
    SESSION,
    UNKNOWN,
    Const,
    Ext,
    Inst,
    Map,
    Method,
    Operation,
    Row,
    Value,
    join,
    join_all,
    literal,
)

Keywords = list[tuple[str, Value]]
#: Under this key an object that is made of a library's own class says of which.
_CLASS = ("library class",)
#: The class method of services that opens one: https://advanced-alchemy.litestar.dev (``service/_async.py``).
NEW = "new"
#: The flags of a commit that a library's method makes, and of one that nobody asked it for.
BY_LIBRARY = "by library"
UNASKED = "unasked"
#: Cells of what a constructor of the project passes on to the library's.
_PASSED = "passed on: "
_DECLARED: dict[bool, Value] = {
    True: (Ext("sqlalchemy.ext.asyncio.AsyncSession()"),), False: (Ext("sqlalchemy.orm.Session()"),),
}  # fmt: skip


def bound(frame: Frame, info: ClassInfo, args: list[Value], keywords: Keywords) -> dict[Any, Value]:
    """What the library's constructor keeps of its arguments, of a class below that has none of its own."""
    origin = _origin(frame, info)
    if origin is None:
        return {}
    known, maker, _ = origin
    bindings: dict[Any, Value] = {}
    for name, value in _arguments(known, args, keywords):
        frame.solver.flow(maker, name, value)
        bindings[identity(maker, name)] = value
    return bindings


def passed_on(frame: Frame, info: ClassInfo, bindings: dict[Any, Value]) -> dict[Any, Value]:
    """What the library's constructor keeps where one of the project calls it: ``super().__init__(session)``."""
    origin = _origin(frame, info)
    if origin is None:
        return {}
    known, maker, _ = origin
    found: dict[Any, Value] = {}
    for name in known.keeps:
        for cls in frame.solver.mro(info):
            value = frame.solver.read(("attr", cls, _PASSED + name))
            if value:
                found[identity(maker, name)] = join_all([bindings.get(a) or (a,) for a in value])
                break
    return found


def kept(frame: Frame, atom: Inst, name: str, assigned: Value) -> Value:
    """What an attribute holds that the library's constructor assigns, besides what the project assigns to it."""
    origin = _origin(frame, atom.info)
    if origin is None or name not in origin[0].keeps:
        return assigned
    above = frame.solver.mro(atom.info)
    if any(a.tag == "param" and a.info.class_info in above for a in assigned):
        return assigned
    return join((identity(origin[1], name),), assigned)


def attribute(frame: Frame, atom: Inst, name: str) -> Value:
    """What an object of a class below a library's has from there."""
    origin = _origin(frame, atom.info)
    if origin is None:
        return UNKNOWN
    known, maker, path = origin
    if name == "__init__":
        return (Ext(f"{path}().__init__"),)
    if name == "repository" and known.repository:
        return _repository(frame, atom, known, maker)
    return (Method(atom, name),) if name in known.reads or name in known.writes else UNKNOWN


def declared(path: str, name: str) -> Value:
    """The session of what is said to be an object of a library's class, and no more."""
    known = library_classes.find(path)
    return _DECLARED[known.is_async] if known is not None and name and name == known.session else UNKNOWN


def of_class(frame: Frame, atom: Any, name: str) -> Value:
    """``UserService.new``: what opens a service of the class, for as long as a block lasts."""
    origin = _origin(frame, atom.info) if name == NEW else None
    return (Method(atom, name),) if origin is not None and origin[0].repository else UNKNOWN


def opened(frame: Frame, atom: Any, args: list[Value], keywords: Keywords) -> Value:
    """``UserService.new(session)``, or with a configuration, from which it takes a session of its own."""
    origin = _origin(frame, atom.info)
    given = args[0] if args else dict(keywords).get("session", UNKNOWN)
    sessions = [a for a in given if a.tag != "const"]
    if origin is None or (sessions and not _sessions(frame, given)):
        return UNKNOWN
    known, maker, _ = origin
    return (Inst(atom.info, ((identity(maker, known.session), tuple(sessions) or _DECLARED[known.is_async]),)),)


def of_object(atom: Map, name: str) -> Value:
    """A method of an object of a library's own class."""
    known = _class_of(atom)
    return (Method(atom, name),) if known is not None and (name in known.reads or name in known.writes) else UNKNOWN


def call_method(frame: Frame, receiver: Any, name: str, keywords: Keywords, e: ir.Expr) -> Value | None:
    """A library's method is called on an object of its class, or of one below; ``None`` for all other objects."""
    if receiver.tag == "map":
        known = _class_of(receiver)
        return _run(frame, receiver.get(known.session) or UNKNOWN, known, name, keywords, e) if known else None
    origin = _origin(frame, receiver.info)
    if origin is None:
        return None
    sessions = frame.machine.attribute(frame, (receiver,), origin[0].session, ("a", e[1], e, origin[0].session))
    if not keywords and _is_on(receiver, identity(origin[1], origin[0].switch)):
        keywords = [(origin[0].switch, (Const(True, "bool"),))]
    return _run(frame, sessions, origin[0], name, keywords, e)


def call_external(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    """A library's class or function is called, or a method of one; ``None`` where nothing is known of it."""
    owner, _, method = name.rpartition(".")
    if not owner.endswith("()"):
        return _made(frame, name, args, keywords, e)
    known = library_classes.find(owner[:-2])
    if known is None:
        configured = alchemy_configs.given(name)
        return None if configured is None else (configured,)
    if method == "__init__":
        _keep(frame, known, args, keywords)
        return UNKNOWN
    if method not in known.reads and method not in known.writes:
        return None
    if not known.session:
        return _run(frame, _first(args, keywords), known, method, keywords, e)
    own = frame.function.class_info
    if own is not None and _origin(frame, own) is not None:
        return call_method(frame, Inst(own), method, keywords, e)
    return _run(frame, _DECLARED[known.is_async], known, method, keywords, e)


def _made(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    if library_classes.reads(name):
        for session in _sessions(frame, _first(args, keywords)):
            handles.call(frame, session, SESSION, "execute", [], [], e)
        return UNKNOWN
    known = library_classes.find(name)
    if known is None or not known.session:
        return alchemy_configs.made(frame, name, args, keywords, e) if known is None else None
    kept = tuple(_arguments(known, args, keywords))
    return (Map(((_CLASS, (Ext(name),)), *kept, NAMESPACE), True, frame.site(e[1])),)


def pass_up(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """``super().__init__(session, Order)`` of a library nothing is known of: it keeps a session under its own name."""
    own = frame.function.class_info
    if own is None or frame.function.name != "__init__":
        return
    written = [(a[2], v) for a, v in zip(e[3], args, strict=False) if a[0] == "n"] if e[0] == "c" else []
    for name, value in (*written, *keywords):
        if any(frame.solver.kind_of(a) == SESSION for a in value):
            for attribute in (name, f"_{name}"):
                frame.solver.write(("attr", own, attribute), value)


def _keep(frame: Frame, known: LibraryClass, args: list[Value], keywords: Keywords) -> None:
    """``super().__init__(session=session)``: what the library's constructor is given."""
    own = frame.function.class_info
    origin = _origin(frame, own) if own is not None else None
    if origin is None:
        return
    for name, value in _arguments(known, args, keywords):
        frame.solver.flow(origin[1], name, value)
        frame.solver.write(("attr", own, _PASSED + name), value)


def _arguments(known: LibraryClass, args: list[Value], keywords: Keywords) -> list[tuple[str, Value]]:
    # all but the first are keywords
    given = [(known.keeps[0], args[0])] if args and known.keeps else []
    return given + [(name, value) for name, value in keywords if name in known.keeps]


def _first(args: list[Value], keywords: Keywords) -> Value:
    return args[0] if args else next((v for k, v in keywords if k in ("db", "session", "conn")), UNKNOWN)


def _repository(frame: Frame, atom: Inst, known: LibraryClass, maker: FunctionInfo) -> Value:
    """The repository that a service makes for its session."""
    own = identity(maker, known.session)
    session = dict(atom.bindings).get(own) or (own,)
    made: list[Value] = []
    for cls in frame.solver.attribute(atom.info, known.repository):
        origin = _origin(frame, cls.info) if cls.tag == "cls" else None
        if origin is not None:
            made.append((Inst(cls.info, ((identity(origin[1], origin[0].session), session),)),))
    return join_all(made)


def _run(frame: Frame, value: Value, known: LibraryClass, name: str, keywords: Keywords, e: ir.Expr) -> Value:
    """What a method does: it reads or writes, and commits where it is told to."""
    if keywords and name in known.filters:
        queries.filter_by(frame, keywords, e)
    out: Value = UNKNOWN
    for session in _sessions(frame, value):
        writes = name in known.writes
        handles.call(frame, session, SESSION, "add" if writes else "get", [], [], e)
        if writes:
            _commit(frame, session, known, name, keywords, e)
        out = join(out, (Operation(session, name, (Row(session),)),))
    return out


def _commit(frame: Frame, session: Any, known: LibraryClass, name: str, keywords: Keywords, e: ir.Expr) -> None:
    told = next((v for k, v in keywords if k == known.switch), UNKNOWN) if known.switch else UNKNOWN
    guards: list[Any] = []
    if len(told) == 1 and told[0].tag == "param":
        _, told_default = told[0].info.param_values.get(told[0].name, (UNKNOWN, UNKNOWN))
        guards, told = [Guard(told[0], "true", None, True)], told_default or (Const(False, "bool"),)
    if literal(told) is True or (name in known.commits and all(a.tag == "const" and a.value is None for a in told)):
        frame.guards.extend(guards)
        # no statement that only commits: nothing to be taken away
        flags = [BY_LIBRARY] if literal(told) is True else [BY_LIBRARY, UNASKED]
        frame.flags[:0] = flags
        handles.call(frame, session, SESSION, "commit", [], [], e)
        del frame.flags[: len(flags)]
        del frame.guards[len(frame.guards) - len(guards) :]


def _is_on(receiver: Inst, switch: Any) -> bool:
    return literal(dict(receiver.bindings).get(switch, UNKNOWN)) is True


def _sessions(frame: Frame, value: Value) -> Value:
    return tuple([a for a in value if frame.solver.kind_of(a) == SESSION])


def _class_of(atom: Map) -> LibraryClass | None:
    if not atom.items or atom.items[0][0] != _CLASS:
        return None
    return library_classes.find(atom.items[0][1][0].name)


def _origin(frame: Frame, info: ClassInfo) -> tuple[LibraryClass, FunctionInfo, str] | None:
    """The library's class that a class derives from, and what stands for the constructor it has from there."""
    for cls in frame.solver.mro(info):
        if cls.maker is not None:
            for base in cls.bases:
                known = library_classes.find(base.name) if base.tag == "ext" else None
                if known is not None:
                    return known, cls.maker, base.name
    return None
