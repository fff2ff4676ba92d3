"""Generators that are taken from by hand: ``anext(source)`` gives what it yields, and once more runs it to its end."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import carrying, halves, handles, holding, keeping, stepping
from sessionlint.program.conditions import left_of
from sessionlint.program.frame import MAYBE, YES, Frame
from sessionlint.program.model import Effect, Hop
from sessionlint.program.substitution import substitution
from sessionlint.program.values import UNKNOWN, Handle, Pending, Value, contained, join

#: What makes a generator go on to its next ``yield``.
STEPS = frozenset({"__anext__", "__next__", "asend", "send"})
#: The fact that a generator has given something on the current path, as :mod:`~.stepping` counts it.
_TAKEN = "taken"
#: In the places of a generator's ``yield``s: there may be more elements than places.
SEVERAL: ir.Span4 = (0, 0, 0, 0)


def made(frame: Frame, source: Pending) -> None:
    """A generator is made where one was before, in the round of a loop before: this one has given nothing yet."""
    if frame.taken:
        stepping.forget(frame, source)


def step(frame: Frame, source: Pending, name: str, e: ir.Expr, default: Value = UNKNOWN) -> Value:
    """The next element; where there is none any more, the generator goes on to its end."""
    if source.kind != "gen":
        return frame.machine.run_pending(frame, source, e[1], e)
    if _is_second(frame, source) and frame.solver.summary_of(source.info).yields_once:
        end(frame, source, name, e)
        resume(frame, source, e[1])
        goes_on(frame, source, e)
        return default
    frame.step = stepping.begin(frame, source)
    given = frame.machine.run_pending(frame, source, e[1], e)
    frame.step = 0
    fresh = tuple([a for a in given if a in frame.begins])
    frame.taken[source] = join(frame.taken.get(source, UNKNOWN), fresh)
    return given


def _is_second(frame: Frame, source: Pending) -> bool:
    """Whether a step comes behind another one; if on some paths only, it is one whose result nobody takes."""
    known = frame.know(source, _TAKEN)
    return known == YES or (known == MAYBE and "statement" in frame.flags)


def is_thrown_into(frame: Frame, source: Pending, name: str) -> bool:
    """Whether ``steps.throw(error)`` ends a generator: behind its one ``yield``."""
    return name in ("throw", "athrow") and source.kind == "gen" and frame.solver.summary_of(source.info).yields_once


def goes_on(frame: Frame, source: Pending, e: ir.Expr) -> None:
    """What a generator does behind its one ``yield`` happens when it is taken from for the second time."""
    summary = frame.solver.summary_of(source.info)
    if summary.late and stepping.is_counted(frame, source):
        mapped = substitution(frame, source.info, source.bindings)
        for effect in list(summary.late):
            carrying.carry(frame, source.info, summary, effect, mapped, mapped, e)


def handed(frame: Frame, loop: ir.Stmt, iterable: Value, declared: Value) -> Value:
    """What ``for session in sessions: return Rows(session)`` takes out of a generator that it is handed, and leaves.

    The session that a caller's generator gives, in the place of what only an annotation says of its elements.
    """
    if len(iterable) != 1 or iterable[0].tag != "param" or loop[3][0] != "n" or not is_left_at_once(loop[4]):
        return declared
    param = iterable[0]
    if param.info is not frame.function or any(a.tag != "ext" for a in declared):
        return declared
    sources = [v for v in frame.solver.arguments_of(param) if isinstance(v, Pending) and v.kind == "gen"]
    if not sources or _mentions(frame.function.body, loop[3][2]) != 1:
        return declared
    site = frame.site(loop[3][1])
    out: dict[Any, None] = {}
    for source in sources:
        for atom in frame.solver.summary_of(source.info).yields:
            if isinstance(atom, Handle):
                out[atom._replace(site=site)] = None
                frame.source((atom.kind, atom.root), Hop(site, f"{source.info.called} hands it out", source.info))
    if not out:
        return declared
    frame.takes[param] = None
    return tuple(out)


def dropped(frame: Frame, loop: ir.Stmt, source: Pending) -> None:
    """A ``for`` over a generator that nothing else has is left, however: Python ends it there, and what it has open.

    An asynchronous one is ended some time later.
    """
    if loop[3][0] != "c" or source.info.is_async:
        return
    site = frame.site(loop[3][1])
    for handle in [h for h, fact in frame.facts if fact == "open" and h.tag == "handle" and h.site == site]:
        frame.learn(handle, "open", False)


def is_left_at_once(body: tuple[ir.Stmt, ...]) -> bool:
    """Whether a loop does not get to its second round."""
    last = body[-1] if body else None
    return last is not None and (last[0] == "R" or (last[0] == "J" and last[2] == "break"))


def _mentions(node: Any, name: str) -> int:
    if len(node) == 3 and node[0] == "n":
        return int(node[2] == name)
    return sum([_mentions(child, name) for child in node if type(child) is tuple and child])


def left_below(frame: Frame, takes: tuple[Any, ...], mapped: dict[Any, Value], result: Value, e: ir.Expr) -> None:
    """A callee gives back what it took out of a generator of this function, which is where it is left."""
    site = frame.site(e[1])
    held = {(a.kind, a.root) for a in contained(result) if isinstance(a, Handle) and a.site == site}
    for source in [a for param in takes for a in mapped.get(param, UNKNOWN) if isinstance(a, Pending)]:
        yielded = frame.solver.summary_of(source.info).yields
        if source.kind == "gen" and any(isinstance(a, Handle) and (a.kind, a.root) in held for a in yielded):
            step(frame, source, "anext", ("z", e[1], ()))


def end(frame: Frame, source: Pending, name: str, e: ir.Expr) -> None:
    """A generator or context manager is ended by hand: the handles it gave out are closed."""
    summary = frame.solver.summary_of(source.info)
    handed = [a for a in summary.yields if isinstance(a, Handle)]
    roots = {(a.kind, a.root) for a in handed}
    for given in (frame.taken.get(source, UNKNOWN), frame.begins):
        known = [h for h in given if isinstance(h, Handle) and (h.kind, h.root) in roots]
        if known:
            break
    ended = known or keeping.of_roots(frame, roots) or handed
    for subject in halves.of_generator(frame, source, tuple(ended)):
        halves.leave(frame, subject, e)
    for handle in ended:
        handles.close(frame, handle, name, e)


def note_yield(frame: Frame, span: ir.Span4, once: bool = True) -> None:
    """A generator gives something: notes whether taking from it a second time may give something, too."""
    frame.yields_at.add(span if once and "loop" not in frame.flags else SEVERAL)


def yields_once(frame: Frame) -> bool:
    """Whether a generator gives one thing at most: it has a single ``yield``, outside of loops."""
    return len(frame.yields_at) == 1 and SEVERAL not in frame.yields_at


def ends_given(frame: Frame, pending: Any) -> None:
    """``with committing(session):`` is left: what it was given, and commits then, has no transaction open."""
    for subject, given, _ in _committed(frame, pending):
        for session in given if subject.tag == "param" else ():
            for fact in ("used", "begun"):
                frame.learn(session, fact, False)
            holding.let_go(frame, session)


def _committed(frame: Frame, pending: Any) -> list[tuple[Any, Value, frozenset[Any]]]:
    """What a generator commits behind its ``yield``, what it was given for that, and what has to hold for it still.

    Left out is what the arguments say it does not commit: ``opened(commit=False)``.
    """
    summary = frame.solver.summary_of(pending.info)
    if not summary.commits_after_yield:
        return []
    mapped = substitution(frame, pending.info, pending.bindings)
    found: list[tuple[Any, Value, frozenset[Any]]] = []
    for subject, hop in summary.commits_after_yield:
        guards = summary.late_guards.get(hop)
        left = left_of(guards, mapped, frame.solver) if guards else frozenset()
        if left is not None:
            found.append((subject, mapped.get(subject, ()), left))
    return found


def resume(frame: Frame, pending: Any, span: ir.Span4) -> None:
    """A generator goes on after its ``yield``: what it commits then comes after a ``yield`` made meanwhile."""
    if not frame.yielded:
        return
    for subject, given, guards in _committed(frame, pending):
        note = f"{pending.info.name}() goes on here and commits"
        inner = Hop(frame.site(span), note, pending.info, Effect("txn", "commit", subject))
        for outer in given or (subject,):
            if inner in frame.late_guards or all(h != inner for _, _, h in frame.after_yield):
                frame.after("commit", outer, inner, guards | frozenset(frame.guards))
