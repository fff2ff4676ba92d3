"""Functions that a literal argument decides: ``opened(raw=True)``, ``script("lock")``, ``finish(session, False)``.

What such a function gives to any of its callers is everything that one of its branches gives. For a call that says by
its literals which branch runs, or what is taken out of a table, the function is gone through once more with these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import answering_classes
from sessionlint.program.frame import Frame, identity
from sessionlint.program.knowledge import JWT_DECODERS, STREAMING
from sessionlint.program.model import Effect, FunctionInfo, Summary
from sessionlint.program.sqlends import transaction_statements
from sessionlint.program.values import Const, Inst, Param, Value

#: So deep such functions may call one another, and so many statements they may have.
_DEPTH = 3
_STATEMENTS = 20
#: Statements and expressions with a test, by the place where it stands in them: ``if``, ``while``, ``… if … else …``.
_TESTED = {"I": 2, "W": 2, "q": 2, "M": 2}
#: What a function that is gone through again must not do: define.
_DEFINES = frozenset({"lam", "F", "C", "glob"})
#: Several of these make a difference: sessions and what makes one, what is still to be run, what is injected.
_MATTERS = frozenset({"handle", "fn", "cls", "pending", "partial", "dependency"})
#: Libraries whose things are no claims, ids or streams.
_OF_NO_ONE = ("builtins.", "sqlalchemy.", "typing.", "datetime.", "logging.", "pathlib.")
#: What tells one branch from another in the conditions of an effect.
_TOLD = frozenset({"true", "none", "equal"})


def deciding(frame: Frame, body: tuple[ir.Stmt, ...], summary: Summary) -> Any:
    """The parameters whose literals decide what a function gives or leaves, and its statements; ``None`` for none."""
    function = frame.function
    if not function.params or function.name in ("<module>", "<lambda>") or len(body) > _STATEMENTS:
        return None
    answers = bool(summary.returns) and answering_classes.answers(frame, summary.returns)
    matters = _matter(summary.returns) or _matter(summary.yields) or _closes_for_some(summary)
    if not matters and not answers:
        return None
    names = dict.fromkeys(frame.passes_on)
    if matters:
        names.update(dict.fromkeys(_asked(body)))
    if answers:
        names.update(dict.fromkeys(answering_classes.called(body)))
    decided = tuple([name for name, *_ in function.params if name in names])
    return (decided, body, answers) if decided and not defines(body) else None


def in_call(frame: Frame, function: FunctionInfo, summary: Summary, bindings: dict[Any, Value], e: ir.Expr) -> Summary:
    """What a function does in a call that says by literals which way it goes."""
    names, body, answers = summary.decides
    given: dict[str, Value] = {}
    for name in names:
        value = bindings.get(identity(function, name), ())
        if len(value) != 1:
            continue
        (atom,) = value
        if isinstance(atom, Const):
            given[name] = value
        elif answers and answering_classes.tells(frame, function, atom):
            given[name] = (Inst(atom.info),) if isinstance(atom, Inst) else value
        elif isinstance(atom, Param) and atom.info is frame.function:
            frame.passes_on[atom.name] = None
    if not given or frame.depth >= _DEPTH or _spreads(e):
        return summary
    found: Summary = frame.machine.specialize(frame, function, body, given)
    return found


def _spreads(e: ir.Expr) -> bool:
    """``opened(**options)``: what seems to be a default may be passed."""
    if e[0] != "c":
        return False
    return any(name is None for name, _ in e[4]) or any(arg[0] == "*" for arg in e[3])


def _matter(value: Value) -> bool:
    """Whether it makes a difference to anybody which of the things a function gives it is."""
    several = len(value) > 1
    for atom in value:
        tag = atom.tag
        if tag == "ext":
            name = atom.name[:-2]
            if name.startswith(_OF_NO_ONE):
                continue
            if name.startswith("uuid.uuid") or name in STREAMING or JWT_DECODERS.match(name):
                return True
        elif tag == "text":
            if any(h.tag == "ext" and h.name.startswith("uuid.uuid") for h in atom.holes):
                return True
        elif (several and tag in _MATTERS) or (
            several and tag == "const" and atom.kind == "str" and transaction_statements(atom.value)
        ):
            return True
    return False


def _closes_for_some(summary: Summary) -> bool:
    return any(_is_close(e) and any(g.kind in _TOLD for g in guards) for e, guards in summary.guards.items())


def _is_close(effect: Effect) -> bool:
    return effect.kind == "txn" and effect.name == "close"


def _asked(node: tuple[Any, ...]) -> Iterator[str]:
    """The names in what is tested, and those that are keys."""
    op = node[0] if node else None
    if op in _TESTED and len(node) > 3:
        yield from _names(node[_TESTED[op]])
    elif op == "o" and len(node) == 4:
        for part in node[3][:-1]:
            yield from _names(part)
    elif op == "i" and len(node) == 4:
        yield from _names(node[3])
    elif op == "c" and len(node) == 5 and node[2][0] == "a" and node[2][3] == "get":
        for part in node[3][:1]:
            yield from _names(part)
    for child in node:
        if type(child) is tuple:
            yield from _asked(child)


def _names(node: tuple[Any, ...]) -> Iterator[str]:
    if len(node) == 3 and node[0] == "n":
        yield node[2]
        return
    for child in node:
        if type(child) is tuple:
            yield from _names(child)


def defines(node: tuple[Any, ...]) -> bool:
    """Whether statements define a function or class, which the function does that is gone through first."""
    if node and node[0] in _DEFINES and len(node) > 2 and type(node[1]) is tuple:
        return True
    return any(defines(child) for child in node if type(child) is tuple)


__all__ = ["deciding", "defines", "in_call"]
