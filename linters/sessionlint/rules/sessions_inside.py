"""Sessions in the objects that a generator gives (units of work, repositories): opened there, and closed at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.begun_inside import held_in
from sessionlint.program.model import Transaction
from sessionlint.program.values import SESSION, Handle

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo


def opened_for(function: FunctionInfo) -> tuple[Handle, ...]:
    """Those that the generator opens, by itself or by entering the object."""
    if not function.is_generator:
        return ()
    known = function.summary.sources
    held = dict.fromkeys(held_in(tuple([a for a in function.summary.yields if a.tag != "handle"])))
    return tuple([a for a in held if is_session(a) and (a.kind, a.root) in known])


def is_session(atom: Any) -> bool:
    """Whether an atom is a session that some code in sight makes anew."""
    return isinstance(atom, Handle) and atom.kind == SESSION and not atom.registry


def is_opened_by(function: FunctionInfo, session: Handle) -> bool:
    """Whether a session, as its class or who is given the object knows it, is one that the generator opens."""
    return any(a.root == session.root for a in opened_for(function))


def begun_for(function: FunctionInfo) -> tuple[Handle, ...]:
    """Those whose transaction is begun by hand and open at the ``yield``, as their class knows them."""
    return tuple([a._replace(site=a.root) for a in function.summary.begun_at_yield])


def held_at_yield(function: FunctionInfo) -> list[Transaction]:
    """The transactions that a generator has open at its ``yield``, by a block or by hand."""
    held = [t for t in function.summary.yield_transactions if not t.savepoint]
    for session in begun_for(function):
        hop = function.summary.sources.get((session.kind, session.root))
        held.append(Transaction((session,), hop.site if hop is not None else function.site, False, function))
    return held
