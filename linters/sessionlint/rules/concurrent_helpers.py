"""Helpers that run what they are given at the same time: ``async def limited(coros): await gather(*coros)``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Param, Value, contained
from sessionlint.rules.background_work import enclosing, is_held_by_object, is_made_in, sessions_in

#: A parameter whose elements run together, one that is called many times together, and one that runs beside others.
ELEMENTS, CALLED, BESIDE = "elements", "called", "beside"
_TOGETHER = ("asyncio.gather", "asyncio.wait", "asyncio.as_completed")
#: What is no session, and holds none beside what it is seen to hold.
_BRINGS_NONE = frozenset({"const", "text", "ext", "seq", "map", "column", "mod"})
_WRAPS = ("list", "tuple", "set")
_ROUNDS = 4


def concurrent_parameters(program: Program) -> dict[Param, str]:
    """The parameters whose content runs at the same time, directly or through another such helper, and how."""
    found: dict[Param, str] = {}
    for event in program.events("concurrent"):
        for name, kind in given_together(event):
            found.setdefault(Param(event.function, name), kind)
    if not found:
        return found
    calls = [e for e in program.events("call") if e.callee is not None]
    for _ in range(_ROUNDS):
        before = len(found)
        for call in calls:
            for identity, value in call.bindings:
                how = found.get(identity)
                for parameter in _own_parameters(call, value) if how else ():
                    found.setdefault(parameter, how or "")
        if len(found) == before:
            break
    return found


def _own_parameters(call: Event, value: Value) -> Iterator[Param]:
    """The parameters of its function that a call passes on: as a value, or ``*args`` by name."""
    function, expr = call.function, call.expr
    yield from (a for a in value if isinstance(a, Param) and a.info is function)
    starred = {p[0] for p in function.params if p[1] == ir.KIND_VARARGS}
    given = (*expr[3], *[v for _, v in expr[4]]) if starred and expr is not None and expr[0] == "c" else ()
    for argument in given:
        inner = argument[2] if argument[0] == "*" else argument
        if inner[0] == "n" and inner[2] in starred and any(a.tag == "seq" for a in value):
            yield Param(function, inner[2])


def given_together(event: Event) -> Iterator[tuple[str, str]]:
    """The parameters of its function whose content a ``concurrent`` event runs, and how."""
    function, expr = event.function, event.expr
    params = {p[0] for p in function.params}
    if expr is None or expr[0] != "c" or not params:
        return
    if event.name not in _TOGETHER:
        yield from _one_by_one(event, params)
        return
    for argument in expr[3]:
        collection = argument[2] if argument[0] == "*" else argument if event.name != _TOGETHER[0] else None
        if collection is not None:
            yield from _in_collection(function, collection, params)
            yield from _by_inner(function, collection, params)
        elif argument[0] == "n" and argument[2] in params:
            yield argument[2], BESIDE


def is_foreign(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether a session is neither the function's own, nor its parents' or object's: its callers brought it."""
    chain = enclosing(function)
    if session.tag == "param":
        return session.info not in chain and session.info.name != "__init__"
    if session.tag == "handle":
        return not (is_made_in(program, session, chain) or _asks_for(chain, session))
    own = any(session in sessions_in(program, default) for f in chain for _, default in f.param_values.values())
    return session.tag == "injected" and not own and not is_held_by_object(program, function, session)


def may_bring(program: Program, function: FunctionInfo, name: str) -> bool:
    """Whether callers may bring a session by a parameter: not where all that is known of it are ids and the like."""
    views = program.solver.views(Param(function, name))
    return any(atom.tag not in _BRINGS_NONE or program.kind(atom) for atom in contained(tuple(views)))


def comes_beside(program: Program, function: FunctionInfo, given: list[str], session: Any) -> bool:
    """Whether callers bring a session by another parameter than those ``given`` whose content runs together.

    It is one for all of these then: ``gather(*(repo.load(key) for key in keys))``.
    """
    content = tuple(a for name in given for a in program.solver.views(Param(function, name)))
    if session in contained(content) or session in sessions_in(program, content):
        return False
    others = (p[0] for p in function.params if p[0] not in given)
    return any(session in sessions_in(program, program.solver.views(Param(function, name))) for name in others)


def _asks_for(chain: list[FunctionInfo], session: Any) -> bool:
    """Whether a function gets a session from what it calls itself: out of a context variable, a registry."""
    return any(session in e.subject for f in chain for e in f.events if e.kind == "obtain")


def _in_collection(function: FunctionInfo, expr: ir.Expr, params: set[str]) -> Iterator[tuple[str, str]]:
    if expr[0] == "n" and expr[2] in params:
        yield expr[2], ELEMENTS
    elif expr[0] == "n":
        for value in _assigned(function.body, expr[2]):
            if value[0] != "n":
                yield from _in_collection(function, value, params)
    elif expr[0] == "g" and expr[3]:
        yield from _in_comprehension(expr, params)
    elif expr[0] == "c" and expr[2][0] == "n" and expr[3]:
        first = expr[3][0]
        if expr[2][2] == "map" and first[0] == "n" and first[2] in params:
            yield first[2], CALLED
        elif expr[2][2] in _WRAPS:
            yield from _in_collection(function, first, params)


def _by_inner(function: FunctionInfo, expr: ir.Expr, params: set[str]) -> Iterator[tuple[str, str]]:
    """``gather(*(one(i) for i in items))``, where the function ``one`` in here calls what was given."""
    inner = {c.name: c for c in function.children.values()}
    for node in _nodes(expr) if expr[0] in ("g", "c") else ():
        used = [node[2]] if node[0] == "c" else []
        if node[0] == "c" and node[2][0] == "n" and node[2][2] == "map" and node[3]:
            used.append(node[3][0])
        for name in (u[2] for u in used if u[0] == "n" and u[2] in inner):
            for called in _nodes(inner[name].body):
                if called[0] == "c" and called[2][0] == "n" and called[2][2] in params:
                    yield called[2][2], CALLED


def _in_comprehension(expr: ir.Expr, params: set[str]) -> Iterator[tuple[str, str]]:
    element = expr[3][0]
    mentioned = {n[2] for n in _nodes(element) if n[0] == "n"}
    for target, iterable, _ in expr[4]:
        if iterable[0] == "n" and iterable[2] in params and target[0] == "n" and target[2] in mentioned:
            yield iterable[2], ELEMENTS
    for node in _nodes(element):
        if node[0] == "c" and node[2][0] == "n" and node[2][2] in params:
            yield node[2][2], CALLED


def _one_by_one(event: Event, params: set[str]) -> Iterator[tuple[str, str]]:
    """``for coro in coros: group.create_task(coro)``."""
    started = event.expr[3][0] if event.expr is not None and event.expr[3] else None
    if started is None or "loop" not in event.flags:
        return
    names = {n[2] for n in _nodes(started) if n[0] == "n"}
    for loop in _loops(event.function.body):
        inside = loop[1][:2] <= event.span[:2] and event.span[2:] <= loop[1][2:]
        if inside and loop[2][0] == "n" and loop[2][2] in names and loop[3][0] == "n" and loop[3][2] in params:
            yield loop[3][2], ELEMENTS
    if started[0] == "c" and started[2][0] == "n" and started[2][2] in params:
        yield started[2][2], CALLED


def _assigned(node: Any, name: str) -> Iterator[ir.Expr]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "=" and len(child) == 4 and any(t[0] == "n" and t[2] == name for t in child[2]):
                yield child[3]
            yield from _assigned(child, name)


def _loops(node: Any) -> Iterator[ir.Stmt]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "L" and len(child) > 5:
                yield child
            yield from _loops(child)


def _nodes(node: Any) -> Iterator[ir.Expr]:
    if type(node) is tuple and node:
        if type(node[0]) is str and len(node) > 2:
            yield node
        for child in node:
            yield from _nodes(child)
