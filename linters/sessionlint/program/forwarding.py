"""Functions that only pass a call on: ``async def run(call, *args): return await call(*args)``.

Many callers share such a helper, so what it is handed by one of them must not count for the others: a call of it
is a call of what it is handed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import libraries, overriding
from sessionlint.program.arguments import bound
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Fn, Value, join

Keywords = list[tuple[str, Value]]
#: What runs all that it is given at the same time: of how many, the callers together tell.
_TOGETHER = frozenset({"gather", "wait", "as_completed", "run_coroutines"})


def is_open_ended(function: FunctionInfo) -> bool:
    """Whether a function takes whatever arguments there are."""
    return any(kind == ir.KIND_VARARGS for _, kind, *_ in function.params)


def passed_on(function: FunctionInfo, body: tuple[ir.Stmt, ...]) -> ir.Expr | None:
    """The one call such a function consists of, its callee a parameter of its own; ``None`` for others."""
    call = _only_call(function, body)
    return call if call is not None and call[2][2] in _own(function) else None


def passed_further(frame: Frame, body: tuple[ir.Stmt, ...]) -> ir.Expr | None:
    """The same of a function that hands on to another such helper what it is handed: ``return run(call, *args)``."""
    function = frame.function
    call = _only_call(function, body)
    if call is None or not call[3] or call[3][0][0] != "n" or call[3][0][2] not in _own(function):
        return None
    helpers = _helpers(frame, function, call)
    return call if helpers and all(_forwards(frame, h) for h in helpers) else None


def _forwards(frame: Frame, helper: Any) -> bool:
    if helper.tag != "fn" or helper.info is frame.function or not is_open_ended(helper.info):
        return False
    return frame.solver.summary_of(helper.info).forwards is not None


def _helpers(frame: Frame, function: FunctionInfo, call: ir.Expr) -> Value:
    """What the name stands for by which another helper is called: it is one of the module's."""
    name = call[2][2]
    if function.parent is not None or any(p[0] == name for p in function.params):
        return UNKNOWN
    return frame.solver.member(function.path, name)


def _own(function: FunctionInfo) -> set[str]:
    """The parameters of a function that are no starred ones."""
    return {p[0] for p in function.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)}


def _only_call(function: FunctionInfo, body: tuple[ir.Stmt, ...]) -> ir.Expr | None:
    """The call of something by its name that an open-ended function consists of, with nothing but its parameters."""
    if not is_open_ended(function) or function.is_generator or function.decorators or not body:
        return None
    statements = body[1:] if body[0][0] == "E" and body[0][2][0] == "k" else body
    if len(statements) != 1 or statements[0][0] != "R" or statements[0][2] is None:
        return None
    call = statements[0][2]
    call = call[2] if call[0] == "aw" else call
    if call[0] != "c" or call[2][0] != "n":
        return None
    parts = [a[2] if a[0] == "*" else a for a in call[3]] + [v for _, v in call[4]]
    names = {p[0] for p in function.params}
    return call if all(p[0] == "n" and p[2] in names for p in parts) else None


def by_place(function: FunctionInfo, name: str) -> bool:
    """Whether all that a function does with its starred arguments is to spread them in calls that keep their order.

    What one caller passes in a place is then never what another one passes in the next.
    """
    if function.parent is not None:
        return False
    spread = kept = 0
    pending: list[Any] = [s for s in function.body if s]
    while pending:
        node = pending.pop()
        if node[0] == "c" and len(node) == 5 and node[2][-1] not in _TOGETHER:
            kept += sum([a[0] == "*" and a[2][0] == "n" and a[2][2] == name for a in node[3]])
        spread += node[0] == "n" and len(node) == 3 and node[2] == name
        pending += [child for child in node if type(child) is tuple and child]
    return 0 < spread == kept


def forward(
    frame: Frame, helper: Fn, call: ir.Expr, args: list[Value], keywords: Keywords, e: ir.Expr,
    guarded: Callable[..., Value],
) -> Value:  # fmt: skip
    """Calls what such a helper is handed, at the place where the helper is called."""
    function = helper.info
    e = _as_if_direct(function, call, e)
    targets, args, keywords = _handed(function, call, bound(frame, function, helper, args, keywords))
    if call[2][2] not in _own(function):
        targets = _helpers(frame, function, call)
    if not targets:
        return libraries.unknown_call(frame, e, args, keywords)
    out: Value = UNKNOWN
    for target in targets:
        guard = overriding.of_own_method(frame, target)
        if guard is None:
            out = join(out, frame.machine.call(frame, target, args, keywords, e))
        else:
            out = join(out, guarded(frame, guard, target, args, keywords, e))
    frame.directly.update((atom, e) for atom in out if atom.tag == "pending")
    return out


def _as_if_direct(function: FunctionInfo, call: ir.Expr, e: ir.Expr) -> ir.Expr:
    """``run(f, a)`` as the call ``f(a)`` at its place, where the helper hands the rest to its first argument."""
    own = [p[0] for p in function.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
    takes_receiver = function.class_info is not None and not function.is_staticmethod
    is_first = own[1 if takes_receiver else 0 :] == [call[2][2]]
    hands_all = [a[0] for a in call[3]] == ["*"] and all(name is None for name, _ in call[4])
    if not is_first or not hands_all or not e[3] or e[3][0][0] == "*":
        return e
    return ("c", e[1], e[3][0], e[3][1:], e[4])


def _handed(function: FunctionInfo, call: ir.Expr, bindings: dict[Any, Value]) -> tuple[Value, list[Value], Keywords]:
    """What is called in the end: callee, arguments and keywords as the caller of the helper gave them."""

    def given(name: str) -> Value:
        return bindings.get(identity(function, name), ())

    args: list[Value] = []
    for part in call[3]:
        if part[0] == "*":
            args.extend(item for atom in given(part[2][2]) if atom.tag == "seq" for item in atom.items)
        else:
            args.append(given(part[2]))
    keywords: Keywords = []
    for name, value in call[4]:
        if name is not None:
            keywords.append((name, given(value[2])))
        else:
            maps = [atom for atom in given(value[2]) if atom.tag == "map"]
            keywords.extend((key, item) for atom in maps for key, item in atom.items if isinstance(key, str))
    return given(call[2][2]), args, keywords
