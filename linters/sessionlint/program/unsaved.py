"""Writes that no commit of the same function can follow: on another branch it may well commit.

Only where a function both writes and commits on what it was passed is this more than those two effects tell. Doubt
(``if changed: session.add(row)``, then ``if changed: session.commit()``) counts as saved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program import sameness
from sessionlint.program.model import Effect, Hop

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

#: The effect of a call that may end with a write which nothing in it commits, although something in it commits.
LEFT = "left"
_UNSAVED = "unsaved"
_WITHOUT_WRAPPER = ("staticmethod", "classmethod")


class Write(NamedTuple):
    """One write on a session that belongs to callers; ``inner`` is the effect of the callee that it comes from."""

    subject: Any
    span: Any
    inner: Any
    tag: str = "write"


def written(frame: Frame, subject: Any, hop: Hop, guards: frozenset[Any] = frozenset()) -> None:
    """Rows are written here outside of every block that would commit them."""
    if frame.dead or frame.in_block(subject) or (subject.tag == "handle" and frame.is_own(subject)):
        return
    write = Write(subject, hop.site[1], hop.inner)
    frame.writes[write] = (hop, guards | frozenset(frame.guards))
    frame.learn(write, _UNSAVED)


def by_callee(
    frame: Frame, subject: Any, effect: Effect, hop: Hop, guards: frozenset[Any], call: tuple[Any, ...]
) -> None:
    """What a callee does to a session of the caller: it writes, commits, or leaves a write that it did not commit."""
    span = hop.site[1]
    if effect.name == "commit":
        # what leaves a block saves what was written in it, by a ``return`` out of it too
        saved(frame, subject, call[0] == "z")
        resumes = hop.callee is not None and bool(hop.callee.summary.commits_after_yield)
        frame.commits[subject] = None if resumes else span
    elif effect.kind == LEFT or frame.commits.get(subject, ()) not in (span, None):
        # what a callee writes that commits, too, is left only when it says so
        written(frame, subject, hop, guards)


def saved(frame: Frame, subject: Any, leaving: bool = False) -> None:
    """The transaction is committed: no write on a path to here stays unsaved, whatever other paths do."""
    leaving = leaving or "finally" in frame.flags
    received = sameness.comes_from_outside(subject)
    for write in frame.writes:
        same = write.subject == subject or (received and sameness.may_be(frame, subject, write.subject))
        if same and (leaving or frame.know(write, _UNSAVED)):
            frame.writes_saved.add(write)
            frame.learn(write, _UNSAVED, False)


def undone(frame: Frame, subject: Any) -> None:
    """The transaction is rolled back here."""
    for write in frame.writes:
        if write.subject == subject:
            frame.learn(write, _UNSAVED, False)


def note(frame: Frame) -> None:
    """A caller goes on from here."""
    frame.writes_left.update(w for w in frame.writes if frame.know(w, _UNSAVED))


def left(frame: Frame, exported: dict[Effect, object]) -> Iterator[tuple[Effect, Hop, frozenset[Any]]]:
    """What callers must know of the writes that nothing here commits, although something here commits."""
    if any(d[0] != "n" or d[2] not in _WITHOUT_WRAPPER for d in frame.function.decorators):
        return  # what is around the function may commit
    for write, (hop, guards) in frame.writes.items():
        if write not in frame.writes_left or write in frame.writes_saved or write.subject in frame.elsewhere:
            continue
        if Effect("txn", "commit", write.subject) in exported:
            yield Effect(LEFT, _UNSAVED, write.subject), hop, guards


def is_left(event: Any, other: Any) -> bool:
    """Whether ``event`` tells that the callee which commits by ``other`` leaves a write unsaved all the same."""
    return bool(event.text == LEFT and other.span == event.span and other.callee is event.callee)
