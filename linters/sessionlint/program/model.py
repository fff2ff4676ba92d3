"""Functions, classes and modules of the program, and what evaluating them found out.

An :class:`~sessionlint.program.events.Event` is one thing a function does; rules read events.
A :class:`~sessionlint.program.summaries.Summary` is what callers need to know of a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import hooks
from sessionlint.program.events import Effect, Event, Hop, Kept, Transaction
from sessionlint.program.knowledge import SESSION_CLASSES
from sessionlint.program.summaries import Summary
from sessionlint.program.values import Const, Site, Value

__all__ = [
    "JOINED", "KEPT", "ClassInfo", "Effect", "Event", "FunctionInfo", "Hop", "Kept", "Key", "ModuleInfo", "Summary",
    "Transaction",
]  # fmt: skip

Key = tuple[str, str, int]
"""What stands for a function or class from one run to the next: file, qualified name, number among its namesakes."""

#: The attribute of a class under which it is written down which handles its methods make and keep.
KEPT = "<kept>"
#: Cells of the lists that objects keep and join to a text: who adds to one says what is in it.
JOINED = "joined"
#: What an annotation has beside it where it is ``type[…]`` of that.
_CLASS_ITSELF = Const("class", "str")
_A_CALL = Const("callable", "str")
_NOTHING = (Const(None, "NoneType"),)


class FunctionInfo:
    """A function, method, lambda, or the body of a module (name ``<module>``)."""

    __slots__ = (
        "_definitions", "_session_params", "_signature", "abstract", "children", "class_info", "classes",
        "decorator_values", "decorators", "dependencies", "eager", "evaluated", "events", "facts", "flags",
        "header", "identities", "is_classmethod", "is_context_manager", "is_property", "is_staticmethod", "key",
        "last_signature", "module", "name", "overwritten", "param_values", "params", "parent", "qualname",
        "registrations", "routes", "signed", "span", "summary", "traces", "used", "visits", "wrappers",
    )  # fmt: skip

    def __init__(self, key: Key) -> None:
        """The record of a function that a solution still has to fill in."""
        self.key = key
        #: evaluations of earlier solutions, and those of this one, see :mod:`sessionlint.program.memo`
        self.traces: list[Any] = []
        self.last_signature: tuple[Any, ...] = ()

    def fill(
        self,
        module: ModuleInfo,
        facts: tuple[Any, ...],
        qualname: str,
        parent: FunctionInfo | None = None,
        class_info: ClassInfo | None = None,
    ) -> None:
        """A solution meets the definition: nothing is known of it yet but what earlier solutions left."""
        self.module = module
        self.facts = facts
        self.name: str = facts[0]
        self.span: ir.Span4 = facts[1]
        self.header: ir.Span4 = facts[2]
        #: of each: name, kind, annotation, default, span
        self.params: tuple[Any, ...] = tuple([(name, kind, *rest) for kind, name, *rest in facts[3]])
        self.decorators: tuple[ir.Expr, ...] = facts[5]
        self.flags: int = facts[7]
        self.qualname = qualname
        self.parent = parent
        self.class_info = class_info
        self.children: dict[ir.Span4, FunctionInfo] = {}
        self.classes: dict[ir.Span4, ClassInfo] = {}
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
        self.used: list[Any] = []
        self._signature: tuple[Any, ...] | None = None
        self._session_params: tuple[tuple[str, str], ...] | None = None
        #: the atoms that stand for its parameters, as far as they were asked for
        self.identities: dict[str, Any] = {}
        self._definitions: dict[ir.Span4, tuple[Any, ...]] | None = None
        #: of a constructor, see :mod:`sessionlint.program.overwritten` (``None``: not looked at yet)
        self.overwritten: frozenset[ir.Span4] | None = None

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

    @property
    def session_params(self) -> tuple[tuple[str, str], ...]:
        """The parameters that are annotated with a class of sessions and nothing else, with the class."""
        if self._session_params is None:
            self._session_params = tuple(
                [
                    (name, annotation[0].name)
                    for name, (annotation, _) in self.param_values.items()
                    if len(annotation) == 1 and annotation[0].tag == "ext" and annotation[0].name in SESSION_CLASSES
                ]
            )
        return self._session_params

    def definition_at(self, span: ir.Span4) -> tuple[Any, ...]:
        """The facts of the function or class that this one defines at ``span``."""
        if self._definitions is None:
            self._definitions = dict(definitions_in(self.body))
        return self._definitions[span]

    def definitions_differ(self) -> None:
        """Says that its statements have changed."""
        self._definitions = None

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
        self._session_params = None
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
    def called(self) -> str:
        """How messages call it: ``save()``, or "a lambda"."""
        return "a lambda" if self.name == "<lambda>" else f"{self.name}()"

    @property
    def in_full(self) -> str:
        """The same with what it stands in: ``Items.save()``."""
        return self.called if self.name == "<lambda>" else f"{self.qualname}()"

    @property
    def site(self) -> Site:
        """Path and header span."""
        return (self.module.path, self.header)

    @property
    def dotted(self) -> str:
        """Import path: module and qualified name."""
        return f"{self.module.name}.{self.qualname}" if self.module.name else self.qualname

    def __reduce__(self) -> tuple[Any, ...]:
        return (FunctionInfo, (self.key,))

    def __repr__(self) -> str:
        return f"<{self.dotted}>"


#: What a file mentions that says how to connect: options of engines, and the starts of URLs.
_CONNECTING = (
    b"pool_size", b"max_overflow", b"connect_args", b"statement_cache_size", b"sslmode", b"make_url", b"postgresql:",
    b"postgresql+", b"postgres:", b"CERT_NONE",
)  # fmt: skip


def _is_abstract(decorator: ir.Expr) -> bool:
    return (ir.dotted(decorator) or "").rpartition(".")[2].startswith("abstract")


#: What a property is given beside its getter.
_BESIDE_GETTER = frozenset({"setter", "deleter", "update_expression"})


def _completed(method: FunctionInfo) -> str | None:
    """The name of the property that a function is the setter of (``@name.setter``, ``@Base.name.setter``)."""
    outer = [d for d in method.decorators if d[0] == "a" and d[3] in _BESIDE_GETTER]
    return next((d[2][3] if d[2][0] == "a" else d[2][2] for d in outer if d[2][0] in ("a", "n")), None)


#: Fields next to a host that say how to get into what is there.
_SERVER = frozenset({"port", "user", "username", "password"})


class ClassInfo:
    """A class of the project."""

    __slots__ = (
        "_called", "_hooks", "_keeps", "_left_open", "_shape", "_unwritten", "attributes", "bases", "decorators",
        "defined_in", "facts", "header", "key", "last_shape", "maker", "methods", "module", "name", "qualname",
        "registers", "setters", "span",
    )  # fmt: skip

    def __init__(self, key: Key) -> None:
        """The record of a class that a solution still has to fill in."""
        self.key = key
        self.last_shape: tuple[Any, ...] = ()

    def fill(self, module: ModuleInfo, facts: tuple[Any, ...], qualname: str, defined_in: FunctionInfo) -> None:
        """A solution meets the definition."""
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
        #: what assigning to its properties runs
        self.setters: dict[str, FunctionInfo] = {}
        #: name -> (span, annotation value, default value, expression) of the class body, in order
        self.attributes: dict[str, tuple[ir.Span4, Value, Value, ir.Expr | None]] = {}
        self._called: tuple[Any, ...] | None = None
        self._hooks: frozenset[str] | None = None
        self._keeps: dict[Any, str] | None = None
        self._left_open: tuple[str, ...] | None = None
        self._unwritten: frozenset[str] | None = None
        self._shape: tuple[Any, ...] | None = None

    @property
    def shape(self) -> tuple[Any, ...]:
        """What others see of a class: bases, decorators, methods, attributes; not where it stands."""
        if self._shape is None:
            attributes = tuple([(name, entry[1], entry[2]) for name, entry in self.attributes.items()])
            shape = (
                self.bases, self.decorators, tuple(self.methods.items()), attributes, self.configures, self.hooks,
                self.registers, tuple(self.setters.items()), self.called, self.unwritten,
            )  # fmt: skip
            self._shape = self.last_shape = self.last_shape if shape == self.last_shape else shape
        return self._shape

    def add(self, method: FunctionInfo) -> None:
        """A ``def`` of its body; ``@name.setter`` leaves the property that it completes in its place."""
        whole = _completed(method) if method.decorators else None
        if whole is not None and hooks.is_setter(method):
            self.setters[method.name] = method
        if whole is None:
            self.methods[method.name] = method
        elif whole in self.methods:
            self.methods[method.name] = self.methods[whole]
        elif whole != method.name:
            self.methods[method.name] = method
        self.reshaped()

    def reshaped(self) -> None:
        """Says that something in :attr:`shape` has changed."""
        self._shape = self._keeps = self._hooks = self._left_open = self._called = self._unwritten = None

    @property
    def hooks(self) -> frozenset[str]:
        """Its methods that do nothing, for classes below to put others in their place; abstract ones are none."""
        if self._hooks is None:
            empty = (m for m in self.methods.values() if ir.is_empty(m.facts))
            self._hooks = frozenset(m.name for m in empty if not any(_is_abstract(d) for d in m.decorators))
        return self._hooks

    @property
    def unwritten(self) -> frozenset[str]:
        """Its methods that are marked as abstract: no object is made of a class that has one of them."""
        if self._unwritten is None:
            marked = (m.name for m in self.methods.values() if m.decorators and any(map(_is_abstract, m.decorators)))
            self._unwritten = frozenset(marked)
        return self._unwritten

    @property
    def called(self) -> tuple[Any, ...]:
        """What is called without a call: when an object is made, when a column is assigned, and for its defaults."""
        if self._called is None:
            self._called = (
                hooks.of_making(self.methods), hooks.of_assigning(self.methods), hooks.of_defaults(self.attributes),
            )  # fmt: skip
        return self._called

    @property
    def keeps(self) -> dict[Any, str]:
        """The classes that stand in attributes of its body, and in which; those that are only declared there, too."""
        if self._keeps is None:
            values = [(n, e[2] if e[3] is not None else _declared_classes(e[1])) for n, e in self.attributes.items()]
            self._keeps = {a.info: name for name, value in values for a in value if a.tag == "cls"}
        return self._keeps

    @property
    def left_open(self) -> tuple[str, ...]:
        """The attributes of its body that classes below are left to put a class or function into."""
        if self._left_open is None:
            entries = self.attributes.items()
            self._left_open = tuple([n for n, (_, said, value, _) in entries if value == _NOTHING or _is_call(said)])
        return self._left_open

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
        return (ClassInfo, (self.key,))

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
        self.body = FunctionInfo((path, "", 0))
        self.body.fill(self, ("<module>", module_span, module_span, (), facts[0], (), None, 0, ""), "")
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

    def still_mentions(self, blob: bytes) -> bool:
        """Whether the answers given so far hold for these facts as well."""
        return all((text in blob) is known for text, known in self._mentions.items())

    @property
    def configures(self) -> bool:
        """Whether it speaks of how to connect to a database."""
        return any(self.mentions(word) for word in _CONNECTING)

    def __repr__(self) -> str:
        return f"<module {self.name or self.path}>"


def _declared_classes(annotation: Value) -> Value:
    """``type[Repository]``: what an attribute holds that classes below give a value."""
    declared = [a for a in annotation if a.tag == "annotated" and _CLASS_ITSELF in a.metadata]
    return tuple([a for each in declared for a in each.type])


def _is_call(annotation: Value) -> bool:
    """Whether something is declared that is called: ``Callable[…, Repository]``."""
    return any(a.tag == "annotated" and _A_CALL in a.metadata for a in annotation)


def definitions_in(node: tuple[Any, ...]) -> Iterator[tuple[ir.Span4, tuple[Any, ...]]]:
    """The functions, lambdas and classes that are made when ``node`` runs: not what is inside of functions."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        # a name may be spelled like an op: only a node has its facts in the third place
        op = child[0] if len(child) == 3 and type(child[1]) is tuple and type(child[2]) is tuple else ""
        if op in ("F", "lam"):
            yield child[2][1], child[2]
            yield from definitions_in((child[2][3], child[2][5]))
        elif op == "C":
            yield child[2][1], child[2]
            yield from definitions_in(child[2][3:])
        else:
            yield from definitions_in(child)
