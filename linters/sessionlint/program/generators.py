"""Generators that are taken from by hand: ``anext(source)`` gives what it yields, and once more runs it to its end."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import handles, keeping
from sessionlint.program.frame import YES, Frame
from sessionlint.program.model import Effect, Hop
from sessionlint.program.substitution import substitution
from sessionlint.program.values import UNKNOWN, Handle, Pending, Value, join

#: What makes a generator go on to its next ``yield``.
STEPS = frozenset({"__anext__", "__next__", "asend", "send"})
#: The fact that a generator has given something on the current path.
_TAKEN = "taken"
#: In the places of a generator's ``yield``s: there may be more elements than places.
SEVERAL: ir.Span4 = (0, 0, 0, 0)


def made(frame: Frame, source: Pending) -> None:
    """A generator is made where one was before, in the round of a loop before: this one has given nothing yet."""
    if frame.taken:
        frame.learn(source, _TAKEN, False)


def step(frame: Frame, source: Pending, name: str, e: ir.Expr, default: Value = UNKNOWN) -> Value:
    """The next element; where there is none any more, the generator goes on to its end."""
    if source.kind != "gen":
        return frame.machine.run_pending(frame, source, e[1], e)
    if frame.know(source, _TAKEN) == YES and frame.solver.summary_of(source.info).yields_once:
        end(frame, source, name, e)
        resume(frame, source, e[1])
        return default
    frame.learn(source, _TAKEN)
    given = frame.machine.run_pending(frame, source, e[1], e)
    fresh = tuple([a for a in given if a in frame.begins])
    frame.taken[source] = join(frame.taken.get(source, UNKNOWN), fresh)
    return given


def end(frame: Frame, source: Pending, name: str, e: ir.Expr) -> None:
    """A generator or context manager is ended by hand: the handles it gave out are closed."""
    summary = frame.solver.summary_of(source.info)
    handed = [a for a in summary.yields if isinstance(a, Handle)]
    roots = {(a.kind, a.root) for a in handed}
    for given in (frame.taken.get(source, UNKNOWN), frame.begins):
        known = [h for h in given if isinstance(h, Handle) and (h.kind, h.root) in roots]
        if known:
            break
    for handle in known or keeping.of_roots(frame, roots) or handed:
        handles.close(frame, handle, name, e)


def note_yield(frame: Frame, span: ir.Span4, once: bool = True) -> None:
    """A generator gives something: notes whether taking from it a second time may give something, too."""
    frame.yields_at.add(span if once and "loop" not in frame.flags else SEVERAL)


def yields_once(frame: Frame) -> bool:
    """Whether a generator gives one thing at most: it has a single ``yield``, outside of loops."""
    return len(frame.yields_at) == 1 and SEVERAL not in frame.yields_at


def resume(frame: Frame, pending: Any, span: ir.Span4) -> None:
    """A generator goes on after its ``yield``: what it commits then comes after a ``yield`` made meanwhile."""
    if not frame.yielded:
        return
    mapped = substitution(frame, pending.info, pending.bindings)
    for subject, _ in frame.solver.summary_of(pending.info).commits_after_yield:
        note = f"{pending.info.name}() goes on here and commits"
        inner = Hop(frame.site(span), note, pending.info, Effect("txn", "commit", subject))
        for outer in mapped.get(subject) or (subject,):
            if all(h != inner for _, _, h in frame.after_yield):
                frame.after_yield.append(("commit", outer, inner))
