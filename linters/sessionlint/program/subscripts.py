"""Subscripts: what stands in a container under a key, and types of libraries with what stands in their brackets."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import (
    alchemy_configs,
    by_key,
    calls,
    container_scopes,
    declared_keys,
    drawing,
    flattening,
    init_only,
    injected_parts,
    iterating,
    keys,
    knowledge,
    labels,
    libraries,
    network,
    plain_elements,
    provisions,
    request_contexts,
    workers,
)
from sessionlint.program.attributes import get_attribute
from sessionlint.program.frame import Frame
from sessionlint.program.stdlib import named
from sessionlint.program.values import (
    SPREAD,
    UNKNOWN,
    Annotation,
    Const,
    Ext,
    Fn,
    Map,
    Seq,
    Value,
    const,
    join,
    join_all,
    literal,
    spread_entries,
)


def subscript(frame: Frame, e: ir.Expr) -> Value:
    """``base[key]``."""
    if e[2][0] in ("c", "a") and (of_module := _of_namespace(frame, e)):
        return of_module
    if e[3][0] == "a" and e[3][3] == alchemy_configs.STATE_KEY and e[2][0] == "a" and e[2][3] == "state":
        kept = alchemy_configs.under_key(frame.evaluate(e[3]))
        if kept:
            return kept
    base = seen(frame, frame.evaluate(e[2]))
    if by_key.DEFAULTS in base:
        base = by_key.of_name(frame, e[2], base)
    out: Value = UNKNOWN
    known = any(a.tag in ("map", "seq") for a in base)
    for atom in base:
        if atom.tag == "ext" and atom.name == request_contexts.NAME:
            return request_contexts.entry(frame, literal(frame.evaluate(e[3])))
        if atom.tag == "ext" and not (known and atom.name.endswith("()")):
            return _typed(frame, e, base, atom.name)
        if atom.tag == "cls":
            out = join(out, _of_class(frame, atom, e))
    key = frame.evaluate(e[3])
    index = keys.in_dictionary(key)
    if e[2][0] == "a" and e[2][3] in ("c", "columns") and index is None:
        # a column by a name that may be several
        out = tuple(a for a in named(frame, base, key, e) if a.tag == "column") or out
    elif (
        (e[2][0] == "n" or (e[2][0] == "a" and e[2][3] in _COLLECTIONS))
        and isinstance(index, str)
        and any(_is_mapped(frame, a) for a in base)
    ):
        # ``Model.__table__.c``, or a name for it: of the class itself nothing is asked so
        out = tuple(a for a in named(frame, base, key, e) if a.tag == "column") or out
    for atom in by_key.drawn(frame, e[2], base, key, e[3]):
        if atom.tag == "mod" and isinstance(index, str):
            out = join(out, get_attribute(frame, (atom,), index, e))
        elif atom.tag == "map":
            out = join(out, entry_of(atom, index))
        elif atom.tag == "seq":
            if isinstance(index, int) and not atom.many and -len(atom.items) <= index < len(atom.items):
                out = join(out, atom.items[index])
            else:
                out = join(out, _cut(frame, atom, e[3]) if e[3][0] == "sl" else join_all(list(atom.items)))
        elif atom.tag == "inst":
            method = iterating.reader(frame, atom)
            fields = frame.solver.field_names(atom.info)
            if method is not None:
                out = join(out, calls.call_function(frame, frame.solver.bound(method, atom), [], [], e))
            elif isinstance(index, str):
                # a typed dictionary
                out = join(out, frame.solver.attribute(atom.info, index))
            elif isinstance(index, int) and -len(fields) <= index < len(fields):
                out = join(out, get_attribute(frame, (atom,), fields[index], e))
        elif atom.tag in ("param", "injected"):
            out = join(out, iterating.entry(frame, atom, key, e))
        elif atom.tag == "obj" and isinstance(index, str):
            kept = workers.held(frame, atom, index)
            out = join(out, kept or ((Ext(knowledge.WORKER_REDIS),) if index == "redis" else UNKNOWN))
        elif atom.tag in ("column", "predicate", "row"):
            out = join(out, (atom,))
        elif atom.tag == "method" and isinstance(index, str) and atom.name in ("c", "columns"):
            out = join(out, labels.column(frame, index))
        elif atom.tag == "text" and e[3][0] == "sl":
            out = join(out, cut((atom,)))
    return out


def cut(value: Value) -> Value:
    """``text[:8]``, ``itemgetter(slice(8))(text)``: a part of what a library gave, and of a UUID in a text."""
    out: Value = UNKNOWN
    for atom in value:
        if atom.tag == "text":
            out = join(out, tuple(Ext(f"{h.name}[]") for h in atom.holes if h.tag == "ext" and _MADE.match(h.name)))
        elif atom.tag == "ext" and "()" in atom.name and "[]" not in atom.name:
            out = join(out, (Ext(f"{atom.name}[]"),))
    return out


def _of_namespace(frame: Frame, e: ir.Expr) -> Value:
    """``vars(sqlalchemy)["create_engine"]``, ``sqlalchemy.__dict__["create_engine"]``: what a library's module has."""
    holder = e[2]
    if holder[0] == "c" and holder[2][0] == "n" and holder[2][2] == "vars" and len(holder[3]) == 1:
        owner = holder[3][0]
    elif holder[0] == "a" and holder[3] == "__dict__":
        owner = holder[2]
    else:
        return UNKNOWN
    modules = tuple([a for a in frame.evaluate(owner) if a.tag == "ext" and "()" not in a.name])
    name = literal(frame.evaluate(e[3])) if modules else None
    return get_attribute(frame, modules, name, e) if isinstance(name, str) else UNKNOWN


def _of_class(frame: Frame, atom: Any, e: ir.Expr) -> Value:
    """``Door["main"]``: what the class says itself of its subscripts, or the class with what its types are."""
    method = frame.solver.method(atom.info, "__class_getitem__")
    if method is None:
        return (atom,)
    given = calls.call_function(frame, Fn(method, atom), [frame.evaluate(e[3])], [], e)
    # ``super().__class_getitem__(types)`` is the class again
    return tuple([a for a in given if a.tag != "ext"]) or (atom,)


def _cut(frame: Frame, atom: Seq, bounds: ir.Expr) -> Value:
    """``items[1:]``: the rest where it is known which, any of them otherwise."""
    known = [None if part is None else literal(frame.evaluate(part)) for part in bounds[2]]
    told = all(part is None or isinstance(at, int) for part, at in zip(bounds[2], known, strict=True))
    if told and not atom.many and known[2] != 0:
        return (atom._replace(items=atom.items[slice(*known)]),)
    return join(join_all(list(atom.items)), (atom._replace(many=True),))


def _is_mapped(frame: Frame, atom: Any) -> bool:
    return bool(atom.tag == "cls" and frame.solver.is_model(atom.info))


_COLLECTIONS = ("c", "columns", "attrs", "column_attrs", "all_orm_descriptors")
_MADE = regex(r"^uuid\.uuid\d\(\)(?!.*\[\])")


def entry_of(atom: Map, key: Any) -> Value:
    """What a dictionary holds under a key; under an unknown key, anything it holds."""
    if key is not None:
        found = atom.get(key)
        if found is not None:
            return tuple(found)
        return join_all([spread_entries(atom), *(v for k, v in atom.items if k == ("?",))])
    return join_all([spread_entries(atom), *(v for k, v in atom.items if k != SPREAD)])


_HOLDERS = (
    "Generator", "AsyncGenerator", "Iterator", "AsyncIterator", "AsyncIterable", "Iterable", "ContextManager",
    "AsyncContextManager", "Awaitable",
)  # fmt: skip


#: They are no such object, but say something of one.
_SAYS = ("Mapped", "TypeGuard", "TypeIs")
_AROUND = (*_HOLDERS, *_SAYS, "Coroutine", "Final", "ClassVar", "Required", "NotRequired")


def _typed(frame: Frame, e: ir.Expr, base: Value, name: str) -> Value:
    """Subscripts of library types: ``Annotated[…]``, ``Optional[…]``, ``AsyncGenerator[X, None]``…"""
    last = name.rpartition(".")[2]
    index = e[3]
    parts = index[2] if index[0] == "t" else (index,)
    if last == "Annotated":
        inner = frame.evaluate(parts[0])
        return flattening.annotated(inner, join_all([frame.evaluate(p) for p in parts[1:]]))
    if name == "sys.modules":
        own = index[0] == "n" and index[2] == "__name__"
        module = frame.module.name if own else literal(frame.evaluate(index))
        return frame.solver.module_value(module, frame.path) if isinstance(module, str) else UNKNOWN
    if last in ("Optional", "Union"):
        return join_all([frame.evaluate(p) for p in parts])
    if last in _AROUND:
        if last in _SAYS:
            return (*base, Seq((frame.evaluate(parts[0]),)))
        if last in ("Final", "ClassVar"):
            return frame.evaluate(parts[0])
        return _container_of(frame, last, parts) or base
    if name == "dataclasses.InitVar":
        return init_only.typed(frame.evaluate(parts[0]))
    if name == provisions.BY_TYPE.name:
        return container_scopes.asked_alone(frame, [frame.evaluate(index)], [], e)
    if last in knowledge.INJECTION_MARKERS:
        return provisions.marked(frame, name, last, parts, e)
    if name in knowledge.CARRIERS:
        return (Annotation((Seq((frame.evaluate(parts[0]),)),), (Const(knowledge.CARRIERS[name], "container"),)),)
    if name == "typing.Literal":
        return base
    if name.startswith(("sqlalchemy", "sqlmodel")):
        return base
    if last == "Callable" and len(parts) == 2:
        return (Annotation(_result_type(frame, parts[-1]), const("callable")),)
    if last in ("type", "Type"):
        return (Annotation(frame.evaluate(parts[0]), const("class")),)
    if "()" in name:
        key = literal(frame.evaluate(index))
        return join_all([libraries.keyed(frame, a, key, e[1]) for a in base if a.tag == "ext"])
    if name.startswith(("typing.", "builtins.", "collections.")):
        return _container_of(frame, last, parts)
    frame.evaluate(index)
    return base


def _result_type(frame: Frame, e: ir.Expr) -> Value:
    """What a declared callable gives in the end: the session of ``AbstractContextManager[Session]``."""
    if e[0] == "i" and any(a.tag == "ext" and a.name.rpartition(".")[2] in _HOLDERS for a in frame.evaluate(e[2])):
        index: ir.Expr = e[3]
        return _result_type(frame, index[2][0] if index[0] == "t" else index)
    return frame.evaluate(e)


def seen(frame: Frame, value: Value) -> Value:
    """With a parameter, the containers of handles and objects it is declared or given as."""
    views = []
    held: list[Any] = []
    for param in (a for a in value if a.tag == "param"):
        held.extend(plain_elements.declared(frame, param))
        for view in frame.solver.ask("views", param):
            views.append(view)
            if view.tag not in ("seq", "map"):
                continue
            if drawing.holds_function(view):
                drawing.draw(frame, param, view)
                held.append(view)
            elif _holds_object(frame, view):
                held.append(view)
    records = tuple(
        v
        for v in views
        if (v.tag == "inst" and frame.solver.is_record(v.info)) or (v.tag == "obj" and v.name in workers.CONTEXTS)
    )
    value = injected_parts.with_parts(frame, value)
    return join(value, (*held, *records)) if held or records else value


_MANY = {
    "list", "set", "frozenset", "deque", "List", "Set", "FrozenSet", "Deque", "Sequence", "MutableSequence",
    "Collection", "Iterable", "Iterator", "AsyncIterable", "AsyncIterator", "Generator", "AsyncGenerator",
}  # fmt: skip


_KEYED = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict"}


_HANDS_OUT = {"ContextManager", "AsyncContextManager", "Awaitable", "Required", "NotRequired"}


def _container_of(frame: Frame, name: str, parts: tuple[ir.Expr, ...]) -> Value:
    """``list[AsyncSession]``, ``dict[str, Worker]``…: nothing for contents from elsewhere."""
    of = "many" if name in _MANY else "keyed" if name in _KEYED else "each" if name in ("tuple", "Tuple") else ""
    of = of or ("itself" if name in _HANDS_OUT else "")
    if not of or not parts:
        return UNKNOWN
    if of == "each" and len(parts) == 2 and parts[1][0] == "k" and parts[1][2] is None:
        # ``tuple[int, ...]``
        of, parts = "many", parts[:1]
    wanted = parts if of == "each" else parts[-1:] if of == "keyed" else parts[:1]
    items = [frame.evaluate(p) for p in wanted]
    known = [frame.solver.instances(i) for i in items]
    keyed_by = plain_elements.keys_of(frame, parts[0]) if of == "keyed" and len(parts) == 2 else UNKNOWN
    if keyed_by:
        items.append(keyed_by)
    elif not any(_holds_object(frame, a) for i in known for a in i) and (
        of not in ("many", "each") or not all(plain_elements.are_plain(i) for i in known)
    ):
        return UNKNOWN
    if of == "itself":
        return items[0]
    return (Annotation((Seq(tuple(items), of == "many"),), (Const(of, "container"),)),)


def _holds_object(frame: Frame, atom: Any) -> bool:
    """Whether a value is a handle, an object of the project or a library's client, or a declared container of such."""
    if atom.tag in ("seq", "map"):
        if declared_keys.are_told(atom):
            return True
        inner = atom.items if atom.tag == "seq" else [v for _, v in atom.items]
        return any(_holds_object(frame, a) for v in inner for a in v)
    if atom.tag == "ext" and network.is_client(atom.name):
        return True
    return atom.tag == "inst" or frame.solver.kind_of(atom) is not None
