"""The state of evaluating one function once: names, open transactions, closed handles, events."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import (
    checked_copies,
    declared_keys,
    kept_connections,
    open_units,
    put_around,
    stepping,
    unsaved,
)
from sessionlint.program.guards import either
from sessionlint.program.model import Effect, Event, FunctionInfo, Hop, Transaction
from sessionlint.program.notes import Notes
from sessionlint.program.values import (
    ANY_TEXT,
    ENGINE,
    FACTORY,
    SESSION,
    UNKNOWN,
    Ext,
    Param,
    Site,
    Value,
    contained,
    join,
)

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

#: Three-valued facts about a handle on the current path: known to hold, or only on some paths.
YES, MAYBE = 1, 2
_BUILTINS = frozenset(dir(builtins))
#: Events that say which sessions are open around them.
_KEPT = frozenset({"session", "connection", "transaction", "driver connection"})
#: Some literal, or some in a list: with what is not known it is not known.
_OPEN_ELSEWHERE = (declared_keys.CHECKED, (Ext("typing.Literal()"),))
#: Places that outlive every call.
_SHARED = frozenset({"global", "class", "state"})
_OUTLIVING = _SHARED | {"object"}
#: So deep go the objects that are injected into what is injected.
_PARTS = 3
_UNTOUCHED = (("written", "unwritten"), ("changed", "unchanged"))
_NO_FLAGS: frozenset[str] = frozenset()
#: How the names of ids end, and of several.
_IDENTIFIERS = ("_id", "Id", "_ids", "Ids")
_TELLS_OPEN = frozenset({"create", "obtain", "call", "store", "setattr", "return", "schedule", "started"})


@dataclass(frozen=True, slots=True)
class Machine:
    """The evaluator's moves that lower modules need from higher ones."""

    evaluate: Callable[..., Value]
    call: Callable[..., Value]
    run_pending: Callable[..., Value]
    enter: Callable[..., Any]
    attribute: Callable[..., Value]
    element: Callable[..., Value]
    block: Callable[..., None]
    specialize: Callable[..., Any]


class Frame(Notes):
    """One evaluation. ``env`` and ``facts`` are copied at branches and joined after them."""

    def __init__(self, solver: Solver, function: FunctionInfo, machine: Machine) -> None:
        super().__init__()
        self.solver = solver
        self.machine = machine
        self.function = function
        self.module = function.module
        self.path = function.module.path
        #: whether it may be what a decorator puts around functions
        self.may_wrap = function.parent is not None or function.name == "__call__"
        self.env: dict[str, Value] = {}
        #: (handle, "closed" | "open" | "begun" | "used") -> YES or MAYBE
        self.facts: dict[tuple[Any, str], int] = {}
        self.dead = False
        #: how many calls are gone through inside of one another, see :mod:`sessionlint.program.configured`
        self.depth = 0
        #: the objects whose ``__getattr__`` was asked for the attribute that is looked for
        self.asked: list[Any] = []
        #: what its parameters hold is what one call passes
        self.in_one_call = False
        #: conditions on parameters that hold here
        self.guards: list[Any] = []
        self.tx: list[Transaction] = []
        #: what the ``with`` statements around the current place will close
        self.entered: list[Any] = []
        #: what the ``with`` statements have closed that were gone through
        self.left: list[Any] = []
        #: those of them that only one way has opened, and the names in its test, see :mod:`sessionlint.program.one_way`
        self.one_way: dict[Any, frozenset[str]] = {}
        #: the exit stacks of the ``with`` statements around the current place
        self.stacks: list[Any] = []
        #: what was entered on exit stacks that no ``with`` leaves
        self.by_hand: Any = None
        #: what the exit stack of a name calls when it is left, put on it before a ``with`` enters it
        self.kept_calls: dict[str, Any] = {}
        #: what was open when the ``except`` clause around the current place was entered
        self.failed: Value = UNKNOWN
        self.flags: list[str] = []
        self.globals: set[str] = set()
        #: names that the module itself imports: where its body has no value of its own for one, it is what is imported
        self.imported: set[str] = set()
        #: names of the module as they were found at an epoch of the solver: who asked once is told of changes
        self._members: dict[str, tuple[int, Value]] = {}
        #: functions of the module that later ones of the same name replace, see :mod:`sessionlint.program.redefining`
        self.redefined: frozenset[ir.Span4] = frozenset()
        #: the names that the module assigns whatever happens, with the line where it does so last
        self.assigned_at: dict[str, int] = {}
        #: what was imported under such names: name here, module, level, name there
        self.imported_before: list[tuple[str, str, int, str]] = []
        self.class_scope: Any = None
        #: the definition whose annotations and defaults are evaluated apart from the module they stand in
        self.header: ir.Span4 | None = None
        #: what alone is new in what is assigned (``names += [name]``)
        self.added: Value | None = None
        self.loop_exits: list[tuple[dict[str, Value], dict[tuple[Any, str], int], bool]] = []

    def evaluate(self, expr: ir.Expr, statement: bool = False, context: bool = False) -> Value:
        """The value of an expression; ``statement``: its result is dropped, ``context``: a ``with`` item."""
        if expr[0] == "n":
            return self.lookup(expr[2])
        return self.machine.evaluate(self, expr, statement, context)

    # sites and events

    def site(self, span: ir.Span4) -> Site:
        """The place of a span of this file."""
        return (self.path, span)

    def emit(self, kind: str, span: ir.Span4, flags: tuple[str, ...] = (), **fields: Any) -> Event:
        """Records an event with the transactions and clauses around it."""
        if kind == "schedule" or fields.get("text") == "schedule":
            flags = (*flags, *self._untouched())
        event = Event(
            kind, self.function, span, transactions=tuple(self.tx),
            flags=frozenset((*self.flags, *flags)) if self.flags or flags else _NO_FLAGS,
            open_sessions=self._open(kind), **fields,
        )  # fmt: skip
        if not self.dead:
            self.events.append(event)
        return event

    def _untouched(self) -> tuple[str, ...]:
        """Flags of what starts work where on no way to here rows are written, or changed, that are not committed."""
        known = {fact for _, fact in self.facts}
        return tuple([flag for fact, flag in _UNTOUCHED if fact not in known])

    def identifier(self, name: str, value: Value, expr: ir.Expr | None, place: str) -> None:
        """Records what an identifier (``id``, ``*_id``) is made of: library calls, mixed texts, or a lambda."""
        if expr is None or not (name in ("id", "ids") or name.endswith(_IDENTIFIERS)):
            return
        if name.endswith("s"):
            # each of several
            value = tuple([a for held in value if held.tag == "seq" for item in held.items for a in item])
        if any(
            (a.tag == "ext" and a.name.endswith(("()", "[]", ".int", ".str")))
            or (a.tag == "text" and (a.dynamic or a.holes))
            or (a.tag == "fn" and a.info.name == "<lambda>")
            for a in value
        ):
            self.emit("identifier", expr[1], name=name, value=value, text=place, expr=expr)

    def _open(self, kind: str) -> Value:
        if kind not in _TELLS_OPEN:
            return UNKNOWN
        if "handler" not in self.flags or kind == "store":
            return tuple(self.entered)
        # what a ``with`` holds may be closed before it is left
        left = (a for a in self.failed if self.know(a, "closed") != YES)
        return tuple(a for a in left if a in self.entered or self.know(a, "open"))

    def effect(
        self, effect: Effect, span: ir.Span4, note: str, callee: Any = None, inner: Any = None,
        guards: frozenset[Any] = frozenset(),
    ) -> None:  # fmt: skip
        """Records what callers must know; ``guards`` are those the callee's effect has."""
        if not self.dead:
            under = guards | frozenset(self.guards) if self.guards else guards
            self.guarded[effect] = either(self.guarded[effect], under) if effect in self.guarded else under
            if self.may_wrap:
                put_around.note(self, effect, callee, under)
            known = self.effects.get(effect)
            proven = self.proven_under.get(effect) if known is not None and self.proven_under else None
            itself = known is not None and known.callee is self.function and callee is not self.function
            if known is not None and known.callee is not None and known.callee.wrappers and not itself:
                # by what a decorator is put around: what the decorator does itself happens at every call
                itself = self._wraps(known.callee) and not self._wraps(callee)
            if proven and under < proven and callee is not self.function:
                itself = True  # fewer arguments rule it out there
            if known is None or itself or (callee is None and known.callee is not None and (proven or not under)):
                # what is done here proves more than what a callee does, too, and that more than a recursive call
                self.effects[effect] = Hop(self.site(span), note, callee, inner)
                if under or proven:
                    self.proven_under[effect] = under
            if self.yields_at:
                stepping.note(self, effect, known is None)
            if self.yielded and not (self.kept_connections and kept_connections.commits_nothing(self, effect)):
                self.after(effect.name, effect.subject, Hop(self.site(span), note, callee, inner), under)

    def after(self, name: str, subject: Any, hop: Hop, guards: frozenset[Any] = frozenset()) -> None:
        """Records what happens behind a ``yield``, and under which conditions alone."""
        known = self.late_guards.get(hop)
        if known is not None:
            self.late_guards[hop] = either(known, guards)
        elif guards and all(h != hop for _, _, h in self.after_yield):
            self.late_guards[hop] = guards
        self.after_yield.append((name, subject, hop))

    def _wraps(self, callee: Any) -> bool:
        return callee is not None and self.function in callee.wrappers

    def source(self, key: Any, hop: Hop) -> None:
        """Records where a handle came from."""
        self.sources.setdefault(key, hop)

    # names

    def lookup(self, name: str) -> Value:
        """What a name means here: locals, enclosing functions, the module, builtins."""
        value = self.env.get(name)
        if value is not None:
            if self.function.children:
                # an inner function may have assigned it
                value = join(value, self.solver.read(("nonlocal", self.function, name)))
            return value
        parent = self.function.parent
        while parent is not None:
            value = self.solver.read(("local", parent, name))
            if value:
                return value
            parent = parent.parent
        known = self._members.get(name)
        if known is not None and known[0] == self.solver.epoch:
            return known[1]
        value = self.solver.member(self.path, name)
        if len(value) > 1 and self.function is self.module.body:
            value = tuple(a for a in value if not self._is_defined_later(name, a)) or value
        value = value or ((Ext(f"builtins.{name}"),) if name in _BUILTINS else UNKNOWN)
        if not self.solver.importing:
            self._members[name] = (self.solver.epoch, value)
        return value

    def _is_defined_later(self, name: str, atom: Any) -> bool:
        """Whether a module's own definition, not met yet, takes over a name that is something else (imported) here."""
        if atom.tag not in ("fn", "cls") or atom.info.module is not self.module or atom.info.name != name:
            return False
        return self.header is None or bool(atom.info.header[:2] >= self.header[:2])

    def bind(self, name: str, value: Value, span: ir.Span4) -> None:
        """Assigns a name in the scope it belongs to."""
        made = tuple(a for a in value if a.tag == "handle" and a.kind in (ENGINE, FACTORY))
        if made and self.class_scope is None:
            self.emit("bind", span, ("global",) if name in self.globals else (), subject=made, name=name)
        if len(value) > 1:
            self._part_sessions(value)
        if self.declared and not value:
            value = self.declared.get(name, value)
        if name in self.globals:
            self._bind_outer(name, value, span)
        if self.picked:
            self.picked.pop(name, None)
        if self.added_to:
            self.added_to.pop(name, None)
        if self.origins:
            self.origins.pop(name, None)
        if self.left_overs:
            self.left_overs = {left: of for left, of in self.left_overs.items() if name != left and name not in of[0]}
        if self.said:
            self.said.pop(name, None)
        if self.same_as:
            self.same_as.pop(name, None)
        self.env[name] = value
        if self.function.name == "<module>" and self.class_scope is None and self.function.parent is None:
            self.solver.write(("name", self.path, name), value)
        elif self.function.children and self.class_scope is None:
            self.solver.write(("local", self.function, name), value)

    def _part_sessions(self, value: Value) -> None:
        own = [a for a in value if a.tag == "handle" and a.kind == SESSION and self.is_own(a)]
        if own:
            others = (a for a in value if a.tag in ("handle", "ext") and a not in own)
            self.elsewhere.update(a for a in others if self.solver.kind_of(a) == SESSION)

    def is_own(self, handle: Any) -> bool:
        """Whether a handle is made in this function, anew by every call."""
        if handle.site[0] != self.path or self.function.name == "<module>":
            return False
        outer, span = self.function.span, handle.site[1]
        return bool((outer[0], outer[1]) <= (span[0], span[1]) and (span[2], span[3]) <= (outer[2], outer[3]))

    def _bind_outer(self, name: str, value: Value, span: ir.Span4) -> None:
        parent = self.function.parent
        if parent is not None and self.solver.peek(("local", parent, name)):
            self.solver.write(("local", parent, name), value)
            self.solver.write(("nonlocal", parent, name), value)
            place = "closure"
        else:
            self.solver.write(("name", self.path, name), value)
            place = "global"
        self.store(place, name, value, span)

    def store(self, place: str, name: str, value: Value, span: ir.Span4) -> None:
        """Records that handles are kept somewhere that outlives this call."""
        if self.added is not None:
            value = self.added
        held = tuple(a for a in contained(value) if self.solver.kind_of(a) in _KEPT)
        if not held and place in _OUTLIVING:
            held = self._held_by_injected(value)
        if not held and value and place in _SHARED and self.function.name != "<module>":
            held = open_units.sessions_open_in(self, value)
        if held:
            self.emit("store", span, subject=held, name=place, text=name, value=value)
        if self.function.children and place in _SHARED and self.function.name != "<module>":
            kept = tuple(a for a in contained(value) if a.tag == "fn" and a.info.parent is self.function)
            if kept:
                self.emit("keep", span, name=place, text=name, value=kept)

    def _held_by_injected(self, value: Value) -> Value:
        """The handles of an object that is injected: what its dependency has made it with, or the parts of it."""
        for _ in range(_PARTS):
            injected = [a for a in contained(value) if a.tag == "injected"]
            value = tuple([v for a in injected for v in self.solver.views(a) if v.tag == "inst"])
            held = tuple([a for a in contained(value) if self.solver.kind_of(a) in _KEPT]) if value else ()
            if held or not value:
                return held
        return UNKNOWN

    # handle facts

    def know(self, handle: Any, fact: str) -> int:
        """0 no, YES on every path, MAYBE on some."""
        return self.facts.get((handle, fact), 0)

    def all_known(self, fact: str) -> Value:
        """The handles of which a fact holds on every path to here."""
        return tuple(handle for (handle, name), known in self.facts.items() if name == fact and known == YES)

    def learn(self, handle: Any, fact: str, holds: bool = True) -> None:
        """Sets or clears a fact on the current path."""
        if holds:
            self.facts[(handle, fact)] = YES
        else:
            self.facts.pop((handle, fact), None)

    def in_block(self, subject: Any) -> bool:
        """Whether a ``with`` block around the current place owns the subject's transaction."""
        return any(subject in t.subjects for t in self.tx if not t.savepoint)

    def leaves(self) -> None:
        """A caller goes on from here: notes what is known of the handles."""
        self.exits.append(frozenset([k for k, known in self.facts.items() if known == YES or k[1] == "open"]))
        if self.writes:
            unsaved.note(self)

    def narrow_exits(self, start: int) -> None:
        """What runs after a ``return`` (``finally``, leaving a ``with``) may undo what was known there."""
        if not self.function.is_generator and len(self.exits) > start:
            holds = {k for k, known in self.facts.items() if known == YES or k[1] == "open"}
            self.exits[start:] = [e & holds for e in self.exits[start:]]

    def is_local(self, handle: Any) -> bool:
        """Whether a handle is made in this function for it alone: callers need not know what is done to it."""
        return self.is_own(handle) and handle not in self.kept_own

    # branches

    def snapshot(self) -> tuple[dict[str, Value], dict[tuple[Any, str], int], bool]:
        """The path state before a branch."""
        return (dict(self.env), dict(self.facts), self.dead)

    def restore(self, state: tuple[dict[str, Value], dict[tuple[Any, str], int], bool]) -> None:
        """Goes back to a snapshot (which stays usable)."""
        self.env, self.facts, self.dead = dict(state[0]), dict(state[1]), state[2]

    def merge(self, other: tuple[dict[str, Value], dict[tuple[Any, str], int], bool]) -> None:
        """Joins another path into the current one; a path that ended does not count."""
        if other[2]:
            return
        if self.dead:
            self.restore(other)
            return
        env, theirs = self.env, other[0]
        differ = self.facts != other[1]
        if differ:
            theirs = checked_copies.keep(self, other)
        for name, value in theirs.items():
            mine = env.get(name)
            if mine is not value and (mine is not None or name not in self.imported):
                if mine is None:
                    env[name] = value
                elif mine and value:
                    env[name] = join(mine, value)
                else:
                    env[name] = _or_any_text(mine or value)
        if self.imported:
            for name in self.imported.intersection(env).difference(other[0]):
                del env[name]
        if differ:
            for key in set(self.facts) | set(other[1]):
                if self.facts.get(key) != other[1].get(key):
                    self.facts[key] = MAYBE


def _or_any_text(known: Value) -> Value:
    """A text that is written here on one path, and is not known on another, may be any text."""
    if known in _OPEN_ELSEWHERE:
        return UNKNOWN
    written = known and all(a.tag == "text" or (a.tag == "const" and a.kind == "str") for a in known)
    return (*known, ANY_TEXT) if written else known


def identity(function: FunctionInfo, name: str) -> Any:
    """The atom that stands for a parameter: injected objects are the same all over a request."""
    known = function.identities.get(name)
    if known is None:
        _, default = function.param_values.get(name, (UNKNOWN, UNKNOWN))
        known = next((atom for atom in default if atom.tag == "injected"), None) or Param(function, name)
        function.identities[name] = known
    return known
