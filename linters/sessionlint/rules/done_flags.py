"""Objects that end their transaction when they are left, unless an attribute says that they have done it before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.model import FunctionInfo

_ENDS = frozenset({"commit", "rollback", "close"})
_ENTERS = ("__enter__", "__aenter__")


def ends_unless_done(leave: FunctionInfo, subject: Any) -> bool:
    """Whether an ``__exit__`` ends a transaction but where ``self.done`` says so, which only what ends it sets."""
    spans = [
        e.span for e in leave.events
        if (e.name in _ENDS and (e.kind == "txn" or e.text == "txn") and subject in e.subject)
    ]  # fmt: skip
    if not spans or not leave.params:
        return False
    flags = (_unless(leave.body, span, leave.params[0][0]) for span in spans)
    return any(flag is not None and _is_set_at_end(leave, subject, *flag) for flag in flags)


def _unless(body: Any, span: ir.Span4, owner: str) -> tuple[str, bool] | None:
    """The attribute, and whether it is true, with which a method passes over what stands at ``span``."""
    for index, statement in enumerate(body):
        if statement[0] != "I":
            continue
        found = _flag(statement[2], owner)
        if found is None:
            continue
        name, wanted = found
        if _is_step(statement[3], span):
            return name, not wanted
        leaves = bool(statement[3]) and statement[3][-1][0] == "R"
        if _is_step(statement[4], span) or (leaves and _is_step(body[index + 1 :], span)):
            return name, wanted
    return None


def _is_step(block: Any, span: ir.Span4) -> bool:
    return any(s[0] in ("E", "R", "=", "T") and is_within(span, s[1]) for s in block)


def _flag(test: Any, owner: str) -> tuple[str, bool] | None:
    """``self.done`` or ``not self.done`` as a test."""
    if test[0] == "u" and test[2] == "not":
        found = _flag(test[3], owner)
        return None if found is None else (found[0], not found[1])
    if test[0] == "a" and test[2][0] == "n" and test[2][2] == owner:
        return test[3], True
    return None


def _is_set_at_end(leave: FunctionInfo, subject: Any, name: str, done: bool) -> bool:
    """Whether the methods that give the attribute this value all end the transaction, and the constructor the other."""
    made = entered = told = False
    methods = leave.class_info.methods.values() if leave.class_info is not None else ()
    for method in methods:
        for value in _given(method, name):
            if value[0] != "k" or type(value[2]) is not bool:
                return False
            if method.name == "__init__":
                made = value[2] is not done
            elif value[2] is not done:
                entered = entered or method.name in _ENTERS
            elif method is not leave and not _ends(method, subject):
                return False
            else:
                told = True
    return told and (made or entered)


def _ends(method: FunctionInfo, subject: Any) -> bool:
    return any(e.kind == "txn" and e.name in _ENDS and e.subject == subject for e in method.summary.effects)


def _given(method: FunctionInfo, name: str) -> Iterator[Any]:
    """What a method assigns to an attribute of its object."""
    owner = method.params[0][0] if method.params else ""
    for node in nodes_below(method.body):
        if node[0] == "=" and len(node) == 4:
            targets, value = node[2], node[3]
        elif node[0] == ":" and len(node) == 5 and node[4] is not None:
            targets, value = (node[2],), node[4]
        else:
            continue
        if any(t[0] == "a" and t[3] == name and t[2][0] == "n" and t[2][2] == owner for t in targets):
            yield value
