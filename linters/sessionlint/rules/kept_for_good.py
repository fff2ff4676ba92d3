"""What keeps a session for as long as the process runs: caches, exit handlers, classes that keep their one object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import keeping
from sessionlint.program.entries import takes_session
from sessionlint.program.handles import HELD
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.program.values import Handle, contained
from sessionlint.rules.background_work import sessions_in
from sessionlint.rules.caches import keeps_arguments

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_HANDLES = ("handle", "param", "injected")
_CLOSES = frozenset({"close", "aclose", "remove"})


def is_kept_on_object(function: FunctionInfo) -> bool:
    """Whether a decorator keeps what a method returns on its object: ``cached_property``."""
    return keeping.keeps_what_it_returns(function)


def caching_arguments(program: Program) -> Iterator[FunctionInfo]:
    """Functions that are given sessions, each of which their cache keeps."""
    for function in program.functions:
        if function.decorators and keeps_arguments(function) and _is_given_session(program, function):
            yield function


def _is_given_session(program: Program, function: FunctionInfo) -> bool:
    """Whether callers pass a session, or FastAPI injects one, alone or in an object."""
    given = (function.param_values.get(name, ((), ()))[1] for name in function.dependencies)
    return takes_session(program, function) or any(
        next(sessions_in(program, tuple([a for a in value if a.tag == "injected"])), None) is not None
        for value in given
    )


def kept_at_exit(program: Program) -> Iterator[tuple[Event, Any]]:
    """Calls of ``atexit.register`` with a session that is closed long before."""
    for event in program.events("external"):
        if event.name != "atexit.register":
            continue
        given = (a for value in (*event.args, *(v for _, v in event.keywords)) for a in value)
        held = [s for a in given if a.tag != "method" or a.name not in _CLOSES for s in contained((a,))]
        session = next((s for s in held if program.kind(s) == "session" and _is_closed_before(event, s)), None)
        if session is not None:
            yield event, session


def _is_closed_before(event: Event, session: Any) -> bool:
    """Whether a request's end or a ``with`` of the function closes a session."""
    if not isinstance(session, Handle):
        return bool(session.tag == "injected")
    made = (e for e in event.function.events if e.kind in ("create", "obtain") and session in e.subject)
    return any("context" in e.flags for e in made)


def keeps_its_object(program: Program, info: ClassInfo) -> bool:
    """Whether a class, or its metaclass, makes one object and gives it to everybody who asks for one."""
    for maker in (program.solver.of_metaclass(info, "__call__"), program.solver.method(info, "__new__")):
        if maker is not None and maker.params and _keeps_what_it_makes(maker):
            return True
    return False


def kept_by_new(program: Program) -> Iterator[tuple[Event, ClassInfo]]:
    """Sessions that ``__new__`` puts on its class, or on the one object that the class keeps."""
    for event in program.events("setattr"):
        function = event.function
        if function.name != "__new__" or function.class_info is None or not function.params:
            continue
        if not any(a.tag in _HANDLES and program.kind(a) in HELD for a in event.value):
            continue
        root = event.text.partition(".")[0]
        kept = root in _made(function) and keeps_its_object(program, function.class_info)
        if kept or root == function.params[0][0]:
            yield event, function.class_info


def _keeps_what_it_makes(maker: FunctionInfo) -> bool:
    """``cls._objects[cls] = super().__call__(*args)``: what is made is put on the class, at once or under its name."""
    cls, made = maker.params[0][0], _made(maker)
    for node in _assignments(maker.body):
        own = _makes(maker, node[3]) or (node[3][0] == "n" and node[3][2] in made)
        if own and any(t[0] in ("a", "i") and _root(t) == cls for t in node[2]):
            return True
    return False


def _made(maker: FunctionInfo) -> frozenset[str]:
    """The names of what a function makes of its class."""
    made = [node[2] for node in _assignments(maker.body) if _makes(maker, node[3])]
    return frozenset(t[2] for targets in made for t in targets if t[0] == "n")


def _makes(maker: FunctionInfo, source: ir.Expr) -> bool:
    """``super().__new__(cls)``."""
    calls = source[0] == "c" and source[2][0] == "a" and source[2][3] == maker.name
    return bool(calls and _root(source[2][2]) in ("super", "object", "type"))


def _root(expr: ir.Expr) -> str | None:
    """The name that a chain of attributes, entries and calls starts from."""
    while expr[0] in ("a", "i", "c"):
        expr = expr[2]
    return expr[2] if expr[0] == "n" else None


def _assignments(node: Any) -> Iterator[ir.Stmt]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "=" and len(child) == 4:
                yield child
            yield from _assignments(child)
