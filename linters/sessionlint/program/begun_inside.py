"""Generators that give an object, or a session, whose transaction was begun by hand: it is open at their ``yield``.

A unit of work may begin when it is entered. A generator that enters it for its callers enters the transaction, too.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import YES, Frame
from sessionlint.program.holding import HOLDS
from sessionlint.program.model import Effect, FunctionInfo
from sessionlint.program.values import SESSION, Handle, Value, contained


def at_yield(frame: Frame) -> Value:
    """The sessions of the generator's own with such a transaction."""
    begun = [a for (a, fact), known in frame.facts.items() if fact == "begun" and known == YES]
    return tuple([a for a in begun if isinstance(a, Handle) and a.kind == SESSION and frame.is_local(a)])


def enter(frame: Frame, source: FunctionInfo, begun: Value, given: Value, item: ir.Expr) -> list[Handle]:
    """A ``with`` enters it: from here on their transactions are open, as this function knows them."""
    roots = {a.root for a in begun}
    site = frame.site(item[1])
    opened = [a for a in held_in(given) if isinstance(a, Handle) and a.root in roots and a.site == site]
    for handle in dict.fromkeys(opened):
        frame.learn(handle, "begun")
        frame.learn(handle, "ended", False)
        frame.learn(handle, HOLDS)
        begin = Effect("txn", "begin", handle)
        frame.emit(
            "effect", item[1], callee=source, name="begin", text="txn", subject=(handle,), expr=item, effect=begin
        )
        frame.emit("hold", item[1], ("context",), callee=source, name=HOLDS, subject=(handle,), expr=item)
    return opened


def held_in(given: Value) -> list[Any]:
    """What a value is, what its objects were made with, and what they have opened for themselves."""
    found = contained(given)
    return found + [a for o in found if o.tag == "inst" for k, held in o.bindings if k.tag == "handle" for a in held]
