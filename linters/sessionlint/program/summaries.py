"""What callers need to know of a function."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from sessionlint.program.events import Effect, Hop, Kept, Transaction
from sessionlint.program.values import Site, Value


@dataclass(slots=True)
class Summary:
    """What callers need to know of a function."""

    returns: Value = ()
    yields: Value = ()
    effects: dict[Effect, Hop] = field(default_factory=dict)
    sources: dict[Any, Hop] = field(default_factory=dict)
    yield_transactions: tuple[Transaction, ...] = ()
    #: the conditions on parameters under which alone it is, see :mod:`sessionlint.program.begun_if`
    yield_guards: frozenset[Any] = frozenset()
    #: sessions of its own with a transaction at its ``yield`` that no block is around, see :mod:`~.begun_inside`
    begun_at_yield: Value = ()
    commits_after_yield: tuple[tuple[Any, Hop], ...] = ()
    #: the conditions on parameters under which alone it does so at one of these places
    late_guards: dict[Hop, frozenset[Any]] = field(default_factory=dict)
    closes_after_yield: Value = ()
    #: sessions of others whose transactions a generator ends behind its ``yield``, see :mod:`~.ended_generators`
    ends_at_last: Value = ()
    #: origins of the sessions that a generator gives and has closed when it comes to its end
    closed_at_last: frozenset[Site] = frozenset()
    always_raises: bool = False
    #: (handle, "used" | "begun" | "closed" | "ended") that hold on every path when a caller goes on
    leaves: frozenset[tuple[Any, str]] = frozenset()
    #: conditions on parameters under which alone an effect happens
    guards: dict[Effect, frozenset[Any]] = field(default_factory=dict)
    #: effects of methods that classes below have in the place of those called here, and whose objects have them
    possible: dict[tuple[Effect, frozenset[Any]], Hop] = field(default_factory=dict)
    #: coroutines of functions it is handed, among what it returns, with the condition on its parameter
    handed_back: dict[Any, Any] = field(default_factory=dict)
    #: the call of a function that does nothing but call its parameter, see :mod:`sessionlint.program.forwarding`
    forwards: Any = None
    #: the statements of a method that is gone through for each object, see :mod:`sessionlint.program.configured`
    answers: Any = None
    #: those of one that puts an engine together, see :mod:`sessionlint.program.made_for`
    makes: Any = None
    #: what it puts into registries under keys that its callers name, see :mod:`sessionlint.program.by_key`
    keeps: tuple[Kept, ...] = ()
    #: the parameters by which it draws out of one (with whether by their class), and its statements
    draws: Any = None
    #: the parameters whose literals decide what it gives, and its statements, see :mod:`~.by_constant`
    decides: Any = None
    #: the statements of a decorator's inner function that ends or flushes transactions, see :mod:`~.left_around`
    surrounds: Any = None
    #: origins of handles that are closed when a caller gets them: a ``with`` around every ``return`` ends them
    hands_out_closed: frozenset[Site] = frozenset()
    #: origins of sessions of its own that have run a statement when a caller gets them: their transaction is open
    hands_out_used: frozenset[Site] = frozenset()
    #: a session of its own is open at its ``yield``, or when it has returned
    holds_open: bool = False
    #: sessions that it, or what it calls, reads out of context variables, see :mod:`sessionlint.program.ambient`
    ambient: tuple[Any, ...] = ()
    #: those that what a decorator is put around reads, and that the decorator has opened itself
    at_hand: tuple[Any, ...] = ()
    #: parameters that are asked which session they belong to, see :mod:`sessionlint.program.asking_rows`
    asks_rows: tuple[str, ...] = ()
    #: a generator with one thing to give: taking from it again runs it to its end
    yields_once: bool = False
    #: parameters, generators of its callers, out of which it takes one thing to give it back
    takes: tuple[Any, ...] = ()
    #: what an inner function does around what it calls, with the conditions of that, see :mod:`~.put_around`
    around: dict[Effect, frozenset[Any]] = field(default_factory=dict)
    #: it tells by its class what is a database handle, see :mod:`sessionlint.program.wrapping`
    finds: bool = False
    #: parameters of the constructors above that this one settles, see :mod:`sessionlint.program.bases_given`
    not_given: tuple[tuple[Any, Value], ...] = ()
    #: attributes of its arguments that it assigns, see :mod:`sessionlint.program.giving`
    gives: tuple[Any, ...] = ()
    #: routers that it includes where its caller says which, or how, see :mod:`sessionlint.program.including`
    includes: tuple[Any, ...] = ()
    #: effects of a generator that come behind so many of its ``yield``s, see :mod:`sessionlint.program.stepping`
    late: dict[Effect, int] = field(default_factory=dict)
    _key: tuple[Any, ...] | None = None

    def hop(self, inner: Any) -> Hop | None:
        """Where an effect, or one that happens for objects of some classes only, comes from."""
        if not isinstance(inner, Effect):
            return self.possible.get(inner)
        known = self.effects.get(inner)
        return known or next((hop for (effect, _), hop in self.possible.items() if effect == inner), None)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal keys mean callers would see no difference; a summary does not change once its key was asked for."""
        if self._key is None:
            self._key = (
                self.returns,
                self.yields,
                frozenset(self.effects),
                frozenset(self.guards.items()),
                frozenset(self.possible),
                frozenset(self.handed_back.items()),
                self.yield_transactions,
                self.yield_guards,
                self.begun_at_yield,
                tuple([(a, self.late_guards.get(hop)) for a, hop in self.commits_after_yield]),
                self.closes_after_yield,
                self.ends_at_last,
                self.closed_at_last,
                self.always_raises,
                self.leaves,
                self.forwards,
                self.answers,
                self.makes,
                self.keeps,
                self.draws,
                self.decides,
                self.surrounds,
                self.hands_out_closed,
                self.hands_out_used,
                self.holds_open,
                self.ambient,
                self.at_hand,
                self.asks_rows,
                self.yields_once,
                self.takes,
                frozenset(self.around.items()),
                self.finds,
                self.not_given,
                self.gives,
                self.includes,
                frozenset(self.late.items()),
            )
        return self._key

    def __reduce__(self) -> tuple[Any, ...]:
        return (Summary, tuple([getattr(self, name) for name in _FIELDS]))


_FIELDS = tuple(entry.name for entry in fields(Summary))
