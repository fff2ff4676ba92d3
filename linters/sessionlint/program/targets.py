"""Assignment targets: names, tuples, attributes, subscripts."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    assigning,
    attribute_places,
    awaitables,
    bases_given,
    by_key,
    certificates,
    checked_words,
    class_containers,
    consuming,
    filled_if,
    filling,
    function_attributes,
    giving,
    handed_by_name,
    in_place,
    injected_parts,
    keeping,
    kept_by_type,
    knowledge,
    lasting,
    listed,
    operators,
    overwritten,
    pairs,
    picking,
    provisions,
    put_on_request,
    relations,
    replacing,
    request_contexts,
    revealing,
    row_classes,
    starred,
    stubs,
    text_origins,
    workers,
)  # fmt: skip
from sessionlint.program.definitions import becomes_method
from sessionlint.program.frame import Frame
from sessionlint.program.memo import FILES
from sessionlint.program.records import ASSIGNED, UNTOLD
from sessionlint.program.row_changes import change, is_coercion, row_above
from sessionlint.program.values import (
    NAMESPACE,
    UNKNOWN,
    Const,
    Ext,
    Map,
    Seq,
    Value,
    join,
    join_all,
    literal,
    whole_of,
)

_TAKEN_APART = (".split()", ".rsplit()", ".partition()", ".rpartition()")


def assign(frame: Frame, target: ir.Expr, value: Value, source: ir.Expr | None, declared: bool = False) -> None:
    """Gives ``target`` the value; ``declared`` for annotations without a value."""
    op = target[0]
    if op == "n":
        if declared and not value:
            return
        if frame.class_scope is not None:
            frame.solver.write(("attr", frame.class_scope, target[2]), value)
            if source is not None:
                previous = frame.class_scope.attributes.get(target[2])
                annotation = previous[1] if previous else UNKNOWN
                frame.solver.set_attribute(frame.class_scope, target[2], (target[1], annotation, value, source))
        if frame.facts and source is not None and source[0] in ("a", "c"):
            value = listed.copied(frame, value, source)
        if not declared or value:
            frame.identifier(target[2], value, source, "name")
            frame.bind(target[2], value, target[1])
            picking.note(frame, target[2], value, source)
            text_origins.note(frame, target[2], value, source)
            if source is not None and source[0] == "c":
                checked_words.compiled(frame, target[2], value, source)
            if not value and source is not None and source[0] in ("a", "c"):
                revealing.note_name(frame, target[2], source)
            _kept_by_definition(frame, target, value, source)
    elif op in ("t", "l"):
        _unpack(
            frame,
            target[2],
            consuming.run_out(frame, value, (source or target)[1], not consuming.is_cut(frame, source)),
            source,
        )
    elif op == "*":
        assign(frame, target[2], value, None)
    elif op == "a":
        frame.identifier(target[3], value, source, "attribute")
        _attribute(frame, target, value, source)
    elif op == "i":
        _subscript(frame, target, value, source)


def _kept_by_definition(frame: Frame, target: ir.Expr, value: Value, source: ir.Expr | None) -> None:
    """A name of a module or class body keeps what is assigned to it (``with … as name`` has its own end)."""
    if source is None or any(a in frame.entered for a in value):
        return
    if frame.class_scope is not None:
        frame.store("class", f"{frame.class_scope.name}.{target[2]}", value, target[1])
    elif frame.function.name == "<module>" and frame.function.parent is None:
        frame.store("global", target[2], value, target[1])


def _unpack(frame: Frame, targets: tuple[ir.Expr, ...], value: Value, source: ir.Expr | None = None) -> None:
    views = [v for a in value if a.tag == "param" for v in frame.solver.ask("views_among", a, ("seq", "inst"))]
    taken = (v for v in views if v.tag == "seq" or (v.tag == "inst" and frame.solver.is_record(v.info)))
    value = injected_parts.with_parts(frame, join(value, tuple(taken)))
    for index, target in enumerate(targets):
        item: Value = UNKNOWN
        for atom in value:
            if atom.tag == "seq":
                item = join(item, _at_target(atom, index, targets))
            elif atom.tag == "row":
                item = join(item, (atom,))
            elif atom.tag == "ext" and atom.name.endswith(_TAKEN_APART) and (index or atom.name.startswith("uuid.")):
                # the first part of a header is its scheme
                item = join(item, (Ext(f"{atom.name}[]"),))
                if target[0] == "n":
                    frame.identifier(target[2], item, ("z", target[1], ()), "name")
            elif atom.tag == "inst" and index < len(fields := frame.solver.field_names(atom.info)):
                at = ("a", target[1], target, fields[index])
                item = join(item, frame.machine.attribute(frame, (atom,), fields[index], at))
        if target[0] == "*" and not all(a.tag == "seq" for a in item):
            item = (Seq((item,), True),)
        if target[0] == "n" and source is not None and source[0] == "t" and len(source[2]) == len(targets):
            frame.identifier(target[2], item, source[2][index], "name")
        assign(frame, target, item, None)


def _at_target(atom: Seq, index: int, targets: tuple[ir.Expr, ...]) -> Value:
    """What ``first, *rest, last = …`` puts into one of its targets; a list into the starred one."""
    star = next((i for i, t in enumerate(targets) if t[0] == "*"), None)
    if atom.many or (star is not None and len(atom.items) < len(targets) - 1):
        item = join_all(list(atom.items)) if star is not None and index >= star else (atom.items[:1] or (UNKNOWN,))[0]
        return (Seq((item,), True),) if index == star else item
    if star is None or index < star:
        return atom.items[index] if index < len(atom.items) else UNKNOWN
    end = len(atom.items) - len(targets) + index
    return (Seq(atom.items[star : end + 1]),) if index == star else atom.items[end]


def _attribute(
    frame: Frame, target: ir.Expr, value: Value, source: ir.Expr | None = None, added: Value | None = None
) -> None:
    """``added``: what alone is new in a container that is the attribute's already."""
    owner = frame.evaluate(target[2])
    name = target[3]
    value = starred.as_kept(frame, value, source)
    frame.emit("setattr", target[1], subject=owner, name=name, value=value, text=ir.text_of(target))
    assigning.assigned(frame, owner, name, value, target)
    changed = certificates.switched(frame, owner, name, value, target[1])
    if changed:
        _put_in_place(frame, target[2], owner, changed)
    if not is_coercion(frame, target, source):
        rows = owner if target[2][0] != "a" else join(owner, row_above(frame, target[2]))
        change(frame, rows, target[1], target, name)
    for atom in _owners(frame, owner):
        if atom.tag == "map" and NAMESPACE in atom.items:
            _keep(frame, target, (atom,), (name,), value)
        if atom.tag in ("inst", "cls"):
            info = atom.info
            if atom.tag == "cls":
                if any(a.tag == "fn" for a in value):
                    replacing.note(frame, atom, name, value, target)
                becomes_method(frame, value, info)
                row_classes.note_attribute(frame, name)
            # an attribute declared on a base is the base's
            if not overwritten.is_dead(frame, target):
                frame.solver.write(("attr", info, name), row_classes.kept_in(frame, info, value))
            keeping.keep(frame, info, value)
            if info.configures or info.maker is not None:
                frame.solver.write((ASSIGNED, info, name), value or UNTOLD)
            if value:
                place = attribute_places.place_of(frame, atom, target[2])
                frame.store(place, f"{info.name}.{name}", value if added is None else added, target[1])
                if place == "local object" and target[2][0] != "n":
                    in_place.put(frame, filling.given(frame, atom, value))
            if atom.tag == "inst":
                giving.assigned(frame, target[2], atom, name, value)
                filled_if.note(frame, target[2], info, name, value)
                bases_given.assigned(frame, target[2], info, name, value, target[1])
        elif atom.tag == "mod":
            frame.solver.remember(FILES, None, frame.solver.names.identity)
            path = frame.solver.names.path_of(atom.name, frame.path)
            if path:
                frame.solver.write(("name", path, name), value)
                frame.store("global", f"{atom.name}.{name}", value, target[1])
        elif atom.tag == "fn":
            function_attributes.keep(frame, atom, name, value, target)
        elif atom.tag in ("ext", "obj"):
            if atom.name == put_on_request.STATE:
                put_on_request.note(frame, target, value)
            frame.solver.write(("state", atom.name, name), value)
            shared = atom.tag == "obj" or atom.name in knowledge.ROUTERS
            place = "state" if atom.name in knowledge.APPLICATION_STATES else "object" if shared else "library object"
            if atom.name == knowledge.THREAD_LOCAL:
                place = "thread"
            frame.store(place, ir.text_of(target), value, target[1])
    if not owner and target[2][0] == "a" and target[2][3] == "state":
        _note_state(frame, target, value)


def _note_state(frame: Frame, target: ir.Expr, value: Value) -> None:
    """``app.state.sessions = …`` where nothing tells what ``app`` is."""
    name = target[3]
    frame.solver.write(("state", "state", name), value)
    place = "state" if attribute_places.is_called_application(target[2][2]) else "library object"
    frame.store(place, ir.text_of(target), value, target[1])


def _put_in_place(frame: Frame, holder: ir.Expr, held: Value, changed: dict[Any, Any]) -> None:
    """What an expression gives has changed: under its name, and under all others here that stand for the same."""
    in_place.put(frame, changed)
    if holder[0] in ("n", "a", "i"):
        assign(frame, holder, tuple(changed.get(a, a) for a in held), None)


def _owners(frame: Frame, owner: Value) -> list[Any]:
    out: list[Any] = []
    for atom in owner:
        if atom.tag == "param":
            out.extend(frame.solver.ask("views_among", atom, ("inst", "cls", "ext", "obj")))
        else:
            out.append(atom)
    return out


def _subscript(frame: Frame, target: ir.Expr, value: Value, source: ir.Expr | None) -> None:
    owner = frame.evaluate(target[2])
    keys = frame.evaluate(target[3])
    key = literal(keys)
    frame.identifier(str(key), value, source, "key")
    text = ir.text_of(target)
    frame.emit("setitem", target[1], subject=owner, name=str(key), value=value, text=text, expr=source)
    if not owner and target[2][0] == "a" and target[2][3] == "info":
        revealing.note_info(frame, target)
    operators.called(frame, owner, "__setitem__", [keys, value], target[1])
    relations.entry_changed(frame, target)
    if stubs.is_replaced(target[2]):
        for held, put in pairs.side_by_side(frame, target[3], source) or [(keys, value)]:
            stubs.replace(frame, held, put)
    if keys and keys[0].tag == "cls":
        kept_by_type.keep(frame, owner, keys, value)
    if provisions.BY_TYPE in owner:
        provisions.put_under(frame, keys, value, target[1])
    owners = _owners(frame, owner) if value and owner else []
    if owners:
        lasting.note_application(frame, tuple(owners), value, target[1], text)
    for atom in owners if isinstance(key, str) else ():
        if atom.tag == "obj" and atom.name in workers.CONTEXTS:
            workers.put(frame, atom, key, value, text, target[1])
        elif atom.tag == "ext" and atom.name == request_contexts.NAME:
            request_contexts.keep(frame, key, value, target[1])
    if isinstance(key, str) and value and _is_request_state(target[2]):
        frame.solver.write(("state", "state", key), value)
    if isinstance(key, str) and owner and owner[0].tag == "param" and owner[0].info is frame.function:
        handed_by_name.put(frame, key, value)
    attributes = attributes_of(target[2])
    if isinstance(key, str) and attributes is not None and _has_attributes(frame, attributes, owner):
        _attribute(frame, ("a", target[1], attributes, key), value)
        return
    if isinstance(key, int) and target[2][0] == "n" and any(a.tag == "seq" for a in owner):
        assign(frame, target[2], tuple(_put_at(a, key, value) if a.tag == "seq" else a for a in owner), None)
        return
    if value and (target[2][0] == "i" or any(a.tag == "inst" for a in owner)):
        lasting.note(frame, target[2], owner, value, target)
    lasting.note_default(frame, target[2], value, target[1])
    if value and target[2][0] in ("a", "i"):
        class_containers.note_entries(frame, target[2], value, target[1])
        lasting.note_state(frame, target[2], value, target[1], text)
    if value and (not owner or any(a.tag in ("map", "ext") for a in owner)):
        by_key.put(frame, target[2], keys, value, target[3])
        if by_key.is_default(owner):
            return
    _keep(frame, target, owner, awaitables.put_under(keys, "loop" in frame.flags, value), value)


def _has_attributes(frame: Frame, holder: ir.Expr, owner: Value) -> bool:
    """Whether what an expression gives has attributes that code can add to: ``types.SimpleNamespace()`` has, too."""
    if any(a.tag in ("inst", "cls", "mod") for a in owner):
        return True
    held = frame.evaluate(holder)
    if any(a.tag == "ext" and a.name in knowledge.APPLICATION_STATES for a in held):
        return True
    return any(a.tag == "fn" or (a.tag == "map" and NAMESPACE in a.items) for a in held)


def _put_at(atom: Seq, index: int, value: Value) -> Seq:
    """The list after ``value`` was put at a place; one of which only the kind of elements is known may hold it, too."""
    if atom.many or not -len(atom.items) <= index < len(atom.items):
        return Seq((join(join_all(list(atom.items)), value),), True)
    index %= len(atom.items)
    return atom._replace(items=(*atom.items[:index], value, *atom.items[index + 1 :]))


def _is_request_state(holder: ir.Expr) -> bool:
    """``scope["state"]``: what endpoints see as ``request.state``."""
    if holder[0] != "i" or holder[3][0] != "k" or holder[3][2] != "state":
        return False
    return (ir.dotted(holder[2]) or "").rpartition(".")[2] == "scope"


def _keep(frame: Frame, target: ir.Expr, owner: Value, known: tuple[Any, ...], value: Value) -> None:
    """A dictionary, or an object that is nothing but its attributes, has a new entry under one of these keys."""
    if target[2][0] == "i":
        held = tuple(_with(a, known, value) if a.tag == "map" else a for a in owner)
        if held != owner:
            put_back(frame, target[2], held)
            renew(frame, owner, held)
    elif target[2][0] in ("n", "a"):
        updated = tuple(_with(atom, known, value) if atom.tag == "map" else atom for atom in owner)
        if "loop" in frame.flags:
            updated = tuple([awaitables.again(a, known, value) if a.tag == "map" else a for a in updated])
        renew(frame, owner, updated)
        named = all(isinstance(k, str) for k in known)
        if target[2][0] == "n" and all(a.tag == "param" for a in owner) and (value or named):
            # what was passed is a dictionary that has this key now
            updated = (*owner, Map(tuple((k, value) for k in known), True))
        if updated != owner:
            if target[2][0] == "n" and target[2][2] not in frame.env and frame.function.name != "<module>":
                frame.solver.write(("name", frame.path, target[2][2]), updated)
                frame.store("global", ir.text_of(target), value, target[1])
            if target[2][0] == "a":
                _attribute(frame, target[2], updated, None, value)
            else:
                assign(frame, target[2], updated, None)


def _with(atom: Map, keys: tuple[Any, ...], value: Value) -> Map:
    """The dictionary after ``value`` was put under one of the keys; under the only one it replaces what was there."""
    items = tuple((k, v) for k, v in atom.items if k not in keys)
    if len(keys) == 1 and isinstance(keys[0], str):
        added: tuple[tuple[Any, Value], ...] = ((keys[0], value),)
    else:
        added = tuple((k, join(value, atom.get(k) or UNKNOWN)) for k in keys)
    return Map((*items, *added), atom.partial, atom.site, whole_of([atom, Map(added)]))


def put_back(frame: Frame, holder: ir.Expr, value: Value) -> None:
    """``options["inner"]`` has become ``value``: so has the dictionary that holds it."""
    if holder[0] == "c" and holder[2][0] == "a" and holder[2][3] in ("setdefault", "get") and holder[3]:
        holder = ("i", holder[1], holder[2][2], holder[3][0])
    if holder[0] != "i" or holder[2][0] not in ("n", "a", "i"):
        return
    name = literal(frame.evaluate(holder[3]))
    if not isinstance(name, str):
        return
    kept = frame.evaluate(holder[2])
    changed = tuple(_holding(a, name, value) if a.tag == "map" else a for a in kept)
    if changed != kept and holder[2][0] == "i":
        put_back(frame, holder[2], changed)
    elif changed != kept:
        assign(frame, holder[2], changed, None)


def renew(frame: Frame, before: Value, after: Value) -> None:
    """A dictionary made in this function has changed: other names and dictionaries that hold it see that."""
    changed = [
        (old, new)
        for old, new in zip(before, after, strict=False)
        if old != new and getattr(old, "site", "") in frame.made
    ]
    for name, value in frame.env.items() if changed else ():
        if any(a.tag == "map" for a in value):
            frame.env[name] = tuple([_renewed(a, changed) for a in value])


_Changed = list[tuple[Any, Any]]


def _now(atom: Any, changed: _Changed) -> Any:
    # compared, as large dictionaries take long to hash and differ soon
    for old, new in changed:
        if atom is old or (atom.tag == old.tag and atom == old):
            return new
    return atom


def _renewed(atom: Any, changed: _Changed) -> Any:
    if atom.tag != "map":
        return atom
    new = _now(atom, changed)
    if new is not atom:
        return new
    items, whole = _entries_now(atom.items, changed), _entries_now(atom.whole, changed)
    return atom if items is atom.items and whole is atom.whole else atom._replace(items=items, whole=whole)


def _entries_now(entries: Any, changed: _Changed) -> Any:
    out = [(k, tuple([_now(a, changed) for a in v])) for k, v in entries]
    same = all(a is b for (_, now), (_, v) in zip(out, entries, strict=True) for a, b in zip(now, v, strict=True))
    return entries if same else tuple(out)


def _holding(atom: Map, key: str, value: Value) -> Map:
    """The dictionary with another value under ``key``."""

    def held(entries: Any) -> Any:
        return tuple((k, value if k == key else v) for k, v in entries)

    return atom._replace(items=held(atom.items), whole=held(atom.whole))


def attributes_of(expr: ir.Expr) -> ir.Expr | None:
    """The object whose attributes ``x.__dict__``, ``vars(x)`` or ``globals()`` are a dictionary of."""
    if expr[0] == "a" and expr[3] == "__dict__":
        inner: ir.Expr = expr[2]
        return inner
    if expr[0] == "c" and expr[2][0] == "n" and expr[2][2] in ("vars", "globals"):
        return expr[3][0] if expr[3] else expr
    return None


def none() -> Value:
    """The value of ``None``."""
    return (Const(None, "NoneType"),)
