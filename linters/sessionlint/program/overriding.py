"""Methods that a class below has in the place of one: what they do happens where the object is of that class.

``update()`` of a base calls ``self.save()``, which flushes there and commits in a class below. What the other
``save()`` does is kept as *possible* until a call of ``update()`` says whose object it is.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.arguments import bound
from sessionlint.program.conditions import left_of
from sessionlint.program.frame import Frame, identity
from sessionlint.program.guards import ONLY, Guard, receiver_of
from sessionlint.program.model import Effect, FunctionInfo, Hop, Summary
from sessionlint.program.substitution import stand_in, substitution
from sessionlint.program.values import UNKNOWN, Fn, Inst, Value

#: An effect, and the conditions under which alone it happens.
Key = tuple[Effect, frozenset[Any]]
#: Effects that one method has and the one in its place may not have.
_KINDS = frozenset({"txn", "network", "use", "change", "hold", "schedule", "create", "escape"})


def others(frame: Frame, callee: Any) -> list[FunctionInfo]:
    """The methods that classes below the receiver's have in the place of a callee that does something itself."""
    if callee.tag != "fn" or not isinstance(callee.receiver, Inst) or callee.info.class_info is None:
        return []
    solver = frame.solver
    if not solver.read(("subclasses", callee.receiver.info)) or solver.is_abstract(callee.info):
        return []
    found = solver.overrides(callee.receiver.info, callee.info.name)
    return [m for m in found if m is not callee.info and m.class_info is not None and not m.is_generator]


def foretell(
    frame: Frame, through: Any, methods: list[FunctionInfo], args: list[Value], keywords: Any, e: ir.Expr
) -> None:
    """Notes what a call would do in objects that have one of these methods in the place of the one that is called."""
    for method in methods:
        owner = method.class_info
        if owner is None or method is frame.function:
            continue
        bindings = bound(frame, method, Fn(method, Inst(owner)), args, keywords)
        mapped = substitution(frame, method, tuple(bindings.items()))
        guard = Guard(through, ONLY, (owner, method.name), True)
        summary = frame.solver.summary_of(method)
        for effect in summary.effects:
            if effect.kind in _KINDS:
                guards = left_of(summary.guards.get(effect, frozenset()), mapped, frame.solver)
                _note(frame, method, effect, effect, mapped, None if guards is None else guards | {guard}, e)
        for key in summary.possible:
            guards = left_of(key[1], mapped, frame.solver)
            _note(frame, method, key[0], key, mapped, None if guards is None else guards | {guard}, e)


def of_receiver(frame: Frame, function: FunctionInfo, mapped: dict[Any, Value], e: ir.Expr) -> dict[Any, Value]:
    """The arguments of a call, with the caller's own parameter for an object of which only a base class is known."""
    if e[0] != "c" or function.class_info is None or not function.params:
        return mapped
    key = identity(function, function.params[0][0])
    if any(a.tag != "inst" or a.bindings for a in mapped.get(key, UNKNOWN)):
        return mapped
    through = receiver_of(frame, e[2])
    return mapped if through is None or through.tag != "param" else mapped | {key: (through,)}


def settled(
    frame: Frame,
    function: FunctionInfo,
    summary: Summary,
    mapped: dict[Any, Value],
    asked: dict[Any, Value],
    e: ir.Expr,
) -> list[tuple[Key, frozenset[Any]]]:
    """The possible effects of a callee that happen in this call; those that are still open are passed on."""
    happen: list[tuple[Key, frozenset[Any]]] = []
    for key in summary.possible:
        guards = left_of(key[1], asked, frame.solver)
        if guards is not None and any(guard.kind == ONLY for guard in guards):
            _note(frame, function, key[0], key, mapped, guards, e)
        elif guards is not None:
            happen.append((key, guards))
    return happen


def _note(
    frame: Frame, callee: FunctionInfo, effect: Effect, inner: Any, mapped: dict[Any, Value],
    guards: frozenset[Any] | None, e: ir.Expr,
) -> None:  # fmt: skip
    if guards is None or frame.dead:
        return
    subjects: Value = (None,)
    if effect.subject is not None:
        subjects = mapped[effect.subject] if effect.subject in mapped else stand_in(frame, effect.subject, mapped)
    hop = Hop(frame.site(e[1]), f"{callee.name}() is called here", callee, inner)
    for subject in subjects:
        frame.possible.setdefault((Effect(effect.kind, effect.name, subject), guards | frozenset(frame.guards)), hop)
