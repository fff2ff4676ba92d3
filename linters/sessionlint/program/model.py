"""Functions, classes and modules of the program, and what evaluating them found out.

An :class:`Event` is one thing a function does, with the abstract values involved; rules read events.
A :class:`Summary` is what callers need to know of a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.values import Site, Value

Key = tuple[str, str, int]
"""What stands for a function or class from one run to the next: file, qualified name, number among its namesakes."""


class Transaction(NamedTuple):
    """A transaction open around an event: on which sessions or connections, begun where.

    ``savepoint`` marks ``begin_nested``; ``source`` the function when a context manager of the project opened it.
    """

    subjects: Value
    site: Site
    savepoint: bool = False
    source: Any = None


class Effect(NamedTuple):
    """What a call does that its caller must know: ``kind`` and ``name`` as in :class:`Event`.

    ``subject`` is the parameter, injected or global handle concerned (``None``: none in particular).
    """

    kind: str
    name: str
    subject: Any = None


class Event(NamedTuple):
    """One thing a function does.

    ``kind`` is one of

    * ``create``: a handle is made (``name`` its kind, ``value`` the callee, ``subject`` the handle);
    * ``obtain``: project code (``callee``) hands out the handles in ``subject``;
    * ``declared``: something known only as ``Callable[…, session]`` is called with ``args``; ``subject`` its session;
    * ``inject``: parameter ``name`` is injected by the :class:`Dependency` in ``value``; ``subject`` what arrives;
    * ``txn``: ``name`` (commit, rollback, begin, begin_nested, close) on ``subject``; ``text`` says by what route
      (``session``, ``connection``, ``transaction``, ``sql``);
    * ``savepoint``: ``name`` (commit, rollback) on the savepoint ``subject`` that no ``with`` entered;
    * ``use``: operation ``name`` on ``subject``; flag ``write`` when it changes rows;
    * ``change``: attributes of rows are assigned that the sessions in ``subject`` loaded;
    * ``effect``: calling ``callee`` has ``effect`` (its kind in ``text``, its name in ``name``) on ``subject``,
      ``left`` (kind) when something there commits, but not all that is written: :mod:`sessionlint.program.unsaved`;
    * ``call``: project function ``callee`` runs with ``bindings`` (pairs of parameter identity and value);
    * ``external``: a call of the external symbol ``name``; ``args``/``keywords`` its values;
    * ``network``: ``name`` waits on network or sleep;
    * ``schedule``: ``value`` (functions, coroutines) is started in the background by ``name``; ``args`` its arguments;
    * ``concurrent``: ``args`` run at the same time through ``name``;
    * ``await``: the tasks in ``subject`` (:data:`~sessionlint.program.values.TASK`) are awaited;
    * ``outcome``: the task in ``subject`` is asked how it ended by ``name`` (result, exception);
    * ``url``: a text with ``://`` in it is put together; ``value`` are the texts;
    * ``bind``: engines or factories in ``subject`` are given the ``name``; flag ``global`` as the word says;
    * ``store``: ``subject`` is stored in ``text`` (``name`` is ``attribute``, ``class``, ``global``, ``state``,
      ``object``, ``library object``, ``local object``, ``closure``), ``value`` is all that is stored;
    * ``sql``: SQL text ``value`` is handed to ``name``;
    * ``construct``: an instance of the project class in ``value`` is made with ``args`` and ``keywords``;
    * ``import``: module ``name`` is imported (its member ``text``); flag ``typing`` for type checkers only;
    * ``info``: method ``name`` of the ``info`` dictionary of ``subject``;
    * ``options``: ``execution_options`` with ``keywords`` on ``subject``;
    * ``identifier``: ``value`` becomes the identifier ``name`` (``text``: name, keyword, key, attribute);
    * ``predicate``: tenant column ``name`` is compared; * ``handler``: an ``except`` clause, see ``flags``;
    * ``return``/``leave``: the function ends here; ``text`` is the expression, ``subject`` the handles that are
      closed (flag ``closed``) and ``args[0]`` those whose transaction has ended on every path to a ``return``.

    ``flags``: ``context`` (context expression of a ``with``), ``awaited``, ``handler`` (inside ``except``),
    ``finally``, ``loop``, ``statement`` (result dropped), ``write``, ``returned``, ``swallows``, ``records``,
    ``spared`` (a call that may open a session, but is given one)…

    ``open_sessions`` are the handles (or context managers that hold one) entered by a ``with`` around the event;
    inside ``except`` also those obtained before and not closed.
    """

    kind: str
    function: FunctionInfo
    span: ir.Span4
    subject: Value = ()
    name: str = ""
    value: Value = ()
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    callee: FunctionInfo | None = None
    bindings: tuple[tuple[Any, Value], ...] = ()
    transactions: tuple[Transaction, ...] = ()
    flags: frozenset[str] = frozenset()
    text: str = ""
    expr: ir.Expr | None = None
    effect: Effect | None = None
    open_sessions: Value = ()

    @property
    def path(self) -> str:
        """The file of the event."""
        return self.function.module.path

    @property
    def site(self) -> Site:
        """Path and span."""
        return (self.function.module.path, self.span)


class Hop(NamedTuple):
    """Where an effect or value comes from inside a function: a place, and the callee it came through."""

    site: Site
    note: str
    callee: FunctionInfo | None = None
    inner: Any = None


class Kept(NamedTuple):
    """What a function puts into a registry: ``origin`` is the container's class or file, and its name there.

    ``owner`` is the object that has it (a parameter, a mark, or ``None``), ``key`` what it is put under.
    """

    origin: tuple[Any, str]
    owner: Any
    key: Any
    value: Value


@dataclass(slots=True)
class Summary:
    """What callers need to know of a function."""

    returns: Value = ()
    yields: Value = ()
    effects: dict[Effect, Hop] = field(default_factory=dict)
    sources: dict[Any, Hop] = field(default_factory=dict)
    yield_transactions: tuple[Transaction, ...] = ()
    commits_after_yield: tuple[tuple[Any, Hop], ...] = ()
    closes_after_yield: Value = ()
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
    #: what it puts into registries under keys that its callers name, see :mod:`sessionlint.program.by_key`
    keeps: tuple[Kept, ...] = ()
    #: the parameters by which it draws out of one, and its statements
    draws: Any = None
    #: origins of handles that are closed when a caller gets them: a ``with`` around every ``return`` ends them
    hands_out_closed: frozenset[Site] = frozenset()
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
                tuple(a for a, _ in self.commits_after_yield),
                self.closes_after_yield,
                self.always_raises,
                self.leaves,
                self.forwards,
                self.answers,
                self.keeps,
                self.draws,
                self.hands_out_closed,
            )
        return self._key


class FunctionInfo:
    """A function, method, lambda, or the body of a module (name ``<module>``)."""

    __slots__ = (
        "_definitions",
        "_signature",
        "abstract",
        "children",
        "class_info",
        "decorator_values",
        "decorators",
        "dependencies",
        "eager",
        "evaluated",
        "events",
        "facts",
        "flags",
        "header",
        "identities",
        "is_classmethod",
        "is_context_manager",
        "is_property",
        "is_staticmethod",
        "key",
        "last_signature",
        "module",
        "name",
        "param_values",
        "params",
        "parent",
        "qualname",
        "registrations",
        "routes",
        "signed",
        "span",
        "summary",
        "traces",
        "used",
        "visits",
        "wrappers",
    )  # fmt: skip

    def __init__(
        self,
        module: ModuleInfo,
        facts: tuple[Any, ...],
        qualname: str,
        parent: FunctionInfo | None = None,
        class_info: ClassInfo | None = None,
    ) -> None:
        self.key: Key = (module.path, qualname, 0)
        self.module = module
        self.facts = facts
        self.name: str = facts[0]
        self.span: ir.Span4 = facts[1]
        self.header: ir.Span4 = facts[2]
        self.params: tuple[Any, ...] = facts[3]
        self.decorators: tuple[ir.Expr, ...] = facts[5]
        self.flags: int = facts[7]
        self.qualname = qualname
        self.parent = parent
        self.class_info = class_info
        self.children: dict[ir.Span4, FunctionInfo] = {}
        self.events: list[Event] = []
        self.summary = Summary()
        self.evaluated = False
        self.visits = 0
        self.is_context_manager = False
        self.is_property = False
        self.is_staticmethod = False
        self.is_classmethod = False
        self.decorator_values: tuple[tuple[ir.Expr, Value], ...] = ()
        self.routes: tuple[Any, ...] = ()
        self.registrations: dict[str, Any] = {}
        self.param_values: dict[str, tuple[Value, Value]] = {}
        self.dependencies: dict[str, Any] = {}
        #: evaluated even when nothing asks for it
        self.eager = False
        #: annotations and defaults have been evaluated
        self.signed = False
        #: functions that decorators of the project put around it
        self.wrappers: tuple[FunctionInfo, ...] = ()
        #: it only declares (``None``: not looked at yet)
        self.abstract: bool | None = None
        #: evaluations of earlier solutions, and those of this one, see :mod:`sessionlint.program.memo`
        self.traces: list[Any] = []
        self.used: list[Any] = []
        self.last_signature: tuple[Any, ...] = ()
        self._signature: tuple[Any, ...] | None = None
        #: the atoms that stand for its parameters, as far as they were asked for
        self.identities: dict[str, Any] = {}
        self._definitions: dict[ir.Span4, tuple[Any, ...]] | None = None

    @property
    def signature(self) -> tuple[Any, ...]:
        """What others see of a function without looking into its body."""
        if self._signature is None:
            signature = (
                tuple([p[:2] for p in self.params]), self.flags, self.is_context_manager, self.is_property,
                self.is_staticmethod, self.is_classmethod, self.class_info, self.parent is None,
                tuple(self.param_values.items()), tuple(self.dependencies.items()),
                tuple([v for _, v in self.decorator_values]), "middleware" in self.registrations, self.wrappers,
            )  # fmt: skip
            # the same object as long as it is equal, so that comparing it costs nothing
            self._signature = self.last_signature = (
                self.last_signature if signature == self.last_signature else signature
            )
        return self._signature

    def definition_at(self, span: ir.Span4) -> tuple[Any, ...]:
        """The facts of the function or class that this one defines at ``span``."""
        if self._definitions is None:
            self._definitions = dict(_definitions(self.body))
        return self._definitions[span]

    @property
    def definition(self) -> tuple[Any, ...]:
        """What evaluating its definition found out."""
        return (
            self.decorator_values, self.is_context_manager, self.is_property, self.is_staticmethod, self.is_classmethod,
            self.eager, self.signed, dict(self.param_values), dict(self.dependencies), self.routes,
            dict(self.registrations), self.wrappers,
        )  # fmt: skip

    def restore(self, definition: tuple[Any, ...]) -> None:
        """Takes over a :attr:`definition`; what others have found out meanwhile stays."""
        (
            self.decorator_values, self.is_context_manager, self.is_property, self.is_staticmethod, self.is_classmethod,
            eager, signed, values, dependencies, routes, registrations, self.wrappers,
        ) = definition  # fmt: skip
        self.eager, self.signed = self.eager or eager, self.signed or signed
        self.param_values.update(values)
        self.dependencies.update(dependencies)
        self.routes = tuple(dict.fromkeys((*self.routes, *routes)))
        self.registrations = {**registrations, **self.registrations}
        self.resigned()

    def resigned(self) -> None:
        """Says that something in :attr:`signature` has changed."""
        self._signature = None
        self.identities.clear()

    @property
    def body(self) -> tuple[ir.Stmt, ...]:
        """Its statements, unpacked anew each time: kept, those of a large program would fill memory."""
        return ir.body_of(self.facts)

    @property
    def is_async(self) -> bool:
        """Defined with ``async def``."""
        return bool(self.flags & ir.FLAG_ASYNC)

    @property
    def is_generator(self) -> bool:
        """Contains ``yield``."""
        return bool(self.flags & ir.FLAG_GENERATOR)

    @property
    def path(self) -> str:
        """The file."""
        return self.module.path

    @property
    def site(self) -> Site:
        """Path and header span."""
        return (self.module.path, self.header)

    @property
    def dotted(self) -> str:
        """Import path: module and qualified name."""
        return f"{self.module.name}.{self.qualname}" if self.module.name else self.qualname

    def __reduce__(self) -> tuple[Any, ...]:
        # an empty record: the solution that meets its definition fills it in
        return (empty_function, (self.key,))

    def __repr__(self) -> str:
        return f"<{self.dotted}>"


#: What a file mentions that says how to connect: options of engines, and the starts of URLs.
_CONNECTING = (
    b"pool_size", b"max_overflow", b"connect_args", b"statement_cache_size", b"sslmode", b"make_url", b"postgresql:",
    b"postgresql+", b"postgres:",
)  # fmt: skip


def _is_abstract(decorator: ir.Expr) -> bool:
    return (ir.dotted(decorator) or "").rpartition(".")[2].startswith("abstract")


#: Fields next to a host that say how to get into what is there.
_SERVER = frozenset({"port", "user", "username", "password"})


class ClassInfo:
    """A class of the project."""

    __slots__ = (
        "_hooks",
        "_keeps",
        "_shape",
        "attributes",
        "bases",
        "decorators",
        "defined_in",
        "facts",
        "header",
        "key",
        "last_shape",
        "maker",
        "methods",
        "module",
        "name",
        "qualname",
        "registers",
        "span",
    )  # fmt: skip

    def __init__(self, module: ModuleInfo, facts: tuple[Any, ...], qualname: str, defined_in: FunctionInfo) -> None:
        self.key: Key = (module.path, qualname, 0)
        self.module = module
        self.facts = facts
        self.name: str = facts[0]
        self.span: ir.Span4 = facts[1]
        self.header: ir.Span4 = facts[2]
        #: its objects are told apart by what their methods were given to call
        self.registers: bool = facts[7]
        self.qualname = qualname
        self.defined_in = defined_in
        self.bases: Value = ()
        self.decorators: Value = ()
        #: the ``__init__`` that a data class gets from its decorator: its parameters are the fields of the class body
        self.maker: FunctionInfo | None = None
        self.methods: dict[str, FunctionInfo] = {}
        #: name -> (span, annotation value, default value, expression) of the class body, in order
        self.attributes: dict[str, tuple[ir.Span4, Value, Value, ir.Expr | None]] = {}
        self._hooks: frozenset[str] | None = None
        self._keeps: dict[Any, str] | None = None
        self._shape: tuple[Any, ...] | None = None
        self.last_shape: tuple[Any, ...] = ()

    @property
    def shape(self) -> tuple[Any, ...]:
        """What others see of a class: bases, decorators, methods, attributes; not where it stands."""
        if self._shape is None:
            attributes = tuple([(name, entry[1], entry[2]) for name, entry in self.attributes.items()])
            shape = (
                self.bases, self.decorators, tuple(self.methods.items()), attributes, self.configures, self.hooks,
                self.registers,
            )  # fmt: skip
            self._shape = self.last_shape = self.last_shape if shape == self.last_shape else shape
        return self._shape

    def reshaped(self) -> None:
        """Says that something in :attr:`shape` has changed."""
        self._shape = self._keeps = self._hooks = None

    @property
    def hooks(self) -> frozenset[str]:
        """Its methods that do nothing, for classes below to put others in their place; abstract ones are none."""
        if self._hooks is None:
            empty = (m for m in self.methods.values() if ir.is_empty(m.facts))
            self._hooks = frozenset(m.name for m in empty if not any(_is_abstract(d) for d in m.decorators))
        return self._hooks

    @property
    def keeps(self) -> dict[Any, str]:
        """The classes that stand in attributes of its body, and in which."""
        if self._keeps is None:
            values = ((n, e[2]) for n, e in self.attributes.items() if e[3] is not None)
            self._keeps = {a.info: name for name, value in values for a in value if a.tag == "cls"}
        return self._keeps

    def assigns(self, name: str) -> bool:
        """Whether its body gives an attribute a value, in the place of what a class above has."""
        entry = self.attributes.get(name)
        return entry is not None and entry[3] is not None

    @property
    def configures(self) -> bool:
        """Whether its file speaks of how to connect to a database, or its fields do."""
        return self.module.configures or ("host" in self.attributes and not _SERVER.isdisjoint(self.attributes))

    @property
    def dotted(self) -> str:
        """Import path."""
        return f"{self.module.name}.{self.qualname}"

    @property
    def path(self) -> str:
        """The file."""
        return self.module.path

    def __reduce__(self) -> tuple[Any, ...]:
        return (empty_class, (self.key,))

    def __repr__(self) -> str:
        return f"<class {self.dotted}>"


class ModuleInfo:
    """A file of the project and its names."""

    __slots__ = (
        "_mentions", "blob", "body", "classes", "functions", "imports", "in_progress", "is_package", "name", "path",
    )  # fmt: skip

    def __init__(self, path: str, name: str, is_package: bool, blob: bytes, facts: tuple[Any, ...]) -> None:
        """A module from its facts; ``blob`` are the same, marshalled: all strings of the source lie in it."""
        self.blob = blob
        self.path = path
        self.name = name
        self.is_package = is_package
        module_span = (1, 1, 1, 1)
        self.body = FunctionInfo(self, ("<module>", module_span, module_span, (), facts[0], (), None, 0, ""), "")
        self.functions: list[FunctionInfo] = []
        self.classes: list[ClassInfo] = []
        #: (module dotted name, imported name or None, span) of every import statement
        self.imports: list[tuple[str, str | None, ir.Span4, FunctionInfo]] = []
        self.in_progress = False
        self._mentions: dict[bytes, bool] = {}

    def mentions(self, text: bytes) -> bool:
        """Whether the text occurs in a string or name of the source."""
        if text not in self._mentions:
            self._mentions[text] = text in self.blob
        return self._mentions[text]

    @property
    def configures(self) -> bool:
        """Whether it speaks of how to connect to a database."""
        return any(self.mentions(word) for word in _CONNECTING)

    def __repr__(self) -> str:
        return f"<module {self.name or self.path}>"


def _definitions(node: tuple[Any, ...]) -> Iterator[tuple[ir.Span4, tuple[Any, ...]]]:
    """The functions, lambdas and classes that are made when ``node`` runs: not what is inside of functions."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if child[0] in ("F", "lam"):
            yield child[2][1], child[2]
            yield from _definitions((child[2][3], child[2][5]))
        elif child[0] == "C":
            yield child[2][1], child[2]
            yield from _definitions(child[2][3:])
        else:
            yield from _definitions(child)


def empty_function(key: Key) -> FunctionInfo:
    """The record of a function that a solution still has to fill in."""
    info = FunctionInfo.__new__(FunctionInfo)
    info.key = key
    return info


def empty_class(key: Key) -> ClassInfo:
    """The same for a class."""
    info = ClassInfo.__new__(ClassInfo)
    info.key = key
    return info
