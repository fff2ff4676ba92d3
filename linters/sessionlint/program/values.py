"""Abstract values: what an expression may be, as a small tuple of atoms (see :mod:`sessionlint.program.atoms`).

A value is a tuple of atoms; the empty tuple is *unknown*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sessionlint.program.atoms import (
    CONNECTION,
    DRIVER,
    ENGINE,
    FACTORY,
    JOB_CONTEXT,
    POOL,
    SESSION,
    TASK,
    TRANSACTION,
    WORKER_CONTEXT,
    Annotation,
    ClassOf,
    Closed,
    Cls,
    Column,
    Const,
    Dependency,
    Ext,
    Fn,
    Handle,
    Injected,
    Inst,
    Map,
    Method,
    Mod,
    Obj,
    Operation,
    Param,
    PartialCall,
    Pending,
    Predicate,
    Row,
    Seq,
    Site,
    Text,
    TlsContext,
    Value,
)

__all__ = [
    "ABSENT",
    "ANY_TEXT",
    "BY_NAME",
    "CONNECTION",
    "DRIVER",
    "ENGINE",
    "FACTORY",
    "JOB_CONTEXT",
    "MARK",
    "MAX_ARGUMENTS",
    "MAX_ATOMS",
    "MAX_DEPTH",
    "MAX_HELD",
    "MAX_ITEMS",
    "MAX_KEYS",
    "MAX_TEXT",
    "MORE",
    "NAMESPACE",
    "POOL",
    "SESSION",
    "SPREAD",
    "TASK",
    "TRANSACTION",
    "UNKNOWN",
    "UNKNOWN_KEYWORDS",
    "WORKER_CONTEXT",
    "Annotation",
    "ClassOf",
    "Closed",
    "Cls",
    "Column",
    "Const",
    "Dependency",
    "Ext",
    "Fn",
    "Handle",
    "Injected",
    "Inst",
    "Map",
    "Method",
    "Mod",
    "Obj",
    "Operation",
    "Param",
    "PartialCall",
    "Pending",
    "Predicate",
    "Row",
    "Seq",
    "Site",
    "Text",
    "TlsContext",
    "Value",
    "alternatives",
    "bounded",
    "const",
    "contained",
    "join",
    "join_all",
    "laid_over",
    "literal",
    "mark_of",
    "merge_maps",
    "of_keywords",
    "shallow",
    "whole_of",
]

MAX_ATOMS = 8
MAX_DEPTH = 3
#: Values that hold more atoms than this are kept less deep.
MAX_HELD = 1000
#: Parameters of decorators and registries receive many functions.
MAX_ARGUMENTS = 48


UNKNOWN: Value = ()
#: The key under which an object that keeps a registry has what tells it from others.
MARK = Const("<registry>", "mark")
#: The entry that marks a dictionary of attributes.
NAMESPACE = (("namespace",), UNKNOWN)


def join(left: Value, right: Value, limit: int = MAX_ATOMS) -> Value:
    """What either side may be, at most ``limit`` atoms, first come first kept."""
    if not right or left is right:
        return left
    if not left:
        return right
    extra = [a for a in right if a not in left]
    return (left + tuple(extra))[:limit] if extra else left


def join_all(values: list[Value]) -> Value:
    """The join of several values."""
    result: Value = ()
    for value in values:
        result = join(result, value)
    return result


#: A text of which nothing is known.
ANY_TEXT = Ext("builtins.str()")
#: What ``getattr(x, name)`` is a call of as long as only callers know the name.
BY_NAME: Value = (Ext("builtins.getattr"),)

#: Stands among keyword arguments and dictionary keys for "and others that are not known" (``**options``).
UNKNOWN_KEYWORDS = "**"


#: Under this key a dictionary has what a library gave and was spread into it (``{**claims}``): the whole.
SPREAD: tuple[str] = ("**",)

#: The entry of :attr:`Map.whole` for "and others".
MORE: tuple[Any, Value] = (("more",), UNKNOWN)


def spread_entries(atom: Map) -> Value:
    """One entry of what was spread into a dictionary: a part, no longer the whole."""
    whole = atom.get(SPREAD) or UNKNOWN
    return tuple([Ext(a.name if a.name.endswith("[]") else f"{a.name}[]") for a in whole if a.tag == "ext"])


def merge_maps(left: Map, right: Map) -> Map:
    """The dictionary after ``left.update(right)``."""
    kept = tuple((k, v) for k, v in left.items if right.get(k) is None)
    items = (*kept, *right.items)[:MAX_KEYS]
    return Map(items, left.partial or right.partial, left.site, whole_of([left, right]))


def whole_of(parts: Sequence[Map]) -> tuple[tuple[Any, Value], ...]:
    """:attr:`Map.whole` of dictionaries put over each other; empty when none has any."""
    if not any(m.whole for m in parts):
        return ()
    entries: tuple[tuple[Any, Value], ...] = ()
    for part in parts:
        entries = laid_over(entries, part.whole or (*part.items, *([MORE] if part.partial else ())))
    return entries[:MAX_KEYS]


def laid_over(below: Sequence[tuple[Any, Value]], above: Sequence[tuple[Any, Value]]) -> tuple[tuple[Any, Value], ...]:
    """The entries of two dictionaries in one: those above replace those below."""
    replaced = {k for k, _ in above}
    return (*(i for i in below if i[0] not in replaced), *above)


def of_keywords(keywords: Sequence[tuple[str, Value]]) -> Map:
    """The dictionary that ``**options`` is for a call with these keyword arguments."""
    rest = tuple(a for k, v in keywords if k == UNKNOWN_KEYWORDS for a in v if a.tag == "map")
    spread = {k for m in rest for k, _ in m.items}
    own = tuple((k, v) for k, v in keywords if k not in spread and k != UNKNOWN_KEYWORDS)
    partial = any(k == UNKNOWN_KEYWORDS for k, _ in keywords)
    return Map(tuple(keywords), partial, None, whole_of([Map(own), *rest]))


def const(value: Any) -> Value:
    """The value of a literal."""
    return (Const(value, type(value).__name__),)


#: The value of an argument that some paths do not pass.
ABSENT = Const(None, "NoneType")


def literal(value: Value) -> Any:
    """The Python value when it is one known literal, else ``None``."""
    if len(value) == 1 and value[0].tag == "const":
        return value[0].value
    return None


def alternatives(keys: Value) -> tuple[Any, ...]:
    """The dictionary keys that a value of several literals may be; ``("?",)`` stands for keys that are not known."""
    known = tuple(a.value for a in keys if a.tag == "const" and a.kind == "str")
    return known if known and len(known) == len(keys) else (("?",),)


def contained(value: Value, depth: int = MAX_DEPTH) -> list[Any]:
    """The atoms of a value and what they hold: elements, arguments, bound methods' receivers.

    What is held in several places, the very same value, is listed once.
    """
    found: list[Any] = []
    _gather(value, depth, found, set())
    return found


def _gather(value: Value, depth: int, found: list[Any], seen: set[tuple[int, int]]) -> None:
    for atom in value:
        found.append(atom)
        tag = atom.tag
        if depth <= 0 or tag not in _HOLDING:
            continue
        if tag == "method" or tag == "fn":
            if atom.receiver is not None:
                _gather((atom.receiver,), depth - 1, found, seen)
            continue
        if tag == "seq":
            inner: Sequence[Value] = atom.items
        elif tag == "map":
            inner = [v for _, v in atom.items]
        elif tag == "partial":
            inner = [atom.function, *atom.args, *[v for _, v in atom.keywords]]
        else:
            # not what an object makes itself: that is no one else's
            inner = [v for k, v in atom.bindings if k.tag != "handle"]
        for part in inner:
            if part:
                key = (id(part), depth)
                if key not in seen:
                    seen.add(key)
                    _gather(part, depth - 1, found, seen)


#: Atoms that may hold others.
_HOLDING = frozenset({"seq", "inst", "pending", "closed", "map", "partial", "method", "fn"})
#: Atoms that hold no others, or none that are cut.
_FLAT = frozenset({
    "ext", "obj", "mod", "fn", "cls", "handle", "param", "injected", "const", "method", "operation", "dependency",
    "annotation", "annotated", "column", "predicate", "row", "tls",
})  # fmt: skip


#: Flat atoms that hold something all the same, and go where nothing may be held any more.
_DROPPED = frozenset({"operation", "predicate", "column", "method", "annotated"})
MAX_ITEMS = 24
#: So many functions a list may have, such as the jobs of a worker, all of which are run.
MAX_FUNCTIONS = 200
MAX_KEYS = 60
MAX_TEXT = 4000
_TOO_MUCH = 1_000_000
_Known = dict[tuple[int, int], tuple[Value, Value]]
#: A large dictionary that grows is cut again and again, and most of what it holds is the same.
_CUT: _Known = {}
_MOST_CUT = 5_000
_MOST = _TOO_MUCH - 1


def mark_of(atom: Any) -> Any:
    """What tells an object that keeps a registry from others of its class."""
    return next((v[0] for k, v in atom.bindings if k == MARK), None) if atom.tag == "inst" else None


def bounded(value: Value) -> Value:
    """The value as cells and summaries keep it: no deeper than :data:`MAX_DEPTH`, and less deep when it holds much.

    Functions that copy nested dictionaries by recursion would else multiply what they hold with every level.
    """
    depth = MAX_DEPTH
    if _size(value, depth, MAX_HELD) <= MAX_HELD:
        return value
    kept = _cut_to(value, depth)
    while depth > 1 and _size(kept, MAX_DEPTH, MAX_HELD) > MAX_HELD:
        depth -= 1
        kept = _cut_to(kept, depth)
    return kept


def _size(value: Value, depth: int, limit: int) -> int:
    """How many atoms a value holds, or some number above ``limit``; above any when some are too deep or too many."""
    size = len(value)
    inner: Sequence[Value]
    for atom in value:
        tag = atom.tag
        if tag in _FLAT:
            if depth <= 0 and (tag in _DROPPED or (tag == "dependency" and _size(atom.target, 0, _MOST) > _MOST)):
                return _TOO_MUCH
            continue
        if tag in ("inst", "pending"):
            inner = [v for _, v in atom.bindings]
        elif tag == "seq":
            inner = atom.items
            if len(inner) > MAX_ITEMS and not _are_functions(inner):
                return _TOO_MUCH
        elif tag == "map":
            inner = [v for _, v in (*atom.items, *atom.whole)]
            if len(atom.items) > MAX_KEYS or (depth <= 0 and not atom.partial):
                return _TOO_MUCH
        elif tag == "partial":
            inner = [atom.function, *atom.args, *[v for _, v in atom.keywords]]
        elif tag == "text" and len(atom.text) > MAX_TEXT:
            return _TOO_MUCH
        else:
            continue
        if inner and depth <= 0:
            return _TOO_MUCH
        for part in inner:
            size += _size(part, depth - 1, limit)
            if size > limit:
                return size
    return size


def shallow(value: Value, depth: int = MAX_DEPTH) -> Value:
    """The value without what is nested deeper than ``depth``: keeps values finite in loops and recursion."""
    return value if _size(value, depth, _MOST) <= _MOST else _cut_to(value, depth)


def _are_functions(items: Sequence[Value]) -> bool:
    """Whether a long list is one of functions alone, which hold nothing themselves."""
    if not MAX_ITEMS < len(items) <= MAX_FUNCTIONS:
        return False
    return all(len(value) == 1 and value[0].tag == "fn" and value[0].receiver is None for value in items)


def _cut_to(value: Value, depth: int) -> Value:
    if len(_CUT) > _MOST_CUT:
        _CUT.clear()
    return _cut(value, depth, _CUT)


def _cut(value: Value, depth: int, known: _Known) -> Value:
    """``known`` has what became of values that are held in several places."""
    key = (id(value), depth)
    found = known.get(key)
    if found is None:
        # with the value itself, as its number is another one's when it is gone
        found = known[key] = (value, _cut_anew(value, depth, known))
    return found[1]


def _cut_anew(value: Value, depth: int, known: _Known) -> Value:
    out: list[Any] = []
    for atom in value:
        tag = atom.tag
        if tag in ("inst", "pending") and atom.bindings:
            kept = tuple((k, _cut(v, depth - 1, known)) for k, v in atom.bindings) if depth > 0 else ()
            atom = atom._replace(bindings=kept)
        elif tag == "seq":
            items = atom.items if _are_functions(atom.items) else atom.items[:MAX_ITEMS]
            atom = Seq(tuple(_cut(v, depth - 1, known) for v in items) if depth > 0 else (), atom.many)
        elif tag == "map":
            kept = tuple((k, _cut(v, depth - 1, known)) for k, v in atom.items[:MAX_KEYS]) if depth > 0 else ()
            atom = Map(kept, atom.partial or depth <= 0, atom.site)
        elif tag == "partial":
            if depth <= 0:
                continue
            atom = PartialCall(
                _cut(atom.function, depth - 1, known),
                tuple(_cut(v, depth - 1, known) for v in atom.args),
                tuple((k, _cut(v, depth - 1, known)) for k, v in atom.keywords),
            )
        elif tag == "dependency" and depth <= 0:
            # what guards a route must not get lost in a table of routers
            atom = atom._replace(target=_cut(atom.target, 0, known))
        elif tag in _DROPPED and depth <= 0:
            continue
        elif tag == "text" and len(atom.text) > MAX_TEXT:
            atom = Text(atom.text[:MAX_TEXT], True, atom.how, atom.holes)
        out.append(atom)
    return tuple(out)


def subjects_of(receiver: Any) -> Value:
    """A transaction stands for the session or connection it belongs to."""
    parent = getattr(receiver, "parent", None)
    return (receiver,) if parent is None else (parent,)
