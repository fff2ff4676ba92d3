"""Transaction blocks in two halves: one call enters them (by hand, or on a stack that is kept), another leaves them."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import beginning, begun_if, holding
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect, Summary, Transaction
from sessionlint.program.substitution import substitute, substitution
from sessionlint.program.values import TRANSACTION, UNKNOWN, Handle, Pending, Value, join


def mark_context(frame: Frame, handle: Any, flag: str = "context") -> None:
    """Notes that the event which made ``handle`` is used by a ``with`` (or returned)."""
    event = frame.begins.get(handle)
    if event is None or flag in event.flags:
        return
    if event.kind == "txn":
        for subject in event.subject:
            frame.learn(subject, "begun", False)
            holding.let_go(frame, subject)
    marked = event._replace(flags=event.flags | {flag})
    frame.begins[handle] = marked
    for index in range(len(frame.events) - 1, -1, -1):
        one = frame.events[index]
        if one is event:
            frame.events[index] = marked
        elif one.span == event.span and one.kind == event.kind and flag not in one.flags:
            # what is called has alternatives, each of which makes it there
            frame.events[index] = one._replace(flags=one.flags | {flag})


def unmark_context(frame: Frame, handle: Any) -> None:
    """What was entered by hand is used by no ``with``."""
    event = frame.begins[handle]
    for index, one in enumerate(frame.events):
        if one.span == event.span and one.kind == event.kind and "context" in one.flags:
            plain = one._replace(flags=one.flags - {"context"})
            frame.events[index] = plain
            if one is event:
                frame.begins[handle] = plain


def enter(frame: Frame, subject: Any, e: ir.Expr) -> None:
    """From here on a transaction is open that no ``with`` block of this function ends."""
    how = f"{ir.text_of(e[2])}() begins a transaction"
    frame.effect(Effect("txn", beginning.how(frame, subject), subject), e[1], how)
    frame.learn(subject, "begun")
    frame.learn(subject, "ended", False)
    holding.hold(frame, subject, e)


def enter_all(frame: Frame, transactions: list[Transaction], e: ir.Expr) -> None:
    """The same for all that were opened, but savepoints."""
    for transaction in transactions:
        for subject in () if transaction.savepoint else transaction.subjects:
            enter(frame, subject, e)


def leave(frame: Frame, subject: Any, e: ir.Expr) -> None:
    """The other half: it commits what it finds, or rolls it back when it is told of an error."""
    frame.effect(Effect("txn", "commit", subject), e[1], f"{ir.text_of(e[2])}() ends the transaction")
    frame.tx[:] = [t for t in frame.tx if t.savepoint or subject not in t.subjects]
    ended(frame, subject)


def ended(frame: Frame, subject: Any) -> None:
    """What is known of a session or connection when its transaction has ended."""
    for fact in ("used", "begun", "written"):
        frame.learn(subject, fact, False)
    holding.let_go(frame, subject)
    frame.learn(subject, "ended")
    beginning.answer(frame, subject)


def kept(transactions: list[Transaction]) -> Value:
    """What stands on a stack for these transactions, the one entered last first, as it is left."""
    opened = [(subject, t) for t in transactions[::-1] for subject in t.subjects]
    return tuple([Handle(TRANSACTION, t.site, t.site, subject, savepoint=t.savepoint) for subject, t in opened])


def of_generator(frame: Frame, source: Pending, given: Value) -> Value:
    """The sessions whose transaction is open as long as a generator is at its ``yield``, by what it gave."""
    opened = frame.solver.summary_of(source.info).yield_transactions
    if not opened or begun_if.left(frame, source, frame.solver.summary_of(source.info)) is None:
        return UNKNOWN
    out: Value = UNKNOWN
    mapped = substitution(frame, source.info, source.bindings)
    for atom in [subject for t in opened if not t.savepoint for subject in t.subjects]:
        if isinstance(atom, Handle):
            out = join(out, tuple([a for a in given if _is_alike(a, atom)]))
        else:
            out = join(out, mapped.get(atom, UNKNOWN))
    return out


def entered_for_caller(frame: Frame, source: Pending, subject: Any, e: ir.Expr) -> None:
    """``return await self._cm.__aenter__()``: the block of the object is in this session's transaction."""
    function = frame.function
    if function.name in ("__aenter__", "__enter__") and function.class_info is not None and frame.is_own(subject):
        opened = Transaction((subject,), frame.site(e[1]), False, source.info)
        if opened not in frame.yield_transactions:
            frame.yield_transactions = (*frame.yield_transactions, opened)


def of_entering(summary: Summary, fresh: list[Any]) -> Value:
    """The sessions that entering an object gave, and whose transaction is open until it is left."""
    if not summary.yield_transactions or any(e.kind == "hold" for e in summary.effects):
        return UNKNOWN
    opened = [s for t in summary.yield_transactions for s in t.subjects]
    return tuple([a for a in fresh if any(True for s in opened if _is_alike(a, s))])


def opened_below(frame: Frame, source: Pending, span: ir.Span4) -> Value:
    """The sessions in whose transactions a generator is at its ``yield``, as the caller who enters it sees them."""
    mapped = substitution(frame, source.info, source.bindings)
    out: Value = UNKNOWN
    for transaction in frame.solver.summary_of(source.info).yield_transactions:
        for atom in transaction.subjects:
            known = substitute(frame, (atom,), mapped, source.info, span)
            out = join(out, known)
            if known and isinstance(atom, Handle):
                frame.opened_below[atom] = known[0]
    return out


def _is_alike(atom: Any, handle: Handle) -> bool:
    return isinstance(atom, Handle) and (atom.kind, atom.root) == (handle.kind, handle.root)
