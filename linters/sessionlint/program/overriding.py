"""Methods that a class below has in the place of one: what they do happens where the object is of that class.

``update()`` of a base calls ``self.save()``, which flushes there and commits in a class below. What the other
``save()`` does is kept as *possible* until a call of ``update()`` says whose object it is.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import own_class, replacing
from sessionlint.program.arguments import bound
from sessionlint.program.conditions import is_only, left_of
from sessionlint.program.frame import Frame, identity
from sessionlint.program.guards import ONLY, Guard, decided, receiver_of
from sessionlint.program.model import ClassInfo, Effect, FunctionInfo, Hop, Summary
from sessionlint.program.substitution import stand_in, substitution
from sessionlint.program.values import UNKNOWN, Const, Fn, Inst, Param, Value

#: An effect, and the conditions under which alone it happens.
Key = tuple[Effect, frozenset[Any]]
_EXACTLY: tuple[Any, Value] = (Const("exactly", "class"), UNKNOWN)
#: Effects that one method has and the one in its place may not have.
_KINDS = frozenset({"txn", "network", "use", "change", "hold", "schedule", "create", "escape"})


def exactly(frame: Frame, info: ClassInfo) -> tuple[tuple[Any, Value], ...]:
    """Marks an object as one of this very class: where a hook of it does nothing, nothing is done."""
    return (_EXACTLY,) if any(c.hooks for c in frame.solver.mro(info)) else ()


def is_own_hook(method: FunctionInfo, owner: Inst) -> bool:
    """Whether an empty method is what is called: its object was made here, and has no other in its place."""
    return (
        bool(owner.bindings)
        and own_class.said_by(owner) is None
        and method.class_info is not None
        and method.name in method.class_info.hooks
    )


def others(frame: Frame, callee: Any) -> list[tuple[ClassInfo, FunctionInfo]]:
    """The methods that classes below the receiver's have in the place of a callee that does something itself.

    What took the place of a method from outside of its class is among them, with that class.
    """
    if callee.tag != "fn" or not isinstance(callee.receiver, Inst) or callee.info.class_info is None:
        return []
    solver = frame.solver
    if not solver.read(("subclasses", callee.receiver.info)):
        return []
    own, name = callee.receiver.info, callee.info.name
    found = replacing.below(frame, own, name)
    if solver.is_abstract(callee.info):
        return found
    methods = solver.overrides(own, name)
    return [(m.class_info, m) for m in methods if m is not callee.info and m.class_info and not m.is_generator] + found


def of_own_method(frame: Frame, passed: Any) -> Guard | None:
    """The condition under which ``self.finish`` is this method: objects of other classes have another one."""
    through, owner = _self(frame), frame.function.class_info
    if passed.tag != "fn" or through is None or owner is None or frame.function.is_staticmethod:
        return None
    receiver = passed.receiver
    if not isinstance(receiver, Inst) or receiver.bindings or passed.info.class_info is None:
        return None
    if receiver.info is owner:
        return Guard(through, "of", (owner, passed.info.name), True) if others(frame, passed) else None
    solver = frame.solver
    # of a class below, or of what one is made of
    is_below = owner in solver.mro(receiver.info) or any(
        receiver.info in solver.mro(c) for c in solver.subclasses(owner)
    )
    return Guard(through, "of", (receiver.info, passed.info.name), True) if is_below else None


def of_passed_methods(frame: Frame, guards: frozenset[Any], mapped: dict[Any, Value]) -> frozenset[Any]:
    """The same, where a callee does something if what it was passed is a method, and that is one of the own object."""
    found: set[Any] = set()
    for guard in guards:
        if guard.kind == "is" and guard.value.tag == "fn" and guard.value in mapped.get(guard.param, UNKNOWN):
            own = of_own_method(frame, guard.value)
            found.update(() if own is None else (own,))
    return frozenset(found)


def may_be_another(frame: Frame, function: FunctionInfo, mapped: dict[Any, Value], e: ir.Expr) -> bool:
    """Whether a method that always raises may have another in its place, which does not: of a class below."""
    owner = function.class_info
    if owner is None or function.name == "__init__" or through_super(e):
        return False
    classes = [owner]
    if not function.is_staticmethod and function.params:
        given = mapped.get(identity(function, function.params[0][0]), UNKNOWN)
        if any(a.tag == "inst" and a.bindings and own_class.said_by(a) is None for a in given):
            return False
        classes = [a.info for a in given if a.tag in ("inst", "cls")] or classes
    solver = frame.solver
    found = [m for info in classes for m in solver.overrides(info, function.name) if m is not function]
    return any(not solver.summary_of(m).always_raises for m in found)


def through_super(e: ir.Expr) -> bool:
    """Whether a method is called through ``super()``, which names it for good."""
    called = e[2] if e[0] == "c" else e
    if called[0] != "a":
        return False
    return bool(called[2][0] == "c" and called[2][2][0] == "n" and called[2][2][2] == "super")


def foretell(
    frame: Frame, through: Any, name: str, methods: list[tuple[ClassInfo, FunctionInfo]], args: list[Value],
    keywords: Any, e: ir.Expr, made_with: Any = (),
) -> None:  # fmt: skip
    """Notes what a call would do in objects that have one of these methods in the place of the one of that name.

    ``made_with``: the bindings of the object, where it is made here.
    """
    for owner, method in methods:
        if method is frame.function:
            continue
        guard = Guard(through, ONLY, (owner, name), True)
        foretell_one(frame, guard, Fn(method, Inst(owner, made_with)), args, keywords, e)


def foretell_one(frame: Frame, guard: Guard, callee: Fn, args: list[Value], keywords: Any, e: ir.Expr) -> None:
    """Notes what a call of a method does where the condition is known to hold."""
    method = callee.info
    bindings = bound(frame, method, callee, args, keywords)
    mapped = substitution(frame, method, tuple(bindings.items()))
    summary = frame.solver.summary_of(method)
    for effect in summary.effects:
        if effect.kind in _KINDS:
            guards = left_of(summary.guards.get(effect, frozenset()), mapped, frame.solver)
            note(frame, method, effect, effect, mapped, None if guards is None else guards | {guard}, e)
    for key in summary.possible:
        guards = left_of(key[1], mapped, frame.solver)
        note(frame, method, key[0], key, mapped, None if guards is None else guards | {guard}, e)


def of_receiver(frame: Frame, function: FunctionInfo, mapped: dict[Any, Value], e: ir.Expr) -> dict[Any, Value]:
    """The arguments of a call, with the caller's own parameter for an object of which only a base class is known."""
    if e[0] != "c" or function.class_info is None or not function.params:
        return mapped
    key = identity(function, function.params[0][0])
    if frame.makes_own and len(given := mapped.get(key, UNKNOWN)) == 1:
        said = own_class.said_by(given[0])
        if said is not None:
            return mapped | {key: (said,)}
    if any(a.tag != "cls" and (a.tag != "inst" or a.bindings) for a in mapped.get(key, UNKNOWN)):
        return mapped
    through = receiver_of(frame, e[2]) or _above(frame, e[2])
    own = frame.function.class_info
    if e[2][0] != "a" and own is not None and mapped.get(key) == (Inst(own),):
        through = _self(frame)  # a method of the same object, by a name that was given to it
    return mapped if through is None or through.tag != "param" else mapped | {key: (through,)}


def _above(frame: Frame, called: ir.Expr) -> Any:
    """The method's own object for ``super().run``: it may be of a class below the one that has this method."""
    if called[0] != "a" or called[2][0] != "c" or called[2][2][0] != "n" or called[2][2][2] != "super":
        return None
    return _self(frame)


def _self(frame: Frame) -> Any:
    function = frame.function
    return Param(function, function.params[0][0]) if function.class_info is not None and function.params else None


def _of_own_class(frame: Frame, guard: Any) -> Any:
    """What is known of a method's own object: it has what its class has, unless a class below replaces that."""
    own = frame.function.class_info
    if guard.kind != ONLY or own is None or guard.param != _self(frame):
        return guard
    return guard._replace(kind="of") if decided(guard, (Inst(own),), frame.solver.mro) else guard


def is_left_to_callers(frame: Frame, effect: Effect, guards: frozenset[Any]) -> bool:
    """Whether only callers know that an object is of the class that does this: it is not the method's own."""
    if effect.kind not in _KINDS:
        return False
    own = _self(frame)
    return any(is_only(guard) and guard.param != own for guard in guards)


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
        left = left_of(key[1], asked, frame.solver)
        guards = None if left is None else frozenset(_of_own_class(frame, guard) for guard in left)
        if guards is not None and any(is_only(guard) for guard in guards):
            note(frame, function, key[0], key, mapped, guards, e)
        elif guards is not None:
            happen.append((key, guards))
    return happen


def note(
    frame: Frame, callee: FunctionInfo, effect: Effect, inner: Any, mapped: dict[Any, Value],
    guards: frozenset[Any] | None, e: ir.Expr,
) -> None:  # fmt: skip
    """Notes that an effect of a callee is possible, under conditions that callers decide."""
    if guards is None or frame.dead:
        return
    subjects: Value = (None,)
    if effect.subject is not None:
        subjects = mapped[effect.subject] if effect.subject in mapped else stand_in(frame, effect.subject, mapped)
    hop = Hop(frame.site(e[1]), f"{callee.called} is called here", callee, inner)
    for subject in subjects:
        frame.possible.setdefault((Effect(effect.kind, effect.name, subject), guards | frozenset(frame.guards)), hop)
