"""SQL that is all a request's: ``text(request.query_params["order"])``, ``text(order)`` of an endpoint's parameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import ClassInfo, Event
from sessionlint.program.strings import texts_of
from sessionlint.program.text_origins import FIELD
from sessionlint.program.values import UNKNOWN, Annotation, Ext, Inst, Operation, Param, Value, const
from sessionlint.report import TraceStep
from sessionlint.rules.sqltext import EXECUTED, calls_of, settled_there

_MAX_HOPS = 4
_OF_REQUEST = regex(
    r"(?:(?:fastapi|starlette\.requests)\.Request\(\)\.(?:(?:query_params|path_params|headers|cookies)\b"
    r"|(?:json|form|body)\(\))|(?:fastapi|starlette\.websockets)\.WebSocket\(\)\.receive_(?:text|json)\(\))"
)
_TEXT = Ext("builtins.str()")
_DICTIONARIES = ("builtins.dict", "typing.Dict", "typing.Mapping", "collections.abc.Mapping")
#: Where FastAPI finds what is no dependency, as a parameter's default or in ``Annotated``.
_PLACES = regex(r"^fastapi\.(?:params\.)?(?:Query|Path|Header|Cookie|Body|Form)\(\)$")
_SCHEMAS = ("pydantic.", "sqlmodel.", "msgspec.")
#: Keywords that say which texts are taken at all.
_LIMITS = frozenset({"pattern", "regex", "enum"})


class Asked(NamedTuple):
    """Where a text from a request becomes SQL, or is handed to what runs it; ``trace`` leads to the other end."""

    event: Event
    trace: tuple[TraceStep, ...] = ()


def asked_sql(program: Program) -> Iterator[Asked]:
    """Every place at which all of the SQL is a text from a request."""
    handed: list[tuple[Event, list[Any]]] = []
    for event in program.events("sql"):
        if any(t.dynamic for t in texts_of(event.value)):
            continue
        atoms = [a for value in event.args for a in value]
        if any(_is_asked(program, a) for a in atoms):
            yield Asked(event)
        elif sources := [a for a in atoms if _parameter(a) is not None]:
            handed.append((event, sources))
    if handed:
        given = _given(program, [a for _, sources in handed for a in sources])
        for event, sources in handed:
            yield from _handed(program, event, sources, given)


def _handed(program: Program, event: Event, sources: list[Any], given: dict[Any, Any]) -> Iterator[Asked]:
    """What callers hand over; where none hands over a literal, it is told where it becomes SQL."""
    calls: list[tuple[Event, tuple[TraceStep, ...]]] = []
    literal = False
    pending: list[tuple[Any, tuple[TraceStep, ...]]] = [
        (source, (program.step(event.site, EXECUTED),)) for source in sources
    ]
    for source, trace in pending:
        for call, value in given.get(source, ()):
            if any(_is_asked(program, a) for a in value):
                calls.append((call, trace))
                continue
            literal = literal or any(not t.dynamic for t in texts_of(value))
            if len(trace) < _MAX_HOPS:
                step = program.step(
                    call.site, f"{source.info.name if source.tag == 'param' else 'it'} is passed on here"
                )
                pending += [(a, (step, *trace)) for a in value if _parameter(a) is not None]
    if literal:
        yield from (Asked(call, trace) for call, trace in calls)
    elif calls:
        call, trace = calls[0]
        yield Asked(event, (program.step(call.site, "the text comes from the request here"), *trace[:-1]))


def _given(program: Program, sources: list[Any]) -> dict[Any, list[tuple[Event, Value]]]:
    """What calls pass for parameters, and for fields of these, as far up as that goes."""
    given: dict[Any, list[tuple[Event, Value]]] = {}
    wanted = list(dict.fromkeys(sources))
    for _ in range(_MAX_HOPS):
        below: dict[Any, list[Any]] = {}
        for source in wanted:
            given[source] = []
            below.setdefault(_parameter(source), []).append(source)
        found: dict[Any, None] = {}
        for call, callee, bindings in calls_of(program, {p.info for p in below}):
            origins = dict(call.keywords) if call.kind == "call" else {}
            for param, value in bindings.items():
                for source in below.get(param, ()) if isinstance(param, Param) and param.info is callee else ():
                    told = settled_there(call, param, value)
                    origin = origins.get(param.name, UNKNOWN) if told is value else UNKNOWN
                    passed = (*_field_of(told, source), *_field_of(origin, source))
                    given[source].append((call, passed))
                    found.update(dict.fromkeys(a for a in passed if _parameter(a) is not None and a not in given))
        wanted = list(found)
        if not wanted:
            break
    return given


def _parameter(source: Any) -> Param | None:
    """The parameter that something is, or is a field of."""
    param = source.receiver if source.tag == "operation" and source.name == FIELD else source
    return param if isinstance(param, Param) else None


def _field_of(value: Value, source: Any) -> Value:
    """What is passed, or the same field of it."""
    if isinstance(source, Param):
        return value
    way = source.result[0].value
    out: list[Any] = []
    for atom in value:
        if isinstance(atom, Param):
            out.append(Operation(atom, FIELD, const(way)))
        elif _parameter(atom) is not None:
            out.append(atom._replace(result=const(f"{atom.result[0].value}.{way}")))
        elif atom.tag == "map":
            out += atom.get(way) or UNKNOWN
        elif atom.tag == "ext" and _OF_REQUEST.match(atom.name):
            out.append(atom)
    return tuple(out)


def _is_asked(program: Program, source: Any) -> bool:
    """Whether something is a text that whoever sends a request chooses."""
    if source.tag == "ext":
        return _OF_REQUEST.match(source.name) is not None
    param = _parameter(source)
    if param is None or not (param.info.routes or param.info in program.dependency_functions):
        return False
    entry = next((p for p in param.info.params if p[0] == param.name), None)
    if entry is None or param.name in param.info.dependencies or _is_limited((entry[2], entry[3])):
        return False
    annotation, default = param.info.param_values.get(param.name, (UNKNOWN, UNKNOWN))
    marks = [m for a in annotation if isinstance(a, Annotation) for m in a.metadata]
    if any(m.tag != "ext" or _PLACES.match(m.name) is None for m in marks):
        return False
    declared = program.solver.instances(annotation)
    if source.tag == "operation":
        return _has_text(program, declared, source.result[0].value.split("."))
    in_place = any(a.tag == "ext" and (_PLACES.match(a.name) or _OF_REQUEST.match(a.name)) for a in default)
    return all(a == _TEXT for a in declared) if declared else not annotation and in_place


def _has_text(program: Program, declared: Value, way: list[str]) -> bool:
    """Whether a field of a body is any text."""
    for name in way[:-1]:
        declared = _field(program, declared, name)
    if len(declared) == 1 and declared[0].tag in ("ext", "map"):
        # a dictionary that nobody has looked into
        return len(way) == 1 and (declared[0].tag == "map" or declared[0].name.startswith(_DICTIONARIES))
    return _field(program, declared, way[-1]) == (_TEXT,)


def _field(program: Program, declared: Value, name: str) -> Value:
    """What a field of a schema is declared to be; nothing where that says which texts are taken, or changes them."""
    owners = [a for a in declared if isinstance(a, Inst)]
    if len(owners) != 1 or len(declared) > 1:
        return UNKNOWN
    above: list[ClassInfo] = list(program.solver.mro(owners[0].info))
    if any(name in c.methods or c.called[0] for c in above):
        return UNKNOWN
    if not any(b.startswith(_SCHEMAS) for b in program.solver.external_bases(owners[0].info)):
        return UNKNOWN
    entry = next((c.attributes[name] for c in above if name in c.attributes), None)
    if entry is None or _is_limited(entry[3]) or any(a.tag == "annotated" for a in entry[1]):
        return UNKNOWN
    return tuple(program.solver.instances(entry[1]))


def _is_limited(node: Any) -> bool:
    """Whether a declaration has one of the keywords that limit texts."""
    if type(node) is not tuple:
        return False
    if len(node) == 5 and node[0] == "c" and any(k in _LIMITS for k, _ in node[4]):
        return True
    return any(_is_limited(child) for child in node)


__all__ = ["Asked", "asked_sql"]
