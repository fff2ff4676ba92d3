"""Schemas and data classes as dictionaries: what ``model_dump()``, ``asdict()`` and ``vars()`` give the keys of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.values import UNKNOWN, UNKNOWN_KEYWORDS, Const, Ext, Inst, Map, Value, join, join_all, literal

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

Keywords = list[tuple[str, Value]]
#: Methods of schemas and records that give their fields.
DUMPS = ("model_dump", "dict", "_asdict")
#: Methods of named tuples and typed dictionaries that give a copy, or one field.
READS = ("_replace", "copy", "get")
#: Class methods of schemas that make an instance of the class they are called on.
BUILDS = ("model_validate", "model_validate_json", "model_construct", "parse_obj", "parse_raw", "from_orm")
#: Under this key an instance keeps the dictionary of claims that it was made of as a whole.
COPIED = Const(UNKNOWN_KEYWORDS, "str")
#: Keys of this kind tell what handles the fields of a data class were given.
FIELD = "field"
#: Keys of this kind have what a copy was given in the place of a session or object that the original has.
REPLACED = "replaced"
#: Cells of what statements assign to fields.
ASSIGNED = "assigned"
#: Cells of fields that something else than a call of the class fills: a request, a copy with another value.
ELSEWHERE = "elsewhere"
#: What a field holds that was given something nothing is known of.
UNTOLD: Value = (Ext("builtins.object()"),)
_DICTIONARIES = {"builtins.dict", "collections.UserDict"}
_SCHEMAS = ("pydantic.", "pydantic_settings.", "sqlmodel.")
_TUPLES = "typing.NamedTuple"
#: Longer schemas are cut; a tenant's fields are kept.
_MAX_FIELDS = 60


def dumps(frame: Frame, atom: Inst, name: str) -> bool:
    """Whether the attribute ``name`` of an instance is a library's method that gives its fields as a dictionary."""
    if name not in DUMPS:
        return False
    bases = frame.solver.external_bases(atom.info)
    return _TUPLES in bases if name == "_asdict" else any(b.startswith(_SCHEMAS) for b in bases)


def reads(frame: Frame, atom: Inst, name: str) -> bool:
    """Whether ``name`` is what every named tuple or typed dictionary has for reading and copying it."""
    return name in READS and frame.solver.is_record(atom.info)


def read(frame: Frame, atom: Inst, name: str, args: list[Value], keywords: Keywords) -> Value:
    """``typed_dictionary.get("session")``."""
    if name != "get":
        return (atom,)
    key = literal(args[0]) if args else None
    default = args[1] if len(args) > 1 else UNKNOWN
    return join(frame.solver.attribute(atom.info, key), default) if isinstance(key, str) else default


def dumped(frame: Frame, atom: Inst, keywords: Keywords) -> Value:
    """``body.model_dump(exclude={…})``: the fields that are left; unknown when it cannot be told which."""
    given = dict(keywords)
    kept = as_map(frame, atom)
    claims = dict(atom.bindings).get(COPIED, UNKNOWN)
    for option in ("include", "exclude"):
        if option not in given or _is_none(given[option]):
            continue
        named = _names(given[option])
        if named is None:
            return UNKNOWN
        kept = kept._replace(items=tuple(i for i in kept.items if (i[0] in named) is (option == "include")))
        claims = UNKNOWN
    return (kept, *claims)


def builds(frame: Frame, info: Any, name: str) -> bool:
    """Whether the attribute ``name`` of a class is a library's method that makes an instance of it."""
    return name in BUILDS and any(b.startswith(_SCHEMAS) for b in frame.solver.external_bases(info))


def built(frame: Frame, info: Any, args: list[Value], keywords: Keywords) -> Value:
    """``Schema.model_validate(data)``."""
    given = join_all([*args, *(v for _, v in keywords)])
    claims = _claims(frame, given)
    return (Inst(info, ((COPIED, claims),) if claims else ()),)


def taken_over(frame: Frame, info: Any, args: list[Value], keywords: Keywords) -> Value:
    """Claims that an instance takes over as a whole: ``Payload(**claims)``, ``Claims(claims)`` of a dictionary."""
    given = dict(keywords).get(UNKNOWN_KEYWORDS, UNKNOWN)
    if args and frame.solver.external_bases(info) & _DICTIONARIES:
        given = join(given, args[0])
    return _claims(frame, given)


def _claims(frame: Frame, value: Value) -> Value:
    seen = [v for a in value for v in (frame.solver.views(a) if a.tag in ("param", "injected") else (a,))]
    found = (a for a in seen if a.tag == "ext" and a.name.endswith("()"))
    return tuple(a for a in found if knowledge.JWT_DECODERS.match(a.name[:-2]))


def as_map(frame: Frame, atom: Inst) -> Map:
    """The fields of an instance as a dictionary; their values stay unknown."""
    names = dict.fromkeys(
        n for cls in reversed(frame.solver.mro(atom.info)) for n in cls.attributes if not n.startswith(("_", "model_"))
    )
    # a tenant's first: few alternatives of a value are kept
    tenants = frame.solver.policy.tenant_names
    ordered = sorted(names, key=lambda n: n not in tenants)[:_MAX_FIELDS]
    return Map(tuple((n, UNKNOWN) for n in ordered), True)


def mapped(frame: Frame, value: Value) -> Value:
    """A value whose instances (``vars(record)``, a typed dictionary) are seen as dictionaries."""
    out: Value = UNKNOWN
    for atom in value:
        seen = frame.solver.views(atom) if atom.tag in ("param", "injected") else (atom,)
        found = tuple(as_map(frame, a) if a.tag == "inst" and not frame.solver.kind_of(a) else a for a in seen)
        out = join(out, found if any(a.tag == "map" for a in found) else (atom,))
    return out


def asdict(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``dataclasses.asdict(record)``."""
    given = args[0] if args else UNKNOWN
    seen = [v for a in given for v in (frame.solver.views(a) if a.tag in ("param", "injected") else (a,))]
    return tuple(_filled(frame, atom) for atom in seen if atom.tag == "inst" and not frame.solver.kind_of(atom))


def _filled(frame: Frame, record: Inst) -> Map:
    """The fields of a data class with what they hold: in this object, else in any."""
    fields = as_map(frame, record)
    known = dict(record.bindings)
    held = ((n, known.get(Const(n, FIELD)) or frame.solver.attribute(record.info, n)) for n, _ in fields.items)
    return fields._replace(items=tuple(held))


def _is_none(value: Value) -> bool:
    return bool(value) and all(a.tag == "const" and a.value is None for a in value)


def _names(value: Value) -> set[Any] | None:
    """The names in a literal set, list or dictionary of names, or ``None``."""
    names: set[Any] = set()
    for atom in value:
        if atom.tag == "map" and not atom.partial:
            names.update(k for k, _ in atom.items)
        elif atom.tag == "seq" and all(literal(i) is not None for i in atom.items):
            names.update(literal(i) for i in atom.items)
        else:
            return None
    return names or None
