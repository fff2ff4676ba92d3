"""Which block ends a transaction in place of a call: a session's, or that of a connection there is no session for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.contexts import stays_open
from sessionlint.program.values import CONNECTION, DRIVER, Handle

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

OF_SESSION = "async with session.begin():"
_OF_CONNECTION = "async with connection.begin():"
_OF_DRIVER = "with connection:"
#: Transactions of asyncpg and psycopg 3, nested ones included.
_TRANSACTION = "async with connection.transaction():"
_WITH_TRANSACTIONS = ("asyncpg.", "psycopg.", "psycopg_pool.")


def is_of_driver(program: Program, event: Event) -> bool:
    """Whether the event is about connections of a driver and nothing else."""
    return _kinds(program, event) == {DRIVER}


def owning_block(program: Program, event: Event) -> str:
    """The line that begins the block, in asynchronous spelling.

    Not every driver's connection can be entered for its transaction (many are closed by that, and commit nothing); for
    those it is the block of a session.
    """
    kinds = _kinds(program, event)
    if kinds == {CONNECTION}:
        return _OF_CONNECTION
    seen = [atom for each in event.subject for atom in _seen(program, each)]
    if kinds == {DRIVER} and seen and all(stays_open(program.solver, atom) for atom in seen):
        return _OF_DRIVER
    if kinds == {DRIVER} and seen and all(_drivers(program, atom) for atom in seen):
        return _TRANSACTION
    return OF_SESSION


def _drivers(program: Program, atom: Any) -> bool:
    """Whether an atom is a connection of a driver whose connections make transactions to be entered."""
    made = program.solver.read(("driver", atom.root)) if isinstance(atom, Handle) else (atom,)
    return any(a.tag == "ext" and a.name.startswith(_WITH_TRANSACTIONS) for a in made)


def _kinds(program: Program, event: Event) -> set[str]:
    return {kind for kind in map(program.kind, event.subject) if kind is not None}


def _seen(program: Program, atom: Any) -> tuple[Any, ...]:
    return tuple(program.solver.views(atom)) if atom.tag in ("param", "injected") else (atom,)
