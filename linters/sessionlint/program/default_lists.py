"""Sessions in lists that a dictionary makes when it is asked for one: ``groups = defaultdict(list)``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import awaitables
from sessionlint.program.by_key import DEFAULTS
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Map, Seq, Value

#: Marks what is known of such a dictionary.
_OF_LISTS = ("<defaultdict of lists>", (0, 0, 0, 0))


def put(frame: Frame, target: ir.Expr, added: Value) -> bool:
    """``groups[key].append(session)``: a name's dictionary has a list under the key; what holds no handle is left."""
    if target[0] != "i" or target[2][0] != "n" or not any(frame.solver.kind_of(a) for a in added):
        return False
    name = target[2][2]
    known = frame.env.get(name, ())
    kept = next((a for a in known if a.tag == "map" and a.site == _OF_LISTS), None)
    if kept is None and DEFAULTS not in known:
        return False
    many = "loop" in frame.flags
    items: dict[Any, Value] = dict(kept.items) if kept is not None else {}
    for key in awaitables.keys_of(frame.evaluate(target[3]), many):
        before = [item for a in items.get(key, UNKNOWN) if a.tag == "seq" for item in a.items if item != added]
        items[key] = (Seq((*before, added), many),)
    others = tuple([a for a in known if a != DEFAULTS and a != kept])
    frame.env[name] = (*others, Map(tuple(items.items()), True, _OF_LISTS))
    return True


__all__ = ["put"]
