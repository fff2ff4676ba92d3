"""What evaluating a function once notes down as it goes: what is told of it, and what its values turned out to be."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Effect, Event, Hop, Transaction
from sessionlint.program.values import UNKNOWN, Site, Value


class Outcome:
    """Events, and all that the summary is made of."""

    def __init__(self) -> None:
        #: what the constructors of the classes above are not given, see :mod:`sessionlint.program.bases_given`
        self.not_given: dict[Any, Value] = {}
        #: what is a database handle is told by its class, here or by what is called
        self.finds = False
        #: what it does around the functions it wraps, see :mod:`sessionlint.program.put_around`
        self.around: dict[Effect, frozenset[Any]] = {}
        self.events: list[Event] = []
        #: where it looks up what enters an object that it was given, see :mod:`sessionlint.program.entering`
        self.entered_by_hand: dict[Any, Value] = {}
        self.effects: dict[Effect, Hop] = {}
        #: the conditions on parameters under which alone each effect happens
        self.guarded: dict[Effect, frozenset[Any]] = {}
        #: those of the place in ``effects``, where there are any
        self.proven_under: dict[Effect, frozenset[Any]] = {}
        self.sources: dict[Any, Hop] = {}
        self.returns: Value = UNKNOWN
        self.yields: Value = UNKNOWN
        #: effects that happen for objects of some classes only, see :mod:`sessionlint.program.overriding`
        self.possible: dict[tuple[Effect, frozenset[Any]], Hop] = {}
        #: what is put into registries, and the parameters by which something is drawn out of one
        self.kept: dict[Any, None] = {}
        self.draws: dict[str, bool] = {}
        #: parameters that are passed on to what a literal decides, see :mod:`sessionlint.program.by_constant`
        self.passes_on: dict[str, None] = {}
        #: what its arguments are given, by which and its attribute, see :mod:`sessionlint.program.giving`
        self.gifts: dict[tuple[Any, str], Any] = {}
        #: sessions read out of context variables, see :mod:`sessionlint.program.ambient`
        self.ambient: dict[Any, None] = {}
        #: those that what a decorator is put around reads, and that the decorator has opened itself
        self.at_hand: dict[Any, None] = {}
        #: parameters that are asked for their session, see :mod:`sessionlint.program.asking_rows`
        self.asked_rows: dict[str, None] = {}
        #: routers that the function includes where its caller says which, or how
        self.included: dict[Any, None] = {}
        self.yield_transactions: tuple[Transaction, ...] = ()
        self.yield_guards: frozenset[Any] = frozenset()
        self.begun_at_yield: Value = ()
        self.after_yield: list[tuple[str, Any, Hop]] = []
        #: the conditions on parameters under which alone one of these happens
        self.late_guards: dict[Hop, frozenset[Any]] = {}
        #: connections that nothing is open on at a ``yield``, see :mod:`sessionlint.program.kept_connections`
        self.kept_connections: dict[Any, Value] = {}
        self.yielded = False
        self.returned = False
        #: what decided about transactions that are open on some paths, see :mod:`sessionlint.program.sometimes`
        self.doubts: dict[Any, Any] = {}
        #: what parameters say where transactions began that they decide about
        self.asked_under: dict[Any, frozenset[Any]] = {}
        #: the same where a query was told to lock its rows
        self.locked_under: dict[Any, frozenset[Any]] = {}
        #: what parameters say wherever the function gives something back: what else they are raises
        self.certain: set[Any] = set()
        #: the names on both sides of the function's assignments, and whether a test is assigned
        self.assigned: list[tuple[set[str], set[str], bool]] | None = None
        #: parameters out of which one thing is taken
        self.takes: dict[Any, None] = {}
        #: the places of a generator's own ``yield``s
        self.yields_at: set[ir.Span4] = set()
        #: sessions whose transaction a generator may leave open at its end, see :mod:`~.ended_generators`
        self.left_begun: set[Any] = set()
        #: the origins of those that it gave and has closed there
        self.closed_at_last: frozenset[Any] = frozenset()
        #: how many ``yield``s come before an effect; which step is taken of a generator, see :mod:`~.stepping`
        self.late: dict[Effect, int] = {}
        self.step = 0
        #: a callee has left a session of its own open; one is open at a ``yield``
        self.left_open = self.holds_open = False
        #: (handle, fact) pairs that hold at each place where a caller goes on: returns and end, or yields
        self.exits: list[frozenset[tuple[Any, str]]] = []


class Notes(Outcome):
    """What is remembered of values and names, beside what they stand for."""

    def __init__(self) -> None:
        super().__init__()
        #: the condition under which a coroutine was made that is still to be awaited
        self.awaiting: dict[Any, Any] = {}
        #: the call as it would be written without the helper that passed it on, by the coroutine it made
        self.directly: dict[Any, ir.Expr] = {}
        #: whether names are given one display of literals, and never changed
        self.written_once: dict[str, bool] = {}
        #: the calls that made coroutines which are awaited elsewhere, by their places
        self.made_at: dict[ir.Span4, ir.Expr] = {}
        #: what names are said to be that are given nothing where that is said
        self.declared: dict[str, Value] = {}
        #: the conditions under which alone transactions are begun, and what a ``with`` enters is what it is
        self.begun_under: dict[Transaction, frozenset[Any]] = {}
        self.only_if: dict[Any, tuple[Any, ...]] = {}
        #: the tests around the place in an inner function, and how they come out, see :mod:`~.decorator_flags`
        self.tests: list[tuple[ir.Expr, bool]] = []
        #: parameters whose statements are narrowed here, and the kinds they may be of, see :mod:`~.narrowed_queries`
        self.narrowed: dict[Any, Value] = {}
        #: what names stand for that were taken out of a parameter, see :mod:`sessionlint.program.picking`
        self.picked: dict[str, Value] = {}
        #: the sessions to which names of new rows were added, see :mod:`sessionlint.program.asking_rows`
        self.added_to: dict[str, Value] = {}
        #: out of which parameters texts were taken that names stand for, see :mod:`~.text_origins`
        self.origins: dict[str, Value] = {}
        #: under which conditions names are true that were put together, see :mod:`sessionlint.program.combined`
        self.said: dict[str, Any] = {}
        #: the lists of a module that grow while it is run
        self.grown: set[str] = set()
        #: of which names others hold what is no literal, and how, see :mod:`sessionlint.program.checked_lists`
        self.left_overs: dict[str, tuple[tuple[str, ...], ir.Expr]] = {}
        #: the attributes that names of something unknown stand for, see :mod:`sessionlint.program.revealing`
        self.same_as: dict[str, ir.Expr] = {}
        #: whether tasks were put into lists that are kept in attributes, see :mod:`sessionlint.program.waiting`
        self.keeps_tasks = False
        #: functions that were taken out of a container, by the parameter that holds it
        self.drawn: dict[Any, Any] = {}
        #: functions that are called under a condition on a parameter, however they are named
        self.under: dict[Any, Any] = {}
        #: methods whose name a parameter is part of, with what that must be then, see :mod:`~.prefixes`
        self.named_by: dict[Any, Any] = {}
        #: names that stand in class attributes, and in objects of which classes, see :mod:`~.class_names`
        self.named: dict[str, Any] = {}
        self.by_name: dict[Any, Any] = {}
        #: classes and functions that came from class attributes, see :mod:`sessionlint.program.class_values`
        self.chosen: dict[Any, Any] = {}
        #: what classes below have in the place of what a base binds, and which, see :mod:`~.bound_below`
        self.put_below: dict[Any, Any] = {}
        #: what objects of the classes that others have in their place are made with
        self.made_instead: dict[Any, Any] = {}
        #: objects were made here of the function's own class, or of one below, see :mod:`~.own_class`
        self.makes_own = False
        #: what was put into objects that keep a registry, see :mod:`sessionlint.program.filling`
        self.filled: dict[Any, dict[Any, None]] = {}
        #: objects were made here that others may give something later
        self.marks = False
        #: what context managers that give out no session have opened, and as what it is known here
        self.opened_below: dict[Any, Any] = {}
        #: writes on sessions of others; those a commit may follow; those that reach an end; where which is committed
        self.writes: dict[Any, tuple[Hop, frozenset[Any]]] = {}
        self.writes_saved: set[Any] = set()
        self.writes_left: set[Any] = set()
        self.commits: dict[Any, Any] = {}
        #: the sessions in use before a call, while it is told what a decorator does around that
        self.used_before: frozenset[Any] | None = None
        #: the sessions that scopes of containers have made, see :mod:`sessionlint.program.container_scopes`
        self.scoped: list[Any] = []
        #: begin and create events of this evaluation, by the handle they made
        self.begins: dict[Any, Event] = {}
        #: generators that end transactions or sessions at their end, found in what is gone through, and what they gave
        self.run_out: list[Any] = []
        #: what generators that are taken from by hand have given
        self.taken: dict[Any, Value] = {}
        #: what names stand for together in each round of a loop, see :mod:`sessionlint.program.pairs`
        self.paired: dict[str, tuple[list[dict[str, Value]], dict[str, Value]]] = {}
        #: work in threads and other loops that was started here, see :mod:`sessionlint.program.joining`
        self.futures: dict[Any, Any] = {}
        #: where this evaluation has made dictionaries
        self.made: set[Site] = set()
        #: handles made here that the object keeps whose method this is: what is done to them is told of that object
        self.kept_own: set[Any] = set()
        #: sessions of others that stand for one opened here where there is one: what is done may be done to that
        self.elsewhere: set[Any] = set()
