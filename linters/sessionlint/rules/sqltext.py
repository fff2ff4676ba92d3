"""SQL text as rules see it: where a text is handed over, directly or through functions that pass it on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any, NamedTuple

from sessionlint.patterns import regex
from sessionlint.program import joined_clauses, strings
from sessionlint.program.api import Program
from sessionlint.program.demand import callers_of
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.picking import ADDED, ENTRY
from sessionlint.program.picking import filled as entry
from sessionlint.program.records import UNTOLD
from sessionlint.program.string_methods import filled, joined_items
from sessionlint.program.strings import HOLE, texts_of
from sessionlint.program.texts import AS_UUID
from sessionlint.program.values import ABSENT, UNKNOWN_KEYWORDS, Const, Param, Text, Value
from sessionlint.report import TraceStep

_MAX_HOPS = 4
#: What the last step of a trace says.
EXECUTED = "the text is executed as SQL here"
#: Stands for a literal in a text.
_FILLED = Const("", "str")
# What PostgreSQL could bind: a hole in quotes, compared, or in a list of values.
_VALUE = regex(rf"(?:['%=<>]|\b(?:like|ilike|in\s*\(|values\s*\())\s*{HOLE}", re.I)
#: A literal that is written out: its quotes are no hole's.
_QUOTED = regex(rf"'[^'{HOLE}]*'")
#: What stands in an SQL text for values that are bound.
_PLACEHOLDERS = regex(r"\s*(?:[:$?]|%s|%\(|$)")
_PARTIAL = "functools.partial"
_NAME = regex(r"\bset_config\(\s*:(\w+)", re.I)


class SqlUse(NamedTuple):
    """SQL text handed over at ``event``; ``trace`` leads on to the place that executes it."""

    event: Event
    texts: tuple[Text, ...]
    trace: tuple[TraceStep, ...] = ()


def sql_uses(program: Program) -> Iterator[SqlUse]:
    """Every place that supplies SQL text, once per place."""
    return (use for use in program.shared(_uses) if program.judges(use.event.path))


def _uses(program: Program) -> list[SqlUse]:
    """Those of the whole program: a text may run in another file than it is written in."""
    found: dict[tuple[str, object], SqlUse] = {}
    for use in _all(program):
        found.setdefault(use.event.site, use)
    return list(found.values())


def _all(program: Program) -> Iterator[SqlUse]:
    wanted: dict[Param, tuple[TraceStep, ...]] = {}
    for event in program.events("sql"):
        texts = tuple(t for t in event.value if t.tag == "text")
        if texts:
            yield SqlUse(event, texts)
        for atom in event.args[0] if event.args else ():
            if isinstance(atom, Param):
                wanted.setdefault(atom, (program.step(event.site, EXECUTED),))
    for _ in range(_MAX_HOPS):
        found: dict[Param, tuple[TraceStep, ...]] = {}
        for call, param, value in _passed(program, wanted):
            trace = wanted[param]
            texts = texts_of(value)
            if texts:
                yield SqlUse(call, texts, trace)
            step = program.step(call.site, f"{param.info.name}() passes it on here")
            found.update({a: (step, *trace) for a in value if isinstance(a, Param) and a not in wanted})
        if not found:
            return
        wanted = {**wanted, **found}


def completed_with_literals(program: Program, event: Event, text: Text) -> bool:
    """Whether all that is mixed into an SQL text are parameters to which every call passes literals.

    They are those of the function that hands it over, or that it stands in, or of the methods that made the object
    which it is kept in. That is how names and clauses are chosen, which cannot be bound; a value in quotes or after an
    operator can be.
    """
    if text.text.count(HOLE) != len(text.holes):
        return False
    own = [h for h in text.holes if _is_own(h, event.function) or _is_kept(h, event.function)]
    others = filled(text, [(_FILLED,) if h in own else (h,) for h in text.holes])
    if not own or any(t.dynamic for t in texts_of(others)):
        return False
    values = _in_value_places(text.text)
    return all(_is_literal(program, h, values[i]) for i, h in enumerate(text.holes) if h in own)


def unwritten(program: Program, event: Event, text: Text) -> list[str]:
    """The names of parameters that are mixed into an SQL text and that not every call makes a literal."""
    in_place = text.text.count(HOLE) == len(text.holes)
    values = _in_value_places(text.text) if in_place else [False] * len(text.holes)
    found = [
        _root(hole).name
        for hole, bound in zip(text.holes, values, strict=True)
        if (_is_own(hole, event.function) or _is_kept(hole, event.function)) and not _is_literal(program, hole, bound)
    ]
    return list(dict.fromkeys(found))


def _in_value_places(text: str) -> list[bool]:
    """Of each hole whether PostgreSQL could bind what it stands for."""
    plain = _QUOTED.sub("x", text)
    ends = {m.end() - 1 for m in _VALUE.finditer(plain)}
    return [i in ends for i, letter in enumerate(plain) if letter == HOLE]


def _is_literal(program: Program, hole: Any, bound: bool, below: tuple[Any, ...] = ()) -> bool:
    """Whether every call passes a parameter a literal, or a list of some that is joined.

    ``bound``: it stands where a literal could be bound, so that nothing but numbers and placeholders will do.
    """
    if hole.tag == "operation" and hole.name == AS_UUID:
        return True
    if hole in below or len(below) >= _MAX_HOPS:
        return hole in below
    known = program.shared(_literals)
    if (hole, bound) in known:
        return known[hole, bound]
    root = _root(hole)
    found = root.info not in _not_only_called(program) and _all_pass(program, hole, root, bound, (*below, hole))
    if not below:
        known[hole, bound] = found
    return found


def _all_pass(program: Program, hole: Any, root: Param, bound: bool, below: tuple[Any, ...]) -> bool:
    # what its own decorators call is what callers have passed
    calls = [
        (call, bindings)
        for call, _, bindings in calls_of(program, {root.info})
        if not _is_around(call.function, root.info) or any(t.dynamic for t in texts_of(bindings.get(root, ())))
    ]
    calls += _prepared(program, root, [(call.function, given.get(root, ())) for call, given in calls])
    place = _made_at(hole)
    reached = [c for c in calls if _may_reach(program, root.info, c[1], place)] if place is not None else calls
    to_others = len(calls) - len(reached)
    if not root.info.params:
        # a field that an object is not made with keeps its default, which is told apart
        reached = [c for c in reached if root in c[1]]
    if not reached and not to_others:
        return False
    for call, bindings in reached:
        value = _given(hole, {**bindings, root: settled_there(call, root, bindings.get(root, ()))})
        if not _are_literals(program, call, value, bound, below):
            return False
    return not any(not f.evaluated for f in callers_of({root.info}, program.solver.functions))


def _is_around(caller: FunctionInfo | None, function: FunctionInfo) -> bool:
    """Whether a function is, or stands in, what a decorator puts around another."""
    while caller is not None:
        if caller in function.wrappers:
            return True
        caller = caller.parent
    return False


def _prepared(
    program: Program, root: Param, called_with: list[tuple[FunctionInfo, Value]]
) -> list[tuple[Event, dict[Any, Value]]]:
    """What ``partial(function, …)`` gives a parameter where nobody is seen to call it."""
    found: list[tuple[Event, dict[Any, Value]]] = []
    names = [p[0] for p in root.info.params]
    for event in program.shared(_partials):
        called = next((a for a in event.args[0] if a.tag == "fn" and a.info is root.info), None)
        if called is None:
            continue
        bound = 1 if called.receiver is not None and root.info.class_info is not None else 0
        given = {**dict(zip(names[bound:], event.args[1:], strict=False)), **dict(event.keywords)}
        if root.name in given and (event.function, given[root.name]) not in called_with:
            found.append((event, {root: given[root.name]}))
    return found


def _partials(program: Program) -> list[Event]:
    return [e for e in program.events("external") if e.name == _PARTIAL and e.args]


def _are_literals(program: Program, call: Event, value: Value, bound: bool, below: tuple[Any, ...]) -> bool:
    """Whether what a call passes is text of the source, or what the function around the call gets is."""
    if value and all(a.tag == "const" and a.kind in ("int", "float") for a in value):
        return True
    for text in texts_of(filled(Text(HOLE, True), [value])):
        if bound and HOLE not in text.text and not _PLACEHOLDERS.match(text.text):
            return False
        if not text.dynamic:
            continue
        if text.text.count(HOLE) != len(text.holes):
            return False
        values = _in_value_places(text.text)
        for i, hole in enumerate(text.holes):
            if hole.tag == "param" and strings.declared(program.solver, hole) != hole:
                continue
            if any(t.dynamic for t in texts_of(filled(Text(HOLE, True), [(hole,)]))) and not (
                _is_own(hole, call.function) and _is_literal(program, hole, bound or values[i], below)
            ):
                return False
    return True


def settled_there(call: Event, param: Param, value: Value) -> Value:
    """What a call passes for a parameter, or the literals that a test before the call has found it among."""
    told = next((v for k, v in call.keywords if k == param.name), ()) if call.kind == "call" else ()
    return told if told and all(a.tag != "param" and a.tag != "operation" for a in told) else value


def given_elsewhere(program: Program, function: FunctionInfo, text: Text) -> Iterator[tuple[Event, Text]]:
    """What an object was given by other calls that is in its text and no literal, and where it was."""
    kept = [h for h in text.holes if _is_kept(h, function)]
    calls = list(calls_of(program, {_root(h).info for h in kept}))
    for hole in kept:
        place = _made_at(hole)
        for call, callee, bindings in calls:
            if callee is not _root(hole).info or (
                place is not None and not _may_reach(program, callee, bindings, place)
            ):
                continue
            given = texts_of(filled(Text(HOLE, True, "", (hole,)), [_given(hole, bindings)]))
            yield from ((call, t) for t in given if t.dynamic)


def _made_at(hole: Any) -> Any:
    """Where the object was made that got what is in a hole; ``None`` when that may be any of its class."""
    while hole.tag == "operation":
        if hole.name == ADDED:
            return hole.result
        hole = hole.receiver
    return None


def _may_reach(program: Program, method: FunctionInfo, bindings: dict[Any, Value], place: Any) -> bool:
    """Whether the object may be the one made there whose method a call is of."""
    given = bindings.get(Param(method, method.params[0][0]), ())
    seen = [v for a in given for v in ((a, *program.solver.arguments_of(a)) if isinstance(a, Param) else (a,))]
    objects = [a for a in seen if a.tag != "param"]
    return not objects or any(_is_of(a, place) for a in objects)


def _is_of(atom: Any, place: Any) -> bool:
    """Whether an object was made at a place, or that is not known."""
    places = [v[0].result for _, v in atom.bindings if _is_added(v)] if atom.tag == "inst" else []
    return not places or place in places


def _is_added(value: Value) -> bool:
    return len(value) == 1 and value[0].tag == "operation" and value[0].name == ADDED


def _literals(_: Program) -> dict[tuple[Any, bool], bool]:
    return {}


def _not_only_called(program: Program) -> frozenset[FunctionInfo]:
    return program.shared(_handed_over)


def _handed_over(program: Program) -> frozenset[FunctionInfo]:
    """Functions that routes and schedulers call, and those that are given to something that may call them."""
    # a function inside of one of them is called where it stands, or handed to somebody
    outside = {f for f in program.functions if f.parent is None and program.role(f) in ("endpoint", "background")}
    events = (e for e in program.events("call", "external", "schedule", "setattr", "setitem") if e.name != _PARTIAL)
    given = (a for e in events for v in (*e.args, e.value) for a in v)
    bound = (a for e in program.events("call") for k, v in e.bindings for a in v if not _is_decorated(e, k, a))
    defaults = (a for f in program.functions for _, default in f.param_values.values() for a in default)
    return frozenset((*outside, *(a.info for a in (*given, *bound, *defaults) if a.tag == "fn")))


def _is_decorated(call: Event, param: Any, atom: Any) -> bool:
    """Whether a function is given to a decorator above it that keeps it nowhere: whoever calls it calls it by name."""
    if atom.tag != "fn" or atom.info.module is not call.function.module:
        return False
    if call.callee is None or not any(d[1] == call.span for d in atom.info.decorators):
        return False
    events = [
        e for f in (call.callee, *call.callee.children.values()) for e in f.events if e.kind in ("setitem", "setattr")
    ]
    return param not in [a for e in events for v in (e.value, *e.args) for a in v]


def completed_uses(program: Program) -> Iterator[SqlUse]:
    """SQL that a function puts together from its parameters, as its callers complete it: once per call.

    So are clauses that the methods of an object collect for it, and what goes through another function before it is
    executed.
    """
    built: dict[FunctionInfo, list[tuple[SqlUse, Text]]] = {}
    for use in _all(program):
        function = use.event.function
        for text in use.texts:
            if not text.holes:
                continue
            if all(_is_own(h, function) for h in text.holes):
                for filler in {_root(h).info for h in text.holes}:
                    built.setdefault(filler, []).append((use, text))
            elif all(_is_own(h, function) or _is_kept(h, function) for h in text.holes):
                for filler in {_root(h).info for h in text.holes if _is_kept(h, function)}:
                    built.setdefault(filler, []).append((use, text))
    for call, callee, given in calls_of(program, built.keys()):
        for use, text in built[callee]:
            places = [p for h in text.holes if (p := _made_at(h)) is not None and _root(h).info is callee]
            if places and not any(_may_reach(program, callee, given, p) for p in places):
                continue
            known = [_given(h, given) if _root(h).info is callee else (h,) for h in text.holes]
            done = "is passed on" if use.trace else "is executed as SQL"
            yield SqlUse(
                call, texts_of(filled(text, known)), (program.step(use.event.site, f"the text {done} here"), *use.trace)
            )


def is_set_config(name: str) -> bool:
    """Whether an external call is ``func.set_config``, with or without its schema."""
    return name in ("sqlalchemy.func.set_config", "sqlalchemy.func.pg_catalog.set_config")


def bound_settings(program: Program) -> Iterator[tuple[Event, str]]:
    """Names of settings that ``set_config(:name, …)`` gets as bind parameters; ``…`` is what is not known of them.

    So are those that functions pass on to ``func.set_config(name, …)``, by who calls them.
    """
    called = [e for e in program.events("external") if is_set_config(e.name) and e.args]
    given = [(e, tuple([a for a in e.args[0] if isinstance(a, Param)])) for e in called]
    for event in program.events("use"):
        named = [_NAME.search(t.text) for t in texts_of(event.args[0])] if len(event.args) > 1 else []
        for bind in (m[1] for m in named if m is not None):
            given += [(event, v) for p in event.args[1:] for a in p if a.tag == "map" for k, v in a.items if k == bind]
    for event in program.events("bound"):
        binds = {m[1] for m in map(_NAME.search, (t.text for t in texts_of(event.value))) if m is not None}
        maps = [a for value in event.args for a in value if a.tag == "map"]
        given += [(event, v) for k, v in (*event.keywords, *(i for m in maps for i in m.items)) if k in binds]
    seen: set[Param] = set()
    for _ in range(_MAX_HOPS):
        wanted: dict[Param, tuple[TraceStep, ...]] = {}
        for event, value in given:
            yield from ((event, t.text.replace("\0", "…")) for t in texts_of(value) if t.text.strip("\0"))
            wanted.update({a: () for a in value if isinstance(a, Param) and a not in seen})
        seen.update(wanted)
        given = [(call, value) for call, _, value in _passed(program, wanted)] if wanted else []


def _given(hole: Any, bindings: dict[Any, Value]) -> Value:
    """What a call puts into a hole."""
    if hole.tag == "param":
        return joined_clauses.given(hole, hole.info, bindings.get(hole, ()))
    if hole.name == AS_UUID:
        return (hole,)
    given = _given(hole.receiver, bindings)
    if hole.name == ADDED:
        return given
    if given == (ABSENT,):
        # nothing is passed to ``names or ["id"]``
        return (_FILLED,)
    return entry(hole.result, given) if hole.name == ENTRY else joined_items(hole.result, given)


def _root(hole: Any) -> Any:
    """What a hole is taken out of, or is joined of."""
    while hole.tag == "operation":
        hole = hole.receiver
    return hole


def _is_own(hole: Any, function: FunctionInfo) -> bool:
    """Whether a hole is a parameter of a function, or of one that it stands in."""
    root = _root(hole)
    around: FunctionInfo | None = function
    while isinstance(root, Param) and around is not None:
        if root.info is around:
            return True
        around = around.parent
    return False


def _is_kept(hole: Any, function: FunctionInfo) -> bool:
    """Whether a hole is a parameter of a method through which an object got what it is asked for in ``function``."""
    root = _root(hole)
    return isinstance(root, Param) and root.info is not function and root.info.class_info is not None


def _passed(program: Program, wanted: dict[Param, tuple[TraceStep, ...]]) -> Iterator[tuple[Event, Param, Value]]:
    for call, callee, bindings in calls_of(program, {p.info for p in wanted}):
        for identity, value in bindings.items():
            if isinstance(identity, Param) and identity in wanted and identity.info is callee:
                yield call, identity, value


def calls_of(program: Program, functions: Set[FunctionInfo]) -> Iterator[tuple[Event, FunctionInfo, dict[Any, Value]]]:
    """The calls of these functions with what their parameters get; of a data class, its fields."""
    for call in program.events("call") if functions else ():
        if call.callee is not None and call.callee in functions:
            yield call, call.callee, dict(call.bindings)
    yield from (made for made in program.shared(_made) if made[1] in functions)


def _spreads(event: Event) -> bool:
    """Whether a call passes what a sequence has, in order: ``Column(*row)``."""
    call = event.expr
    return call is not None and call[0] == "c" and any(arg[0] == "*" for arg in call[3])


def _made(program: Program) -> list[tuple[Event, FunctionInfo, dict[Any, Value]]]:
    found: list[tuple[Event, FunctionInfo, dict[Any, Value]]] = []
    for event in program.events("construct"):
        for info in (a.info for a in event.value if a.tag == "cls"):
            if all(c.maker is None for c in program.solver.mro(info)) or program.solver.method(info, "__init__"):
                continue
            fields = program.solver.fields(info)
            given = (*zip(fields, event.args, strict=False), *((k, v) for k, v in event.keywords if k in fields))
            makers = {name: maker for name, maker in fields.items() if maker is not None}
            bindings = {Param(makers[name], name): value for name, value in given if name in makers}
            if any(k == UNKNOWN_KEYWORDS for k, _ in event.keywords) or _spreads(event):
                bindings = {**{Param(maker, name): UNTOLD for name, maker in makers.items()}, **bindings}
            found += [(event, maker, bindings) for maker in dict.fromkeys(makers.values())]
    return found
