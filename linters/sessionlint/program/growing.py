"""Lists and dictionaries that grow: what a variable may hold after ``append``, ``update`` and their like."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.targets import assign, put_back, renew
from sessionlint.program.values import TASK, Map, Seq, Value, literal, merge_maps

Keywords = list[tuple[str, Value]]
#: A list variable with more possible contents than this is taken to hold all of them.
MAX_ALTERNATIVES = 2
#: What a registry holds to call it later.
_CALLED = ("fn", "cls", "partial", "param")


def grow(frame: Frame, e: ir.Expr, callees: Value, args: list[Value]) -> None:
    """``items.append(x)``: the list variable now holds ``x`` too."""
    target = e[2][2]
    sequences = [c.receiver for c in callees if c.tag == "method" and c.receiver.tag == "seq"]
    if sequences and args and target[0] == "a":
        _collect(frame, target, args[-1])
    if not sequences or not args or target[0] != "n":
        return
    many = "loop" in frame.flags
    added = tuple(i for a in args[-1] if a.tag == "seq" for i in a.items) if e[2][3] == "extend" else (args[-1],)
    grown = tuple(
        Seq((*s.items, *(i for i in added if i not in s.items or not many))[:40], s.many or many) for s in sequences
    )
    if len(grown) > MAX_ALTERNATIVES:
        # a list that many branches add to: what it may hold in all
        grown = (Seq(tuple(dict.fromkeys(i for s in grown for i in s.items))[:40], any(s.many for s in grown)),)
    is_task = any(a.tag == "obj" and a.name == TASK for v in added for a in v)
    if target[2] not in frame.env and frame.function.name != "<module>" and not is_task:
        kept = tuple(a for v in added for a in v)
        frame.store("global", target[2], kept, e[1])
        if any(a.tag in _CALLED for a in kept):
            # a registry: what it holds in all
            known = tuple(i for s in sequences for i in s.items)
            registry = (Seq(tuple(dict.fromkeys((*known, *added)))[:40], True),)
            frame.solver.write(("name", frame.path, target[2]), registry)
    frame.env[target[2]] = grown


def _collect(frame: Frame, target: ir.Expr, value: Value) -> None:
    """``self.conditions.append(condition)``: a list that an object keeps for a query it builds later."""
    kept = tuple(a for a in value if a.tag == "param" or (a.tag == "predicate" and a.columns))
    for atom in frame.evaluate(target[2]) if kept else ():
        if atom.tag == "inst":
            frame.solver.write(("attr", atom.info, target[3]), (Seq((kept,), True),))


def remove(frame: Frame, holder: ir.Expr, key: Value) -> None:
    """``del mapping["key"]``, ``mapping.pop("key")``: a local dictionary lacks the key from here on."""
    if holder[0] != "n" or holder[2] not in frame.env or not key or any(a.tag != "const" for a in key):
        return
    gone = [a.value for a in key]
    frame.env[holder[2]] = tuple(
        a._replace(items=tuple(i for i in a.items if i[0] not in gone)) if a.tag == "map" else a
        for a in frame.env[holder[2]]
    )


def update(frame: Frame, e: ir.Expr, callees: Value, args: list[Value], keywords: Keywords) -> None:
    """``mapping.update(…)`` and ``setdefault``: the variable's dictionary now has these keys, too."""
    maps = tuple(c.receiver for c in callees if c.tag == "method" and c.receiver.tag == "map")
    if e[2][3] == "setdefault" and len(args) == len(e[3]) == 2 and isinstance(literal(args[0]), str):
        frame.identifier(literal(args[0]), args[1], e[3][1], "key")
    if not maps:
        return
    if e[2][3] == "setdefault":
        key = literal(args[0]) if args else None
        added = Map(((key, args[1]),), False) if isinstance(key, str) and len(args) > 1 else Map((), True)
    else:
        given = [a for v in args for a in v if a.tag == "map"]
        unknown = bool(args) and (not given or any(g.partial for g in given))
        added = Map((*(i for g in given for i in g.items), *keywords), unknown)
    first = added.items if e[2][3] == "update" else ()
    merged = tuple(merge_maps(m, added) if first or added.partial else merge_maps(added, m) for m in maps)
    renew(frame, maps, merged)
    if e[2][2][0] in ("i", "c"):
        put_back(frame, e[2][2], merged)
    elif e[2][2][0] in ("n", "a"):
        assign(frame, e[2][2], merged, None)
