"""Lists and dictionaries that grow: what a variable may hold after ``append``, ``update`` and their like."""

from __future__ import annotations

import re
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import (
    by_key,
    class_containers,
    default_lists,
    lasting,
    sending,
    stubs,
    waiting,
)
from sessionlint.program.frame import Frame
from sessionlint.program.router_classes import note_added
from sessionlint.program.targets import assign, attributes_of, put_back, renew
from sessionlint.program.values import (
    CONNECTION,
    NAMESPACE,
    SESSION,
    TASK,
    UNKNOWN,
    Map,
    Seq,
    Value,
    contained,
    laid_over,
    literal,
    merge_maps,
    of_keywords,
    whole_of,
)

_CLAUSE = regex(
    r"[\w\0\"]\s*(?:[=<>]|!=|<>|\b(?:in|is|i?like|between)\b)"
    r"|\A\s*(?:where|and|or|having|(?:order|group)\s+by|(?:(?:left|right|full|inner|outer|cross)\s+)*join|limit|offset)\b",
    re.I,
)
Keywords = list[tuple[str, Value]]
#: A list variable with more possible contents than this is taken to hold all of them.
MAX_ALTERNATIVES = 2
#: What a registry holds to call it later.
_CALLED = ("fn", "cls", "partial", "param")
_OBJECTS = ("inst",)
#: What a list of a module is full of that nobody calls or opens.
_PLAIN = frozenset({"const", "text"})
_HELD = frozenset({SESSION, CONNECTION})


def grow(frame: Frame, e: ir.Expr, callees: Value, args: list[Value]) -> None:
    """``items.append(x)``: the list variable now holds ``x`` too."""
    target = e[2][2]
    sequences = [c.receiver for c in callees if c.tag == "method" and c.receiver.tag == "seq"]
    if not args:
        return
    added = tuple(i for a in args[-1] if a.tag == "seq" for i in a.items) if e[2][3] == "extend" else (args[-1],)
    if sequences and target[0] == "a":
        for value in added or (args[-1],):
            _collect(frame, target, value)
    if target[0] != "n":
        if target[0] == "a":
            waiting.keep(frame, target, added)
        if any(a.tag == "dependency" for v in added for a in v):
            note_added(frame, target, tuple(a for v in added for a in v if a.tag == "dependency"))
        _grow_inside(frame, target, tuple(a for v in added for a in v), e)
        in_default = target[0] == "i" and default_lists.put(frame, target, tuple(a for v in added for a in v))
        if sequences and target[0] == "i" and not in_default:
            put_back(frame, target, _grown(frame, sequences, added))
        return
    if not sequences:
        return
    lasting.note_default(frame, target, tuple(a for v in added for a in v), e[1])
    if target[2].endswith("ds") and e[3]:
        frame.identifier(target[2], args[-1] if e[2][3] == "extend" else (Seq(added),), e[3][-1], "name")
    grown = _grown(frame, sequences, added)
    is_task = any(a.tag == "obj" and a.name == TASK for v in added for a in v)
    if target[2] not in frame.env and frame.function.name != "<module>" and not is_task:
        kept = tuple(a for v in added for a in v)
        frame.store("global", target[2], kept, e[1])
        if any(a.tag in _CALLED for a in (*kept, *(i for s in kept if s.tag == "seq" for v in s.items for i in v))):
            # a registry, of pairs it may be: what it holds in all
            known = tuple(i for s in sequences for i in s.items)
            registry = (Seq(tuple(dict.fromkeys((*known, *added)))[:40], True),)
            frame.solver.write(("name", frame.path, target[2]), registry)
    elif frame.function.name == "<module>" and any(a.tag not in _PLAIN for v in added for a in v):
        frame.grown.add(target[2])
    frame.env[target[2]] = grown


def settle(frame: Frame) -> None:
    """What the lists of a module hold when all of it has run: that is what functions find in them."""
    for name in sorted(frame.grown):
        frame.solver.write(("name", frame.path, name), frame.env.get(name, UNKNOWN))


def _grown(frame: Frame, sequences: list[Seq], added: Value) -> Value:
    """The lists after ``added`` was put into them."""
    many = "loop" in frame.flags
    grown = tuple(
        Seq((*s.items, *(i for i in added if i not in s.items or not many))[:40], s.many or many) for s in sequences
    )
    if len(grown) > MAX_ALTERNATIVES:
        # a list that many branches add to: what it may hold in all
        grown = (Seq(tuple(dict.fromkeys(i for s in grown for i in s.items))[:40], any(s.many for s in grown)),)
    return grown


def _collect(frame: Frame, target: ir.Expr, value: Value) -> None:
    """``self.conditions.append(condition)``: a list that an object keeps for a query it builds later."""
    kept = tuple(
        a
        for a in value
        if a.tag == "param"
        or (a.tag == "predicate" and a.columns)
        or (a.tag == "ext" and a.name in sending.WRITERS)
        or _is_clause(a)
    )
    for atom in frame.evaluate(target[2]) if kept else ():
        if atom.tag == "inst":
            frame.solver.write(("attr", atom.info, target[3]), (Seq((kept,), True),))


def _is_clause(atom: Any) -> bool:
    """Whether a text may be a condition of a query."""
    text = atom.text if atom.tag == "text" else atom.value if atom.tag == "const" and atom.kind == "str" else ""
    return bool(_CLAUSE.search(text))


def remove(frame: Frame, holder: ir.Expr, key: Value) -> None:
    """``del mapping["key"]``, ``mapping.pop("key")``: a local dictionary lacks the key from here on."""
    if holder[0] != "n" or holder[2] not in frame.env or not key or any(a.tag != "const" for a in key):
        return
    gone = [a.value for a in key]
    frame.env[holder[2]] = tuple([_lacking(a, gone) if a.tag == "map" else a for a in frame.env[holder[2]]])


def _lacking(mapping: Map, gone: list[Any]) -> Map:
    """A dictionary without these keys; of options that are passed on, the others stay what they are."""
    whole = laid_over(mapping.whole, [(key, ()) for key in gone]) if mapping.whole else ()
    return mapping._replace(items=tuple([i for i in mapping.items if i[0] not in gone]), whole=whole)


def _grow_inside(frame: Frame, target: ir.Expr, added: Value, e: ir.Expr) -> None:
    """``self.hooks.append(f)``, ``self.hooks[event].append(f)``: what an object keeps to call or use it later."""
    if target[0] == "c" and target[2][0] == "a" and target[2][3] == "setdefault" and target[3]:
        target = ("i", target[1], target[2][2], target[3][0])
    class_containers.note(frame, target, added, e[1])
    lasting.note_state(frame, target, added, e[1], ir.text_of(target))
    if any(a in frame.entered for a in contained(added)) and target[0] == "a":
        frame.store("attribute", ir.text_of(target), added, e[1])
    elif target[0] == "i":
        lasting.note(frame, target, (), added, target)
    if not any(_is_called(frame, atom) for atom in _parts(added)):
        return
    listed = (Seq((added,), True),)
    if target[0] == "a":
        by_key.put(frame, target, (by_key.LISTED,), listed)
        for owner in frame.evaluate(target[2]):
            if owner.tag in ("inst", "cls"):
                frame.solver.write(("attr", owner.info, target[3]), listed)
    elif target[0] == "i" and target[2][0] in ("n", "a"):
        assign(frame, target, listed, None)


def _parts(added: Value) -> Value:
    """What is put in, with the parts of a tuple that it is: ``self.waiting.append((function, args))``."""
    pairs = [a for a in added if a.tag == "seq" and not a.many]
    return (*added, *[a for pair in pairs for part in pair.items for a in part]) if pairs else added


def _is_called(frame: Frame, atom: Any) -> bool:
    """Whether something kept is a function, an object that works on a session, or a parameter that is passed such."""
    if atom.tag == "param":
        if frame.solver.ask("views_among", atom, _CALLED):
            return True
        return any(_holds_session(frame, a) for a in frame.solver.ask("views_among", atom, _OBJECTS))
    return atom.tag in _CALLED or (atom.tag == "inst" and _holds_session(frame, atom))


def _holds_session(frame: Frame, atom: Any) -> bool:
    """Whether an object was made with a session or connection."""
    return bool(atom.bindings) and any(frame.solver.kind_of(a) in _HELD for a in contained((atom,), 2))


def _give_attributes(frame: Frame, holder: ir.Expr, span: ir.Span4, args: list[Value], keywords: Keywords) -> None:
    """``self.__dict__.update(options)``, ``vars(self).update(…)``: each entry becomes an attribute."""
    given = [v for value in args for a in value for v in (frame.solver.views(a) if a.tag == "param" else (a,))]
    entries = [
        entry
        for a in given
        if a.tag == "map"
        for entry in a.items
        if entry != NAMESPACE and isinstance(entry[0], str) and entry[1]
    ]
    for name, value in (*keywords, *entries):
        assign(frame, ("a", span, holder, name), value, None)


def update(frame: Frame, e: ir.Expr, callees: Value, args: list[Value], keywords: Keywords) -> None:
    """``mapping.update(…)`` and ``setdefault``: the variable's dictionary now has these keys, too."""
    maps = tuple(c.receiver for c in callees if c.tag == "method" and c.receiver.tag == "map")
    # what stands for an object has attributes, not keys
    maps = tuple(m for m in maps if NAMESPACE not in m.items)
    if e[2][3] == "setdefault" and len(args) == len(e[3]) == 2 and isinstance(literal(args[0]), str):
        frame.identifier(literal(args[0]), args[1], e[3][1], "key")
    if e[2][3] == "update" and (holder := attributes_of(e[2][2])) is not None:
        _give_attributes(frame, holder, e[1], args, keywords)
    if e[3] and args and stubs.is_replaced(e[2][2]):
        stubs.replace_all(frame, e[3][0], args[0])
    if e[2][2][0] in ("a", "i"):
        entries = [v for _, v in keywords] + [v for value in args for a in value if a.tag == "map" for _, v in a.items]
        for held in (*entries, *(args[1:] if e[2][3] == "setdefault" else ())):
            lasting.note_state(frame, e[2][2], held, e[1], ir.text_of(e[2][2]))
    if not maps:
        return
    if e[2][3] == "setdefault":
        key = literal(args[0]) if args else None
        added = Map(((key, args[1]),), False) if isinstance(key, str) and len(args) > 1 else Map((), True)
    else:
        given = [a for v in args for a in v if a.tag == "map"]
        unknown = bool(args) and (not given or any(g.partial for g in given))
        whole = whole_of([*given, *([] if given or not args else [Map((), True)]), of_keywords(keywords)])
        added = Map((*(i for g in given for i in g.items), *keywords), unknown, None, whole)
    first = added.items if e[2][3] == "update" else ()
    merged = tuple(merge_maps(m, added) if first or added.partial else merge_maps(added, m) for m in maps)
    renew(frame, maps, merged)
    target = e[2][2]
    if target[0] in ("i", "c"):
        put_back(frame, target, merged)
    elif target[0] == "n" and target[2] not in frame.env and frame.function.name != "<module>":
        frame.solver.write(("name", frame.path, target[2]), merged)
        kept = args[1] if e[2][3] == "setdefault" and len(args) > 1 else tuple(a for _, v in added.items for a in v)
        frame.store("global", target[2], kept, e[1])
    elif target[0] in ("n", "a"):
        class_containers.note_entries(frame, target, tuple(a for _, v in added.items for a in v), e[1])
        # what the dictionary held before is kept by who has put it there
        before, frame.added = frame.added, (added,) if target[0] == "a" else frame.added
        assign(frame, target, merged, None)
        frame.added = before
