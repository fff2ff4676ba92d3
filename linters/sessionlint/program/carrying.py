"""What a callee does becomes what its caller does: effects with the arguments put in, states of handles."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    ambient,
    beginning,
    checked_lists,
    decorated,
    decorator_flags,
    handles,
    holding,
    inactive,
    left_around,
    left_open,
    listed,
    merging,
    of_callers,
    overriding,
    registries,
    row_changes,
    sameness,
    sending,
    sometimes,
    stepping,
    unsaved,
    wrapping,
)
from sessionlint.program.arguments import bind
from sessionlint.program.conditions import left_of
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import Effect, FunctionInfo, Hop, Summary
from sessionlint.program.substitution import stand_in, substitution
from sessionlint.program.values import (
    UNKNOWN,
    Fn,
    Inst,
    Value,
    join,
)

#: What is no work, and no session: that it goes to the background says nothing to those above.
_SAYS_NOTHING = frozenset({"cls", "const", "ext", "inst", "map", "mod", "obj", "text"})
#: Effects that are told to the rules at the call, with the substituted subject.
_TOLD = ("txn", "network", "use", "change", "hold", "schedule", "escape", unsaved.LEFT)
_ENDS = ("commit", "rollback")
_ENDS_OR_BEGINS = frozenset({"commit", "rollback", "begin"})
#: What a decorator begins, and ends when what it is put around is done.
_OF_BLOCKS = frozenset({"begin", beginning.IF_NONE})
#: Names of effects that say whether what is written is committed.
_SAVES_OR_WRITES = frozenset({"commit", "write", "unsaved"})


def carry_all(frame: Frame, function: FunctionInfo, summary: Summary, mapped: dict[Any, Value], e: ir.Expr) -> None:
    """All that a callee does, as far as this call's arguments leave it, and the states in which it leaves handles."""
    asked = overriding.of_receiver(frame, function, mapped, e) if summary.guards or summary.possible else mapped
    for effect in list(summary.effects):
        if frame.step and summary.late and stepping.comes_later(frame, summary, effect):
            continue
        carry(frame, function, summary, effect, mapped, asked, e)
    for key, guards in overriding.settled(frame, function, summary, mapped, asked, e) if summary.possible else ():
        happens(frame, function, key[0], key, mapped, e, guards)
    _leave(frame, function, summary, mapped, e)


def _comes_late(left: tuple[Any, str]) -> bool:
    return left[1] != holding.QUERIED


def _leave(frame: Frame, function: FunctionInfo, summary: Summary, mapped: dict[Any, Value], e: ir.Expr) -> None:
    """The states in which a callee leaves handles."""
    # what it has asked came before the changes that it leaves
    for atom, fact in sorted(summary.leaves, key=_comes_late) if len(summary.leaves) > 1 else summary.leaves:
        if fact == listed.LISTED:
            listed.checked_by(frame, function, atom, mapped, e)
            continue
        if fact == checked_lists.EACH:
            checked_lists.checked_by(frame, function, atom, mapped, e)
            continue
        if holding.opened_inside(function, atom, mapped.get(atom, ())):
            continue
        for subject in mapped[atom] if atom in mapped else stand_in(frame, atom, mapped):
            if fact in sameness.OPEN and sameness.ended_as_another(summary, atom, subject, mapped):
                continue
            if fact == holding.QUERIED:
                holding.asked(frame, subject, e)
            elif fact == beginning.ASKED:
                beginning.asked_below(frame, subject)
            elif fact == holding.SOMETIMES:
                sometimes.by_callee(frame, subject, summary.leaves, atom, e)
            elif fact == "ended" and any(Effect("txn", end, atom) in summary.effects for end in _ENDS):
                # not merely a savepoint of its own
                frame.learn(subject, fact)
            elif not sometimes.is_told(fact):
                handles.apply_state(frame, subject, fact)


def carry(
    frame: Frame, function: FunctionInfo, summary: Summary, effect: Effect, mapped: Any, asked: Any, e: ir.Expr,
    inner: Effect | None = None, around: bool = False,
) -> None:  # fmt: skip
    """One effect of a callee becomes one of the caller, unless the arguments ``asked`` say that it does not happen.

    ``inner``: what the callee's summary knows it by, where that is something else; ``around``: a decorator does it.
    """
    inner = inner or effect
    conditions = (summary.around if around else summary.guards).get(inner, frozenset())
    guards = left_of(conditions, asked, frame.solver)
    if guards is None:
        return
    if conditions and frame.function.class_info is not None:
        guards |= overriding.of_passed_methods(frame, conditions, asked)
    if effect.kind == sending.SEND:
        sending.carry(frame, function, effect, mapped, e, guards)
    elif guards and overriding.is_left_to_callers(frame, effect, guards):
        overriding.note(frame, function, effect, inner, mapped, guards, e)
    else:
        happens(frame, function, effect, inner, mapped, e, guards)


def happens(
    frame: Frame, function: FunctionInfo, effect: Effect, inner: Any, mapped: Any, e: ir.Expr, guards: frozenset[Any]
) -> None:
    """An effect of a callee happens in this call; ``inner`` is what the callee's summary knows it by."""
    note = f"{function.called} is called here"
    flags: tuple[str, ...] = ()
    if effect.subject is None:
        subjects: Value = UNKNOWN
        _without_subject(frame, function, effect, inner, note, e, guards)
    else:
        if effect.subject in mapped:
            subjects = mapped[effect.subject]
        elif _is_anothers(frame, function, effect.subject, mapped):
            return
        else:
            subjects = stand_in(frame, effect.subject, mapped)
        if subjects and (effect.kind == "hold" or (effect.kind == "txn" and effect.name in beginning.BEGINS)):
            subjects = inactive.working(frame, subjects)
            if not subjects:
                return
        if effect.name == beginning.IF_NONE:
            subjects = beginning.where_none(frame, subjects or ())
            if not subjects:
                return
        if effect.kind == holding.AWAITS:
            subjects = holding.awaited(frame, function, effect, subjects or (), e)
        if effect.kind == "schedule":
            subjects = registries.registered(frame, subjects)
        if effect.name == merging.ATTACHED:
            rows = join(subjects, merging.receiver(frame, function, effect.subject, e))
            merging.attached(frame, rows, e[1], Hop(frame.site(e[1]), note, function, inner), guards)
            return
        if effect.name == "argument":
            added = merging.is_attached(function, effect.subject)
            # ``order.cancel()`` of a parameter that only its class tells of: callers know whether it is a row
            subjects = join(subjects or UNKNOWN, merging.receiver(frame, function, effect.subject, e))
            hop = Hop(frame.site(e[1]), note, function, inner)
            subjects = _changed(frame, subjects or (), e[1], hop, guards, added)
            if not subjects:
                return
            flags = (merging.ADDED,) if added else ()
        else:
            if effect.kind == "change":
                subjects = row_changes.writing(frame, subjects or ())
                if not subjects:
                    return
            begins = effect[:2] == ("txn", "begin") and not guards
            if begins and any(beginning.is_in_use(frame, s) for s in subjects or ()):
                flags = ("autobegun",)
            if effect.name in _ENDS_OR_BEGINS and any(frame.know(s, "begun") == 1 for s in subjects or ()):
                flags = (*flags, "begun")
            if effect.kind == "hold":
                flags = holding.note_asked(frame, subjects or (), (*guards, *frame.guards))
            for subject in subjects or ():
                if effect.kind != unsaved.LEFT and (effect.kind != "schedule" or _is_known_above(frame, subject)):
                    outer = Effect(effect.kind, effect.name, subject)
                    frame.effect(outer, e[1], note, function, inner, guards)
                handles.apply_effect(frame, subject, effect)
                if effect.name in _SAVES_OR_WRITES:
                    hop = Hop(frame.site(e[1]), note, function, inner)
                    unsaved.by_callee(frame, subject, effect, hop, guards, e)
                if not guards and holding.is_left(function, effect, mapped, frame.solver.mro):
                    handles.apply_state(frame, subject, effect.name)
    if effect.kind in _TOLD:
        held = holding.held(frame, guards) if effect.kind == "network" else ()
        frame.emit(
            "effect", e[1], flags, callee=function, name=effect.name, text=effect.kind,
            subject=subjects or UNKNOWN, args=held, effect=effect, expr=e,
        )  # fmt: skip


def _without_subject(
    frame: Frame, function: FunctionInfo, effect: Effect, inner: Any, note: str, e: ir.Expr, guards: frozenset[Any]
) -> None:
    """What a callee does to no session in particular: it makes one, waits, starts something."""
    if effect == left_open.OPENS:
        left_open.after_call(frame, function, inner is effect)
    frame.effect(effect, e[1], note, function, inner, guards)
    if effect.kind == "network":
        holding.waits_after(frame, effect.name, e[1], note, function, inner, guards)


def _is_anothers(frame: Frame, function: FunctionInfo, subject: Any, mapped: Any) -> bool:
    """Whether what a callee does it does to what other callers gave it."""
    if decorated.is_anothers(frame, function, subject, mapped.values()):
        return True
    return bool(subject.tag == "handle" and of_callers.is_anothers(frame, function, subject, mapped))


def _is_known_above(frame: Frame, subject: Any) -> bool:
    """Whether what goes to the background says anything above here: what callers pass or share, and work itself."""
    return subject.tag not in _SAYS_NOTHING or frame.solver.kind_of(subject) is not None


def _changed(frame: Frame, given: Value, span: ir.Span4, hop: Hop, guards: frozenset[Any], added: bool) -> Value:
    """A callee assigns attributes of an argument: the sessions whose rows change when it is one of them.

    Not theirs to write is what it has ``added`` to a session.
    """
    sessions = row_changes.changing(frame, given) if given else UNKNOWN
    if not guards:
        holding.changed(frame, sessions)
    outers = [Effect("change", "row", session) for session in sessions if not added]
    outers += [Effect("change", "argument", atom) for atom in given if atom.tag == "param"]
    for outer in outers:
        frame.effect(outer, span, hop.note, hop.callee, hop.inner, guards)
    return sessions


def used_now(frame: Frame) -> frozenset[Any]:
    """The sessions with which statements have opened transactions."""
    return frozenset([atom for (atom, fact), known in frame.facts.items() if fact == "used" and known == 1])


def around(
    frame: Frame, function: FunctionInfo, wrapper: FunctionInfo, bindings: dict[Any, Value], e: ir.Expr,
    before: frozenset[Any],
) -> None:  # fmt: skip
    """What a decorator's inner function does around the call; what it calls is this function, not its other ones.

    ``before``: the sessions that were in use when it was called.
    """
    args: list[Value] = []
    keywords: list[tuple[str, Value]] = []
    for name, kind, _, _, _ in function.params:
        value = bindings.get(identity(function, name), UNKNOWN)
        if kind in (ir.KIND_POSONLY, ir.KIND_NORMAL):
            args.append(value)
        elif kind == ir.KIND_KWONLY:
            keywords.append((name, value))
    owner = wrapper.class_info if wrapper.parent is None else None
    given = bind(frame, wrapper, Fn(wrapper, Inst(owner) if owner is not None else None), args, keywords)
    # what it takes out of its starred arguments is what the function itself is passed, or what its object was made with
    mapped = substitution(frame, function, tuple(bindings.items()))
    mapped.update(substitution(frame, wrapper, tuple(given.items())))
    decorator_flags.put_in(frame, function, mapped)
    if wrapper.summary.ambient:
        ambient.carry(frame, function, wrapper.summary, mapped)
    frame.used_before = before
    ended: list[Any] = []
    for effect, inner in wrapping.around_one(frame, function, wrapper, mapped).items():
        told = mapped if effect is inner else bindings
        carry(frame, wrapper, wrapper.summary, effect, told, mapped, e, inner, True)
        if (
            effect.kind == "txn"
            and effect.name in _OF_BLOCKS
            and wrapping.ends_block(frame, wrapper.summary, inner, mapped)
        ):
            begun = told[effect.subject] if effect.subject in told else stand_in(frame, effect.subject, told)
            ended.extend(begun if effect.name == "begin" else beginning.where_none(frame, begun))
    frame.used_before = None
    for subject in ended:
        handles.left_block(frame, subject)
    left = left_around.of_one(frame, function, wrapper)
    if left is not None:
        _leave(frame, function, left, mapped, e)
