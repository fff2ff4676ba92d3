"""How an engine is configured: its URLs, keyword arguments and ``connect_args``, as far as the code tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import engine_configs, knowledge
from sessionlint.program.api import Program
from sessionlint.program.literals import owner_of
from sessionlint.program.made_for import MADE
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.program.values import UNKNOWN_KEYWORDS, Handle, Map, Site, Value
from sessionlint.report import TraceStep
from sessionlint.rules.branches import for_sqlite, for_tests
from sessionlint.rules.callers import calls_by_callee
from sessionlint.rules.connect_hooks import hooked
from sessionlint.rules.database_urls import Url, argument_span, urls_in

#: What a number from the environment is besides its default, and what a declared field may be besides its own.
_FROM_OUTSIDE = regex(r"^os\.environ\[\]\.__int__\(\)$")
_DECLARED = regex(
    rf"{_FROM_OUTSIDE.pattern}|^builtins\.(?:int|str|bool)\(\)$|^typing\.Literal\(\)$|"
    r"^pydantic\.(?:types\.)?(?:\w+Int|conint)\(\)$|^(?:pydantic|dataclasses|attrs?)\.[fF]ield\(\)$|^attr\.ib\(\)$"
)
_DEFAULTS = ("0", "default")
#: Classes that read their fields from the environment.
_SETTINGS = ("pydantic_settings.", "pydantic.BaseSettings", "pydantic.v1.BaseSettings")
#: So many functions may stand between a branch and the engine that is made for it.
_MAX_HOPS = 3
#: A span and the function it lies in.
Place = tuple[FunctionInfo, ir.Span4]
#: A class and the name of a field of it.
Field = tuple[ClassInfo, str]


@dataclass(frozen=True, slots=True)
class EngineCall:
    """A call that makes an engine.

    ``urls`` are all URLs it may get as far as known, ``urls_known`` whether there are no others (an
    environment variable, a setting with a default); ``connect_args`` all dictionaries (empty and
    ``connect_args_known``: none given). ``complete`` is False when ``**options`` may bring more arguments. ``direct``:
    it is a driver that connects, and its arguments are what an engine would be given as ``connect_args``.
    ``called``: the call of a function that makes it so.
    """

    event: Event
    urls: tuple[Url, ...]
    urls_known: bool
    options: dict[str, Value]
    connect_args: tuple[Map, ...]
    connect_args_known: bool
    complete: bool
    is_async: bool
    direct: bool = False
    called: Event | None = None

    def steps(self, program: Program) -> list[TraceStep]:
        """The call that gives the function what its engine is made of, where it is told of that call alone."""
        if self.called is None:
            return []
        return [program.step(self.called.site, "this call gives the function what its engine is made of")]

    @property
    def url_span(self) -> ir.Span4:
        """Where the URL is given, or the host."""
        return self.span_of("host") if "host" in self.options else argument_span(self.event)

    def value_of(self, program: Program, option: str) -> Value:
        """All an option may be, arguments of parameters included."""
        return resolved(program, self.options.get(option) or ())

    def span_of(self, option: str) -> ir.Span4:
        """Where an option is given: its value when it is written in the call, else the call."""
        expr = self.event.expr
        if expr is not None and expr[0] == "c":
            for name, value in expr[4]:
                if name == option:
                    span: ir.Span4 = value[1]
                    return span
        return self.event.span

    def place_in(self, program: Program, *keys: str) -> Place:
        """Where an entry of ``connect_args`` is written, down the ``keys``: its key in the dictionary, its assignment.

        When neither can be found it is where the dictionary is given to the engine.
        """
        place = (self.event.function, self.span_of(keys[0] if self.direct else "connect_args"))
        maps: tuple[Map, ...] = self.connect_args
        for key in keys:
            holding = [m for m in maps if m.get(key) is not None]
            place = next((found for m in holding if (found := _written(program, m, key))), place)
            maps = tuple(a for m in holding for a in m.get(key) or () if isinstance(a, Map))
        return place

    def all_urls(self, holds: str) -> bool:
        """Whether the URLs are known and the property ``holds`` is true of each."""
        return bool(self.urls) and all(getattr(u, holds) for u in self.urls)


def _written(program: Program, entries: Map, key: str) -> Place | None:
    """Where a key of a dictionary is written down."""
    module = program.solver.modules.get(entries.site[0]) if entries.site is not None else None
    if module is None or entries.site is None:
        return None
    owner = owner_of(module, entries.site[1])
    written = _key_in(ir.body_of(owner.facts), entries.site[1], key)
    if written is None:
        assigned = (e for e in owner.events if e.kind == "setitem" and e.name == key)
        written = next((e.span for e in assigned if any(_is_same(a, entries) for a in e.subject)), None)
    return (owner, written) if written is not None else None


def _is_same(atom: object, entries: Map) -> bool:
    return isinstance(atom, Map) and atom.site == entries.site


def _key_in(node: tuple[Any, ...], span: ir.Span4, key: str) -> ir.Span4 | None:
    """The key of the dictionary expression (literal or call of ``dict``) at ``span``, below ``node``."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if len(child) > 3 and child[0] in ("d", "c") and child[1] == span:
            keys = child[2] if child[0] == "d" else ()
            found = next((k[1] for k in keys if k is not None and k[0] == "k" and k[2] == key), None)
            return found or next((v[1] for k, v in child[4] if k == key) if child[0] == "c" else iter(()), None)
        inner = _key_in(child, span, key)
        if inner is not None:
            return inner
    return None


def engine_calls(program: Program) -> tuple[EngineCall, ...]:
    """All engines made outside tests, branches for tests, and migrations; those too that one call has otherwise."""
    return program.shared(_engine_calls)


def _engine_calls(program: Program) -> tuple[EngineCall, ...]:
    return tuple(_calls(program))


def _calls(program: Program) -> Iterator[EngineCall]:
    for event in program.events("create"):
        exempt = event.name != "engine" or program.role(event.function) in ("test", "migration")
        if not exempt and not stands_in(program, event, for_tests):
            yield _read(program, event)
    for made in program.events(MADE):
        event = made.value[0].event
        roles = {program.role(f) for f in (made.function, event.function)}
        if roles.isdisjoint(("test", "migration")) and not any(
            stands_in(program, made, branch) for branch in (for_tests, for_sqlite)
        ):
            yield replace(_read(program, event), called=made)


def _read(program: Program, event: Event) -> EngineCall:
    names = {atom.name for atom in event.value if atom.tag == "ext"}
    from_config = any(name.endswith("engine_from_config") for name in names)
    options = {**_configured(program, event), **dict(event.keywords)} if from_config else dict(event.keywords)
    complete = not from_config and UNKNOWN_KEYWORDS not in options
    given = options.get("connect_args")
    maps: tuple[Map, ...] = ()
    known = given is None and complete
    if given is not None:
        passed = resolved(program, given)
        maps = tuple(a for a in passed if isinstance(a, Map))
        none = [a for a in passed if a.tag == "const" and a.value is None]
        known = bool(passed) and len(maps) + len(none) == len(passed) and not any(m.partial for m in maps)
        known = known and not any(not isinstance(k, str) or k == UNKNOWN_KEYWORDS for m in maps for k, _ in m.items)
    maps, told = hooked(program, frozenset(_roots(event.subject)), maps)
    known = known and told
    if {"creator", "async_creator", "module", "pool"} & options.keys():
        known = False
    first = event.args[0] if event.args and not from_config else options.get("url", ())
    urls = tuple(dict.fromkeys(urls_in(program, first)))
    certain = bool(urls) and all(a.tag in ("const", "text", "map") for a in resolved(program, first))
    is_async = any("async" in n for n in names) or not program.shared(_made_async).isdisjoint(_roots(event.subject))
    return EngineCall(event, urls, certain, options, maps, known, complete, is_async)


def _made_async(program: Program) -> frozenset[Site]:
    """Where engines are made that are then given to ``AsyncEngine(…)``."""
    wrapped = (e for e in program.events("external") if e.name == knowledge.ASYNC_ENGINE)
    given = (v for e in wrapped for v in (*e.args[:1], *(v for k, v in e.keywords if k == "sync_engine")))
    return frozenset(root for value in given for root in _roots(resolved(program, value)))


def _roots(value: Value) -> Iterator[Site]:
    """Where the handles among some atoms are made."""
    return (a.root for a in value if isinstance(a, Handle))


def _configured(program: Program, event: Event) -> dict[str, Value]:
    """The options that ``engine_from_config`` takes out of a dictionary that the function is given."""
    named = dict(event.keywords)
    config = resolved(program, event.args[0] if event.args else named.get("configuration", ()))
    return engine_configs.taken_out(config, list(event.args), named) or {}


def resolved(program: Program, value: Value) -> Value:
    """With what callers pass for the parameters in a value, in the place of those."""
    out: list[object] = []
    for atom in value:
        if atom.tag == "param":
            declared = atom.info.param_values.get(atom.name, ((), ()))[1]
            passed = (*program.solver.arguments_of(atom), *declared)
            out.extend(a for a in passed if a.tag != "param")
        else:
            out.append(atom)
    return tuple(dict.fromkeys(out))


def only_constants(value: Value | None) -> list[object] | None:
    """The literals a value may be, or ``None`` when it may be something else."""
    if not value or any(a.tag != "const" for a in value):
        return None
    return [a.value for a in value]


def settled(program: Program, value: Value | None, deployed: bool = True) -> list[object] | None:
    """The literals a value may be, or the literal default of the variable or settings class's field that it is.

    A field's default counts where no constructor call gives the field another value; what a deployment may put into
    the environment, not unless it is ``deployed`` as the source has it. ``None``: it may be something else.
    """
    plain = only_constants(value)
    if plain is not None or not value:
        return plain
    defaults = [
        a for m in value if isinstance(m, Map) and m.site is None for k, v in m.items if k in _DEFAULTS for a in v
    ]
    literals = [a for a in (*value, *defaults) if a.tag == "const"]
    declared = all(a.tag in ("const", "map") or (a.tag == "ext" and _DECLARED.search(a.name)) for a in value)
    if not declared or not literals:
        return None
    fields = _fields_of(program, value)
    if not deployed and any(_reads_environment(program, owner) for owner, _ in fields):
        return None
    if deployed and not fields and not defaults and any(a.tag == "ext" and _FROM_OUTSIDE.match(a.name) for a in value):
        return [a.value for a in literals]
    return None if not fields or any(_is_given(program, *field) for field in fields) else [a.value for a in literals]


def _reads_environment(program: Program, owner: ClassInfo) -> bool:
    return any(base.startswith(_SETTINGS) for base in program.solver.external_bases(owner))


def _fields_of(program: Program, value: Value) -> list[Field]:
    """The fields of classes that may have all of a value: what is assigned to them, instances of what is declared."""
    declared = program.shared(_fields_by_atom)
    return [field for field in declared.get(value[0], ()) if all(field in declared.get(a, ()) for a in value[1:])]


def _fields_by_atom(program: Program) -> dict[Any, dict[Field, None]]:
    found: dict[Any, dict[Field, None]] = {}
    for owner in program.classes:
        for name, entry in owner.attributes.items():
            for atom in (*entry[2], *program.solver.instances(entry[1])):
                found.setdefault(atom, {})[owner, name] = None
    return found


def _is_given(program: Program, owner: ClassInfo, name: str) -> bool:
    """Whether a constructor call gives a field a value, or may do so."""
    position = list(owner.attributes).index(name)
    for event in program.shared(_constructed).get(owner, ()):
        keywords = {k for k, _ in event.keywords}
        if name in keywords or UNKNOWN_KEYWORDS in keywords or len(event.args) > position:
            return True
    return False


def _constructed(program: Program) -> dict[ClassInfo, list[Event]]:
    """The calls that make instances of each class, or of a class below it."""
    found: dict[ClassInfo, list[Event]] = {}
    for event in program.events("construct"):
        for made in dict.fromkeys(c for a in event.value for c in program.solver.mro(a.info)):
            found.setdefault(made, []).append(event)
    return found


def wants_pooler(program: Program, call: EngineCall) -> bool:
    """Whether the engine is meant for a transaction pooler: by its URL, or because the policy says so.

    An engine whose URL is written out and leads elsewhere (SQLite, this machine, a direct host) is not, nor one made
    where the code has asked for SQLite.
    """
    if only_for_sqlite(program, call.event):
        return False
    if not call.urls_known and not any(u.port and u.host_known and u.is_remote for u in call.urls):
        return program.policy.preset == "scrapersky"
    port = str(program.policy.pooler_port)
    if any(u.port == port or (u.on_pooler_host and u.port in (None, port, "\0")) for u in call.urls):
        return True
    if program.policy.preset != "scrapersky":
        return False
    elsewhere = ("is_sqlite", "is_local", "is_direct_supabase")
    return any(not any(getattr(u, e) for e in elsewhere) and _may_be(u.port, port) for u in call.urls)


def only_for_sqlite(program: Program, event: Event) -> bool:
    """Whether an engine is made where the code has asked for SQLite, or by a function that is called there alone."""
    return stands_in(program, event, for_sqlite)


def stands_in(program: Program, event: Event, branch: Callable[[FunctionInfo, ir.Span4], bool], hops: int = 0) -> bool:
    """Whether a call stands in a branch of a kind, or in a function that is called from such branches only."""
    if branch(event.function, event.span):
        return True
    calls = program.shared(calls_by_callee).get(event.function, ()) if hops < _MAX_HOPS else ()
    return bool(calls) and all(stands_in(program, call, branch, hops + 1) for call in calls)


def _may_be(port: str | None, wanted: str) -> bool:
    return port is None or "\0" in port or port == wanted
