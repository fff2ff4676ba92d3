"""Sessions of which only a declaration is known (a field, a property, a context variable): were they given?

What is read from something that a function was given was given, too; what a call makes or a ``with`` opens was not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.rules.walking import own_expressions_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_DEPTH = 6
#: Targets with several names in them.
_SEVERAL = ("t", "l")
_OF_ROWS = ("object_session", "async_object_session")
#: Methods that give what is kept in what they are called on.
_READS = ("get", "values", "items", "pop")


def is_declared_and_given(program: Program, event: Event, session: Any) -> bool:
    """Whether the session on which a method is called is known by its type alone, and comes from outside."""
    expr = event.expr
    if session.tag not in ("ext", "inst") or program.kind(session) is None:
        return False
    if expr is None or expr[0] != "c":
        return False
    return _is_begun_on_given(program, event.function, expr, event.name, _DEPTH)


def _is_begun_on_given(program: Program, function: FunctionInfo, call: ir.Expr, name: str, depth: int) -> bool:
    """Whether a call is that method of something given, or of a helper that calls it and gives what that answers."""
    if depth < 0:
        return False
    methods = list(_methods(function, call[2], depth))
    if methods and all(m is not None and m[3].startswith(name) for m in methods):
        return all(_is_given(program, function, m[2], depth) for m in methods if m is not None)
    callees = [e.callee for e in function.events if e.kind == "call" and e.span == call[1] and e.callee is not None]
    return (
        bool(callees)
        and all(_gives_block_of_given(program, callee, name, depth - 1) for callee in callees)
        and all(_is_passed_as_given(program, function, part, depth) for part in call[3])
        and all(_is_passed_as_given(program, function, part, depth) for _, part in call[4])
        and (call[2][0] == "n" or not _is_entered(program, function, call[2][2]))
        and (call[2][0] == "n" or _is_given(program, function, call[2][2], depth))
    )


def _methods(function: FunctionInfo, called: ir.Expr, depth: int) -> Iterator[ir.Expr | None]:
    """The methods that an expression may be, as they are written; ``None`` for anything else."""
    if called[0] == "a":
        yield called
    elif called[0] == "q":
        yield from (m for part in called[3:5] for m in _methods(function, part, depth))
    elif called[0] == "n" and depth > 0:
        for value in _bound(function, called[2]):
            yield from _methods(function, value, depth - 1) if value else (None,)
    else:
        yield None


def _is_passed_as_given(program: Program, function: FunctionInfo, expr: ir.Expr, depth: int) -> bool:
    """Whether a helper is passed what its caller was given: not an object that the caller, or its class, opens."""
    if expr[0] == "n" and function.class_info is not None and function.params and function.params[0][0] == expr[2]:
        return False
    return expr[0] == "k" or (_is_given(program, function, expr, depth) and not _is_entered(program, function, expr))


def _gives_block_of_given(program: Program, helper: FunctionInfo, name: str, depth: int) -> bool:
    """``def unit(self): return self.session.begin()``."""
    returned = [n[2] for n in _nodes(helper) if n[0] == "R" and n[2] is not None]
    return (
        not helper.is_generator
        and bool(returned)
        and all(v[0] == "c" and _is_begun_on_given(program, helper, v, name, depth) for v in returned)
    )


def _is_given(program: Program, function: FunctionInfo, expr: ir.Expr, depth: int) -> bool:
    """Whether an expression reads what its function was given, or what is kept for others, and nothing else."""
    op, depth = expr[0], depth - 1
    if depth < 0:
        return False
    if op == "n":
        return _is_name_given(program, function, expr[2], depth)
    if op == "a":
        return _is_attribute_given(program, function, expr, depth)
    if op in ("i", "aw"):
        return _is_given(program, function, expr[2], depth)
    if op == "k":
        return expr[2] is None
    if op == "o":
        return all(_is_given(program, function, part, depth) for part in expr[3])
    if op == "q":
        return all(_is_given(program, function, part, depth) for part in expr[3:5])
    return op == "c" and _is_result_given(program, function, expr, depth)


def _is_name_given(program: Program, function: FunctionInfo, name: str, depth: int) -> bool:
    bound = [_is_given(program, function, value, depth) if value else False for value in _bound(function, name)]
    if bound or any(p[0] == name for p in function.params):
        return all(bound)
    return function.parent is not None and _is_name_given(program, function.parent, name, depth)


def _bound(function: FunctionInfo, name: str) -> Iterator[ir.Expr | None]:
    """What a function binds a name to; ``None`` where that is nothing which it only reads."""
    for node in _nodes(function):
        if node[0] == "=" and any(name in _names_in(target) for target in node[2]):
            yield from (_part(t, node[3], name) for t in node[2] if name in _names_in(t))
        elif node[0] in (":", "w") and node[2][0] == "n" and node[2][2] == name:
            yield node[-1]
        elif node[0] == "L" and name in _names_in(node[2]):
            yield node[3]
        elif node[0] == "M" and any(name in case[0] for case in node[3]):
            yield node[2]
        elif node[0] == "w/" and any(target and name in _names_in(target) for _, target in node[2]):
            yield None


def _part(target: ir.Expr, value: ir.Expr, name: str) -> ir.Expr | None:
    """What a target that may have several names gives one of them: what stands in its place, or what is taken apart."""
    if target[0] not in _SEVERAL or value[0] not in _SEVERAL:
        return value
    pairs = zip(target[2], value[2], strict=False)
    return next((_part(t, v, name) for t, v in pairs if t[0] != "*" and v[0] != "*" and name in _names_in(t)), None)


def _names_in(target: ir.Expr) -> set[str]:
    """The names that an assignment to ``target`` binds."""
    if target[0] in _SEVERAL:
        return {name for part in target[2] for name in _names_in(part)}
    if target[0] == "*":
        return _names_in(target[2])
    return {target[2]} if target[0] == "n" else set()


def _nodes(function: FunctionInfo) -> Iterator[Any]:
    return own_expressions_below(ir.body_of(function.facts))


def _is_attribute_given(program: Program, function: FunctionInfo, expr: ir.Expr, depth: int) -> bool:
    base, attribute = expr[2], expr[3]
    if not _is_given(program, function, base, depth) or _is_entered(program, function, base):
        return False
    owner = function.class_info
    if owner is None or base[0] != "n" or not function.params or base[2] != function.params[0][0]:
        return True
    method = program.solver.method(owner, attribute)
    if method is not None:
        return method.is_property and _returns_given(program, method, depth)
    return all(_is_given(program, m, v, depth) for m, v in _assigned(program, owner, attribute))


def _is_entered(program: Program, function: FunctionInfo, holder: ir.Expr) -> bool:
    """Whether the function, or another method of its class, opens the object that has the session."""
    name = ir.dotted(holder)
    return name is not None and any(
        name in (ir.dotted(item), ir.dotted(item[2]) if item[0] in ("a", "c") else None)
        for own in _own(program, function)
        for node in _nodes(own)
        for item in _entering(node)
    )


def _entering(node: Any) -> Iterator[ir.Expr]:
    if node[0] == "w/":
        yield from (item for item, _ in node[2])
    elif node[0] == "c" and node[2][0] == "a" and node[2][3] in ("__enter__", "__aenter__"):
        yield node[2][2]
    elif node[0] == "c" and node[2][0] == "a" and node[2][3] in ("enter_context", "enter_async_context"):
        yield from node[3]


def _own(program: Program, function: FunctionInfo) -> list[FunctionInfo]:
    owner = function.class_info
    if owner is None:
        return [function]
    return [function, *(m for cls in program.solver.mro(owner) for m in cls.methods.values())]


def _assigned(program: Program, owner: Any, attribute: str) -> Iterator[tuple[FunctionInfo, ir.Expr]]:
    """What the methods of a class put into an attribute of their object."""
    for cls in program.solver.mro(owner):
        for method in cls.methods.values():
            for node in _nodes(method):
                if node[0] not in ("=", ":") or node[-1] is None:
                    continue
                for target in node[2] if node[0] == "=" else (node[2],):
                    if target[0] == "a" and target[3] == attribute and target[2][0] == "n":
                        yield method, node[-1]


def _is_result_given(program: Program, function: FunctionInfo, expr: ir.Expr, depth: int) -> bool:
    """Whether a call gives what was there before."""
    called, arguments = expr[2], expr[3]
    name = called[-1] if called[0] in ("n", "a") else ""
    if name == "cast" and len(arguments) == 2:
        return _is_given(program, function, arguments[1], depth)
    if name in _OF_ROWS:
        return True
    callees = [e.callee for e in function.events if e.kind == "call" and e.span == expr[1] and e.callee is not None]
    if callees:
        return all(_returns_given(program, callee, depth) for callee in callees)
    if called[0] != "a" or name not in _READS:
        return False
    return _is_of_module(function, called[2]) or _is_given(program, function, called[2], depth)


def _is_of_module(function: FunctionInfo, expr: ir.Expr) -> bool:
    """Whether a name is none of the function or those around it: ``current`` in ``current.get()``."""
    outer: FunctionInfo | None = function
    while outer is not None and outer.name != "<module>":
        if expr[0] != "n" or any(p[0] == expr[2] for p in outer.params) or any(True for _ in _bound(outer, expr[2])):
            return False
        outer = outer.parent
    return bool(expr[0] == "n")


def _returns_given(program: Program, function: FunctionInfo, depth: int) -> bool:
    """Whether a function does no more than give what it, or its object, was given; or only declares that."""
    if program.solver.is_abstract(function):
        return bool(function.is_property)
    returned = [n[2] for n in _nodes(function) if n[0] == "R" and n[2] is not None]
    return (
        not function.is_generator
        and bool(returned)
        and all(_is_given(program, function, value, depth) for value in returned)
    )
