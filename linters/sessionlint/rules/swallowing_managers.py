"""Context managers of the project that keep the errors of their block, as ``contextlib.suppress()`` does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.values import UNKNOWN, Ext, Param, Value
from sessionlint.rules.decorated_units import runs_in_units
from sessionlint.rules.failing import body_of, handled, tries
from sessionlint.rules.raised_later import outcome, raised_later
from sessionlint.rules.two_halves import EXITS
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo

#: What a test of the error's class in ``__exit__`` may name.
_TESTED = {"issubclass", "isinstance"}
#: What tells of a ``with`` in what it stands.
_INSIDE = frozenset({"loop", "try", "try+finally", "handler", "finally"})


def managed(program: Program) -> Iterator[Event]:
    """For each ``with`` of such a manager, the ``except`` clause that it is around the block."""
    for event in program.events("call"):
        callee = event.callee
        if "context" not in event.flags or callee is None:
            continue
        if not event.transactions and not runs_in_units(program, event.function):
            continue
        if "cm" in event.flags:
            told = (given_kinds(event, h) for h in callee.events if _keeps(h))
            yield from (_clause(event, h) for h in told)
        elif callee.name in EXITS:
            yield from _of_class(program, event, callee)


def keeping_objects(function: FunctionInfo, program: Program) -> Iterator[Event]:
    """The same for the objects of the project that a function enters, whether a transaction is open or not."""
    for event in function.events:
        if event.kind != "call" or "context" not in event.flags or "cm" in event.flags:
            continue
        if event.callee is not None and event.callee.name in EXITS:
            for clause in _of_class(program, event, event.callee):
                yield clause._replace(flags=clause.flags | (event.flags & _INSIDE))


def _keeps(handler: Event) -> bool:
    """Whether a clause is around the ``yield`` of its generator, and nothing in it or after it raises."""
    if handler.kind != "handler" or "swallows" not in handler.flags:
        return False
    if not any(e.kind == "yield" for e in body_of(handler)) or any(e.kind == "raise" for e in handled(handler)):
        return False
    return "suppress" in handler.flags or not raised_later(handler)


class _Exit(NamedTuple):
    """An ``__exit__``, and the call that entered its object."""

    program: Program
    method: FunctionInfo
    entered: Event


def given_kinds(event: Event, handler: Event) -> Event:
    """A clause (``except kinds:``) with the errors that this call hands its function."""
    params = {p[0] for p in handler.function.params}
    if not params or "suppress" in handler.flags:
        return handler
    for attempt in tries(ir.body_of(handler.function.facts)):
        for where, kinds, *_ in attempt[3]:
            if where == handler.span and kinds is not None and kinds[0] == "n" and kinds[2] in params:
                return handler._replace(value=_settled(event, (Param(handler.function, kinds[2]),)))
    return handler


def _settled(event: Event, value: Value) -> Value:
    """The classes in a value, what the call hands over in the place of parameters."""
    given = dict(event.bindings)
    known = tuple(a for atom in value for a in (given.get(atom, UNKNOWN) if atom.tag == "param" else (atom,)))
    return tuple(a for atom in known for a in (_items(atom) if atom.tag == "seq" else (atom,)))


def _kept_kinds(program: Program, info: ClassInfo, name: str, entered: Event) -> Value:
    """``self.kinds``: the argument of its constructor that the object keeps so, or what the class says."""
    init = program.solver.method(info, "__init__")
    if init is None or not init.params:
        return _settled(entered, program.solver.attribute(info, name))
    for node in nodes_below(ir.body_of(init.facts)):
        if node[0] == "=" and len(node) == 4 and any(_is_own(target, init.params[0][0], name) for target in node[2]):
            return _settled(entered, (Param(init, node[3][2]),)) if node[3][0] == "n" else UNKNOWN
    return _settled(entered, program.solver.attribute(info, name))


def _entered(event: Event) -> Value:
    """The object that is entered."""
    callee = event.callee
    if callee is None or not callee.params:
        return UNKNOWN
    own = Param(callee, callee.params[0][0])
    return next((value for key, value in event.bindings if key == own), UNKNOWN)


def _is_own(target: ir.Expr, own: str, name: str) -> bool:
    return bool(target[0] == "a" and target[3] == name and target[2][0] == "n" and target[2][2] == own)


def _items(listed: Any) -> Value:
    return tuple(a for item in listed.items for a in item)


def _of_class(program: Program, event: Event, entering: FunctionInfo) -> Iterator[Event]:
    """The clause that the ``__exit__`` of a manager's class stands for: one that returns something true."""
    leaving = EXITS[entering.name]
    node = _statement(event)
    left = (e.callee for e in event.function.events if e.kind == "call" and node is not None and e.span == node[1])
    methods = {m for m in left if m is not None and m.name == leaving}
    if len(methods) != 1:
        return
    method = next(iter(methods))
    errors = dict.fromkeys((p[0] for p in method.params[1:]), True)
    caught = _returned(_Exit(program, method, event), ir.body_of(method.facts), errors)
    if caught:
        yield _clause(event, event._replace(value=caught, flags=frozenset(), function=method, span=method.header))


def _clause(event: Event, handler: Event) -> Event:
    """The manager's clause, as one around the block of the ``with`` that enters it."""
    node = _statement(event)
    # a block that only passes has no statements
    filled = node is not None and bool(node[3])
    block = (*node[3][0][1][:2], *node[3][-1][1][2:]) if filled else event.span
    body = tuple(e for e in event.function.events if filled and is_within(e.span, block))
    done = tuple(e for e in event.function.events if node is not None and e.span in (event.span, node[1]))
    item = next((i for i, _ in node[2] if i[1] == event.span), None) if node is not None else None
    return event._replace(
        kind="handler",
        value=handler.value,
        flags=(handler.flags & {"bare"}) | {"suppress", "swallows"},
        text=ir.text_of(item) or event.name,
        expr=("handler", body, done),
        args=((handler,),),
    )


def _statement(event: Event) -> Any:
    """The ``with`` that an event enters by one of its items."""
    return next((n for n in _withs(ir.body_of(event.function.facts)) if any(i[1] == event.span for i, _ in n[2])), None)


def _withs(node: Any) -> Iterator[Any]:
    for child in node:
        if type(child) is tuple and child and child[0] not in ("F", "C"):
            if child[0] == "w/" and len(child) == 5:
                yield child
            yield from _withs(child)


def _returned(left: _Exit, body: Any, given: dict[str, bool]) -> Value | None:
    """The errors for which ``__exit__`` returns something true; empty when it ends otherwise, ``None`` when it goes on.

    ``given`` are its parameters, which are all true when there is an error.
    """
    for statement in body:
        op = statement[0]
        if op == "!":
            return UNKNOWN
        if op == "R":
            return _told(left, statement[2], given) if statement[2] is not None else UNKNOWN
        ended: Value | None = None
        if op == "I":
            settled = outcome(statement[2], given)
            tested = _told(left, statement[2], given) if settled is None else UNKNOWN
            branch = statement[4] if settled is False else statement[3] if settled or tested else ()
            ended = _returned(left, branch, given)
            if tested:
                ended = tested if ended else None
        elif op in ("T", "w/"):
            ended = _returned(left, statement[2 if op == "T" else 3], given)
        if ended is not None:
            return ended
    return None


def _told(left: _Exit, expr: ir.Expr, given: dict[str, bool]) -> Value:
    """The errors for which an expression is true: every one, or those whose class it asks for."""
    if (expr[0] == "k" and expr[2] is True) or outcome(expr, given):
        return (Ext("builtins.BaseException"),)
    if expr[0] == "o" and expr[2] == "and":
        parts = [p for p in expr[3] if not outcome(p, given)]
        return _told(left, parts[0], given) if len(parts) == 1 else UNKNOWN
    if expr[0] != "c" or ir.dotted(expr[2]) not in _TESTED or len(expr[3]) != 2 or expr[3][0][0] != "n":
        return UNKNOWN
    classes = expr[3][1][2] if expr[3][1][0] == "t" else (expr[3][1],)
    if expr[3][0][2] not in given:
        return UNKNOWN
    return tuple(a for c in classes for a in _named(left, c))


def _named(left: _Exit, expr: ir.Expr) -> Value:
    program, method, entered = left
    own = method.params[0][0] if method.params else None
    if expr[0] == "a" and expr[2][0] == "n" and expr[2][2] == own and method.class_info is not None:
        made = next((a.info for a in _entered(entered) if a.tag == "inst"), method.class_info)
        return _kept_kinds(program, made, expr[3], entered)
    name = ir.dotted(expr) or ""
    module, _, member = name.partition(".")
    if member:
        held = program.solver.member(method.path, module)
        paths = [program.solver.names.path_of(a.name) for a in held if a.tag == "mod"]
        own = [a for path in paths if path is not None for a in program.solver.member(path, member)]
        return (*own, *[Ext(f"{a.name}.{member}") for a in held if a.tag == "ext"])
    return program.solver.member(method.path, name) or ((Ext(f"builtins.{name}"),) if name.isidentifier() else UNKNOWN)
