"""Units of work that a function makes and opens by hand, and that nothing there closes or gives away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.handles import HELD
from sessionlint.program.literals import owner_of
from sessionlint.program.values import Handle, Value, contained
from sessionlint.rules.ownership import closes
from sessionlint.rules.walking import own_expressions_below

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


def units_left_open(program: Program) -> Iterator[tuple[Event, Handle]]:
    """Calls of a method that opens its object's session, of an object that the function makes and nobody closes."""
    for event in program.events("call"):
        callee, function = event.callee, event.function
        if callee is None or callee.class_info is None or not callee.summary.holds_open or callee.is_property:
            continue
        if "context" in event.flags or callee.name == "__init__" or function.name == "<module>" or function.children:
            continue
        for kept, opened in event.bindings:
            if not isinstance(kept, Handle) or kept.kind not in HELD or kept.registry:
                continue
            # another class has what ends it, or nothing does
            if not closes(program, callee.class_info, kept):
                continue
            own = [a for a in opened if isinstance(a, Handle) and _is_made_in(program, a, function)]
            if own and not any(_ends_or_gives(e, own[0]) for e in function.events) and _stays(event, own[0].site[1]):
                yield event, own[0]
                break


def _is_made_in(program: Program, session: Handle, function: FunctionInfo) -> bool:
    """Whether the object of a session is made in the function."""
    path, span = session.site
    return path == function.path and session.site != session.root and owner_of(function.module, span) is function


def _stays(event: Event, made: ir.Span4) -> bool:
    """Whether the object is only asked for its attributes, by the names that it has: nothing unseen is given it."""
    nodes = list(own_expressions_below(event.function.body))
    sources = {made, event.span}
    sources |= {n[1] for n in nodes if n[0] == "aw" and n[2][1] in sources}
    bound = [n for n in nodes if n[0] == "=" and n[3][1] in sources]
    names = {target[2] for n in bound for target in n[2] if target[0] == "n"}
    # what is read of it, assigned, or done and no more
    plain = {id(n[2]) for n in nodes if n[0] in ("a", "aw", "E")}
    plain |= {id(part) for n in bound for part in (*n[2], n[3])}
    called = {id(n[2]) for n in nodes if n[0] == "c"}
    methods = set(event.callee.class_info.methods) if event.callee is not None and event.callee.class_info else set()
    for node in nodes:
        is_it = node[1] in sources if node[0] in ("c", "aw") else node[0] == "n" and node[2] in names
        if is_it and id(node) not in plain:
            return False
        if node[0] == "a" and node[3] in methods and id(node) not in called and _is_of(node[2], names, sources):
            return False
    return True


def _is_of(holder: ir.Expr, names: set[str], sources: set[ir.Span4]) -> bool:
    return holder[2] in names if holder[0] == "n" else holder[1] in sources


def _ends_or_gives(event: Event, session: Handle) -> bool:
    """Whether an event closes the session, or others have the object then."""
    if event.kind in ("txn", "effect") and event.name == "close" and session in event.subject:
        return True
    if event.kind == "call":
        if "context" in event.flags and any(session in value for _, value in event.bindings):
            return True
        given = [value for key, value in event.bindings if key.tag == "param" and not _is_itself(event, key)]
    else:
        given = [event.value, *event.args, *(value for _, value in event.keywords)]
        if event.kind not in ("use", "txn", "effect", "hold"):
            given.append(event.subject)
    return any(_has(value, session) for value in given)


def _is_itself(event: Event, parameter: Any) -> bool:
    """Whether a parameter is the object whose method is called."""
    callee = event.callee
    return callee is not None and bool(callee.params) and parameter.name == callee.params[0][0]


def _has(value: Value, session: Handle) -> bool:
    """Whether a value is the session, or brings along the object that keeps it."""
    return any(
        atom == session or (atom.tag == "inst" and any(session in held for _, held in atom.bindings))
        for atom in contained(value)
    )
