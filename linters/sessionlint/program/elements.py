"""What ``filter``, ``reduce``, ``itertools`` and ``heapq`` make of the elements they are given."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import checked_lists, consuming, text_functions
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Map, Seq, Value, join, join_all, literal

Keywords = list[tuple[str, Value]]
_MANY_KEYS = 40
_MOST_PAIRS = 8
_CALLED = ("fn", "partial", "cls")


def _elements(frame: Frame, args: list[Value], e: ir.Expr) -> list[Value]:
    return [frame.machine.element(frame, consuming.run_out(frame, given, e[1], False), e[1]) for given in args]


def _called(frame: Frame, functions: Value, args: list[Value], e: ir.Expr) -> Value:
    """What the functions give, called once for each element."""
    frame.flags.append("loop")
    given = join_all(
        [frame.machine.call(frame, f, args, [], e) for f in functions if f.tag in ("fn", "partial", "cls")]
    )
    frame.flags.pop()
    return given


def _kept(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``filter(COLUMNS.__contains__, names)``: some of the literals, as in the comprehension that it stands for."""
    test = args[0][0] if len(args) == 2 and len(args[0]) == 1 else None
    if test is not None and test.tag == "method" and test.name == "__contains__":
        return checked_lists.common((test.receiver,), UNKNOWN) or _filtered(frame, args, keywords, e)
    return _filtered(frame, args, keywords, e)


def _filtered(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``filter(test, items)``: some of the items."""
    if len(args) < 2:
        return UNKNOWN
    (item,) = _elements(frame, args[1:2], e)
    _called(frame, args[0], [item], e)
    return (Seq((item,), True),) if item else UNKNOWN


def _reduced(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``reduce(function, items, start)``: an item, the start, or what the function makes of two."""
    if len(args) < 2:
        return UNKNOWN
    (item,) = _elements(frame, args[1:2], e)
    text = text_functions.folded(frame, args[0], args[1], args[2] if len(args) > 2 else UNKNOWN)
    if text:
        return text
    so_far = join(args[2] if len(args) > 2 else UNKNOWN, item)
    made = _called(frame, args[0], [so_far, item], e)
    return join(made, so_far)


def _rows(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``product(a, b)``, ``zip_longest(a, b)``: tuples with one element of each."""
    found = _elements(frame, args, e)
    return (Seq(((Seq(tuple(found)),),), True),) if any(found) else UNKNOWN


def _groups(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``permutations(items, 2)``: tuples of elements."""
    found = _elements(frame, args[:1], e)
    return (Seq(((Seq((found[0],), True),),), True),) if any(found) else UNKNOWN


def _pairs(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    found = _elements(frame, args[:1], e)
    return (Seq(((Seq((found[0], found[0])),),), True),) if any(found) else UNKNOWN


def _grouped(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``groupby(items, key)``: pairs of a key and the items that have it."""
    found = _elements(frame, args[:1], e)
    if not any(found):
        return UNKNOWN
    test = args[1] if len(args) > 1 else dict(keywords).get("key", UNKNOWN)
    return (Seq(((Seq((_called(frame, test, found, e), (Seq((found[0],), True),))),),), True),)


def _flat(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``chain.from_iterable(lists)``: the elements of the elements."""
    found = _elements(frame, _elements(frame, args[:1], e), e)
    return (Seq((found[0],), True),) if any(found) else UNKNOWN


def _twice(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Seq((args[0],), True),) if args else UNKNOWN


def _pushed(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``heappush(heap, item)`` does what ``heap.append(item)`` does."""
    if e[0] == "c" and len(e[3]) > 1:
        frame.evaluate(("c", e[1], ("a", e[1], e[3][0], "append"), (e[3][1],), ()))
    return UNKNOWN


def _popped(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``heappop(heap)``: one of its items."""
    return join_all(_elements(frame, args[:1], e))


def _last(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[-1] if args else UNKNOWN


def _same_for_all(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``dict.fromkeys(names, value)``."""
    names = [literal(i) for a in (args[0] if args else ()) if a.tag == "seq" and not a.many for i in a.items]
    value = args[1] if len(args) > 1 else UNKNOWN
    if not value:
        return UNKNOWN
    known: list[Any] = [n for n in names if isinstance(n, str)][:_MANY_KEYS]
    if not known or len(known) < len(names):
        return (Map(((("?",), value),), True, frame.site(e[1])),)
    return (Map(tuple([(name, value) for name in known]), False, frame.site(e[1])),)


def _repeat(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return (Seq((args[0],), True),) if args else UNKNOWN


def _chain(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    items = [item for value in args for a in value if a.tag == "seq" for item in a.items]
    # the elements of what callers pass are among them
    passed = tuple([a for value in args for a in value if a.tag == "param"])
    return (Seq((join_all(items),), True), *passed) if items else passed


def _zip(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``zip(names, values)``: what stands beside what, where both are written out."""
    written = [a[0].items for a in args if len(a) == 1 and a[0].tag == "seq" and not a[0].many]
    if len(written) == len(args) > 1 and len({len(items) for items in written}) == 1 and len(written[0]) <= _MOST_PAIRS:
        return (Seq(tuple([(Seq(tuple(row)),) for row in zip(*written, strict=True)])),)
    return (Seq(((Seq(tuple([frame.machine.element(frame, a, e[1]) for a in args])),),), True),)


SPECIAL: dict[str, Any] = {
    "builtins.filter": _kept, "itertools.filterfalse": _filtered, "functools.reduce": _reduced,
    "itertools.product": _rows, "itertools.zip_longest": _rows, "itertools.permutations": _groups,
    "itertools.combinations": _groups, "itertools.pairwise": _pairs, "itertools.groupby": _grouped,
    "itertools.chain.from_iterable": _flat, "itertools.chain": _chain, "itertools.repeat": _repeat,
    "itertools.tee": _twice, "builtins.dict.fromkeys": _same_for_all,
    "heapq.heappush": _pushed, "heapq.heappop": _popped, "heapq.nsmallest": _last, "heapq.nlargest": _last,
    "bisect.insort": _pushed, "builtins.zip": _zip,
}  # fmt: skip

__all__ = ["SPECIAL"]
