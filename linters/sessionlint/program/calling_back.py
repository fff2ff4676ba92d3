"""What libraries call at once that they are handed: ``sorted(key=…)``, ``re.sub(…)``, ``json.dumps(default=…)``.

It is called with the elements that are gone through, as far as they are known, where it does more than compute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.implied import acts
from sessionlint.program.values import UNKNOWN, Ext, Value, join_all

Keywords = list[tuple[str, Value]]
Special = Callable[[Frame, list[Value], Keywords, ir.Expr], Value]
#: Where the functions stand that are called (a place or a keyword), of functions by their names.
_HOOKS: Final = ("object_hook", "object_pairs_hook", "parse_float", "parse_int", "parse_constant")
_CALLED: Final[dict[str, tuple[int | str, ...]]] = {
    **dict.fromkeys(("builtins.sorted", "builtins.max", "builtins.min"), ("key",)),
    **dict.fromkeys(("heapq.nsmallest", "heapq.nlargest", "heapq.merge"), ("key", 2)),
    **dict.fromkeys([f"bisect.{n}" for n in ("insort", "insort_left", "insort_right", "bisect", "bisect_left",
                                             "bisect_right")], ("key",)),
    "itertools.groupby": ("key", 1), "itertools.accumulate": ("func", 1),
    "itertools.takewhile": (0,), "itertools.dropwhile": (0,),
    **dict.fromkeys(("re.sub", "re.subn", "regex.sub", "regex.subn"), ("repl", 1)),
    **dict.fromkeys([f"{p}().{m}" for p in ("re.compile", "re.Pattern", "regex.compile") for m in ("sub", "subn")],
                    ("repl", 0)),
    **dict.fromkeys([f"{m}.{n}" for m in ("json", "simplejson") for n in ("dump", "dumps")], ("default",)),
    **dict.fromkeys([f"{m}.{n}" for m in ("json", "simplejson") for n in ("load", "loads")], _HOOKS),
    **dict.fromkeys(("msgpack.packb", "msgpack.pack", "ujson.dumps", "ujson.dump"), ("default",)),
    **dict.fromkeys(("msgpack.unpackb", "msgpack.unpack"), ("object_hook", "object_pairs_hook", "list_hook")),
    "orjson.dumps": ("default", 1), "timeit.timeit": (0, "stmt"), "builtins.iter": (0,),
}  # fmt: skip
#: They are handed functions only where they are given so many arguments.
_AT_LEAST: Final = {"builtins.iter": 2}


def around(special: dict[str, Special]) -> dict[str, Special]:
    """The table of what library functions do with these beside it, each doing first what it did before."""
    return {name: _calling(name, places, special.get(name)) for name, places in _CALLED.items()}


def _calling(name: str, places: tuple[int | str, ...], before: Special | None) -> Special:
    def special(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        if len(args) >= _AT_LEAST.get(name, 0):
            _call_back(frame, _at(places, args, keywords), args, e)
        return before(frame, args, keywords, e) if before is not None else (Ext(f"{name}()"),)

    return special


def _at(places: tuple[int | str, ...], args: list[Value], keywords: Keywords) -> Value:
    """What stands in these places."""
    found: list[Value] = [args[place] for place in places if isinstance(place, int) and place < len(args)]
    found.extend([value for name, value in keywords if name in places])
    return join_all(found)


def _call_back(frame: Frame, functions: Value, args: list[Value], e: ir.Expr) -> None:
    for function in functions:
        if function.tag in ("const", "text", "param") or not acts(frame, function):
            continue
        passed = join_all([i for value in args for a in value if a.tag == "seq" for i in a.items])
        frame.flags.append("loop")
        frame.machine.call(frame, function, [passed] if passed else [], [], e)
        frame.flags.pop()


def sorts(frame: Frame, e: ir.Expr, callees: Value, keywords: Keywords) -> None:
    """``rows.sort(key=…)`` of whatever sorts in its place."""
    for callee in callees:
        if callee.tag in ("fn", "partial", "inst"):
            return
    items = frame.evaluate(e[2][2]) if e[2][2][0] == "n" else UNKNOWN
    _call_back(frame, _at(("key",), [], keywords), [items], e)


__all__ = ["around", "sorts"]
