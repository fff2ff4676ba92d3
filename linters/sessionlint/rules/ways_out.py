"""Writes after which a function is left before anything commits them, although it commits on another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts.blocks import blocks_of
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.model import Event

#: Events of a session: a ``raise`` behind one of them may be there to undo it (``flush()``, then ``raise DryRun``).
_TOUCHES = frozenset({"use", "txn", "effect", "hold", "change"})
_AGAIN = ("L", "W")


class Step(NamedTuple):
    """A statement on the way to a place: the block it stands in, its number there, and the statement around that."""

    block: tuple[ir.Stmt, ...]
    number: int
    owner: Any


def left_before(write: Event, session: Any, commits: list[Event]) -> bool:
    """Whether every way from a write leaves the function before one of these commits, by mistake; doubt means no.

    A ``raise`` further down undoes what was written on purpose. Right behind the write, in the branch that is there to
    write it, it loses what was to be kept: the failed attempt, the reason of a refusal.
    """
    function = write.function
    ends = [c.span for c in commits]
    if function.is_generator or "change" in (write.kind, write.text) or any(is_within(write.span, e) for e in ends):
        return False
    steps = steps_to(function.body, write.span)
    told = [e for e in function.events if session in e.subject]
    if steps and _stand_in(ends, steps[-1].block[steps[-1].number]):
        return False
    stops = ends + [e.span for e in told if e.name in ("rollback", "begin")]
    for step in reversed(steps):
        touched = False
        for statement in step.block[step.number + 1 :]:
            if statement[0] == "R":
                return not _stand_in(stops, statement) and _gets_out(steps, ends)
            if statement[0] == "!":
                return step is steps[-1] and step.owner is not None and not touched and _gets_out(steps, ends, True)
            if statement[0] == "J" or _stand_in(stops, statement):
                return False
            touched = touched or _stand_in([e.span for e in told if e.kind in _TOUCHES], statement)
        if any(_stand_in(stops, statement) for statement in _ahead(step)):
            return False
    return bool(steps)


def _ahead(step: Step) -> tuple[ir.Stmt, ...]:
    """What may run when the block of a step has come to its end, of the statement around it."""
    owner = step.owner
    if owner is None or owner[0] not in ("T", *_AGAIN):
        return ()
    if owner[0] != "T":
        return (owner,)
    clauses = tuple(s for clause in owner[3] for s in clause[3])
    return (*clauses, *owner[4], *owner[5]) if step.block is owner[2] else tuple(owner[5])


def _gets_out(steps: list[Step], ends: list[ir.Span4], raised: bool = False) -> bool:
    """Whether a ``return`` or ``raise`` behind the last of the steps comes to no commit on its way out."""
    for step in steps:
        owner = step.owner
        if owner is None:
            continue
        if owner[0] == "T":
            clauses = [c[3] for c in owner[3] if c[3] is not step.block]
            if any(_stand_in(ends, s) for block in (*clauses, owner[5]) for s in block):
                return False
        stays = raised and (owner[0] == "w/" or (owner[0] == "T" and step.block is owner[2]))
        # what catches the error may go on
        if stays and any(end[:2] >= owner[1][2:] for end in ends):
            return False
        if raised and owner[0] in _AGAIN and _stand_in(ends, owner):
            return False
    return True


def _stand_in(spans: list[ir.Span4], statement: ir.Stmt) -> bool:
    return any(is_within(span, statement[1]) for span in spans)


def steps_to(body: tuple[ir.Stmt, ...], place: ir.Span4) -> list[Step]:
    """The statements around a place, the outermost first; nothing where the last one is no simple statement."""
    steps: list[Step] = []
    blocks: list[tuple[ir.Stmt, ...]] = [body]
    owner: Any = None
    while blocks:
        found = [Step(b, i, owner) for b in blocks for i, s in enumerate(b) if is_within(place, s[1])]
        if not found:
            break
        steps.append(found[0])
        owner = found[0].block[found[0].number]
        blocks = blocks_of(owner)
    return [] if blocks else steps
