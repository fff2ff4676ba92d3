"""``include_router`` in a loop over routers and what guards them, and in a function that is handed them.

Each round includes its own router with what stands beside it; a function includes what its callers pass, where they
call it.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import pairs
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.substitution import substitute
from sessionlint.program.values import UNKNOWN, Value

Keywords = list[tuple[str, Value]]
#: Keywords that say how a router is reached.
_SAYING = frozenset({"prefix", "dependencies"})


def included(frame: Frame, outer: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """``outer.include_router(inner, dependencies=[…])``."""
    named = dict(keywords)
    rounds = _rounds(frame, e)
    for atom in _inner(args, keywords):
        told = [options for inner, options in rounds if atom in inner]
        ways = tuple([tuple(options.items()) for options in told]) if 0 < len(told) < len(rounds) else ()
        frame.solver.note_include((outer, atom, ways, frame.site(e[1])), named)
        for options in told or [named]:
            _note(frame, outer, atom, options)


def _inner(args: list[Value], keywords: Keywords) -> Value:
    return args[0] if args else dict(keywords).get("router", UNKNOWN)


def _rounds(frame: Frame, e: ir.Expr) -> list[tuple[Value, dict[str, Value]]]:
    """What each round of a loop includes, and how."""
    given = e[3][0] if e[0] == "c" and e[3] else None
    if not frame.paired or given is None or given[0] != "n":
        return []
    return [(_inner(args, keywords), dict(keywords)) for args, keywords in pairs.each(frame, e, given[2])]


def _note(frame: Frame, outer: Any, inner: Any, options: dict[str, Value]) -> None:
    """Remembers for the callers what stands for their arguments."""
    said = tuple([(key, value) for key, value in options.items() if key in _SAYING])
    own = frame.function
    if own.params and any(_is_open(own, value) for value in [(outer,), (inner,), *[v for _, v in said]]):
        frame.included[outer, inner, said] = None


def _is_open(function: FunctionInfo, value: Value, depth: int = 0) -> bool:
    """Whether a caller says what something is, or what is in it."""
    for atom in value:
        if atom.tag == "param" and atom.info is function:
            return True
        inner: list[Value] = []
        if atom.tag == "seq":
            inner = list(atom.items)
        elif atom.tag == "dependency":
            inner = [atom.target]
        elif atom.tag == "text":
            inner = [atom.holes] if atom.holes else []
        if depth < 3 and any(_is_open(function, v, depth + 1) for v in inner):
            return True
    return False


def carry(
    frame: Frame, function: FunctionInfo, includes: tuple[Any, ...], mapped: dict[Any, Value], e: ir.Expr
) -> None:
    """A function that includes what it is handed is called: it happens with the arguments of this call."""
    for outer, inner, said in includes:
        options = {key: _given(frame, value, function, mapped, e) for key, value in said}
        for parent in substitute(frame, (outer,), mapped, function, e[1]):
            for child in substitute(frame, (inner,), mapped, function, e[1]):
                if parent.tag == "obj" and child.tag == "obj":
                    way = (tuple(options.items()),)
                    frame.solver.note_include((parent, child, way, frame.site(e[1])), options)
                _note(frame, parent, child, options)


def _given(frame: Frame, value: Value, function: FunctionInfo, mapped: dict[Any, Value], e: ir.Expr) -> Value:
    """A keyword as one call has it, what its dependencies call among it."""
    return tuple([_settled(frame, a, function, mapped, e) for a in substitute(frame, value, mapped, function, e[1])])


def _settled(frame: Frame, atom: Any, function: FunctionInfo, mapped: dict[Any, Value], e: ir.Expr) -> Any:
    if atom.tag == "dependency":
        return atom._replace(target=_given(frame, atom.target, function, mapped, e))
    if atom.tag == "seq":
        return atom._replace(items=tuple([_given(frame, item, function, mapped, e) for item in atom.items]))
    return atom
