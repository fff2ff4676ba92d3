"""What goes through an iterable at once, and gives its elements, or one of them: ``list``, ``max``, ``itemgetter``.

A generator runs where something goes through it, not where it is made.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import ended_generators, external_sources, implied, keys, strings, texts, waiting
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Const, Ext, PartialCall, Pending, Seq, Value, join, join_all

Keywords = list[tuple[str, Value]]
#: What is worth knowing of the greatest of some: numbers and texts are what they were, unknown.
_OBJECTS: Final = frozenset({"inst", "fn", "cls", "row", "handle"})
#: They go through what they are given, and give something else.
_THROUGH: Final = ("any", "all", "sum", "str().join", "list().extend", "set().update")
#: Those that stop at the first element that tells.
_BREAK_OFF: Final = ("builtins.any()", "builtins.all()")
#: Stands for the smallest of several numbers, beside the smallest that is written out: no more than that.
AT_MOST: Final = Ext(f"builtins.min(){texts.WHOLE}")
_CUTS: Final = (Ext("itertools.islice"), Ext("itertools.takewhile"))
_CUT_NAMES: Final = ("islice", "takewhile")
_SLICE: Final[Value] = (Ext("builtins.slice()"),)
_GETTER: Final = "operator.itemgetter()"


def run_out(frame: Frame, value: Value, span: ir.Span4, to_end: bool = True) -> Value:
    """Generators of the project in a value run here, objects are gone through: lists of what they give.

    ``to_end``: nothing can break off before there is no more.
    """
    for atom in value:
        if (atom.tag == "pending" and atom.kind == "gen" and not atom.info.is_async) or atom.tag == "inst":
            begun, depth = len(frame.run_out), len(frame.flags)
            frame.flags.extend(("iterated",) if to_end else ())
            given = tuple([_given(frame, a, span) for a in value])
            del frame.flags[depth:]
            if len(frame.run_out) > begun:
                ended_generators.gone_through(frame, begun, value if to_end else UNKNOWN)
            return given
        if atom.tag == "param":
            implied.gone_through(frame, atom, span)
    return value


def is_cut(frame: Frame, source: ir.Expr | None) -> bool:
    """Whether an expression gives the first of some alone: what it takes them from does not come to its end."""
    if source is None or source[0] != "c" or (source[2][0] != "n" and source[2][-1] not in _CUT_NAMES):
        return False
    return any(a in _CUTS for a in frame.evaluate(source[2]))


def _given(frame: Frame, atom: Any, span: ir.Span4) -> Any:
    if atom.tag == "inst":
        return implied.gone_through(frame, atom, span)
    if not isinstance(atom, Pending) or atom.kind != "gen" or atom.info.is_async:
        return atom
    return Seq((frame.machine.element(frame, (atom,), span),), True)


def _goes_through(name: str) -> Any:
    def consume(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        for given in args:
            run_out(frame, given, e[1], name not in _BREAK_OFF)
            waiting.goes_through(frame, given, e)
        return (Ext(name),)

    return consume


def _written_out(args: list[Value]) -> list[int]:
    """The arguments that are whole numbers in the source."""
    return [a[0].value for a in args if len(a) == 1 and a[0].tag == "const" and a[0].kind == "int"]


def _greatest(name: str) -> Any:
    def pick(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        """``max(x)`` is one of the elements of ``x``, ``max(a, b)`` one of the two; ``max(0, number)`` a number."""
        several = len(args) != 1
        if several and name == "builtins.min()" and 0 < len(numbers := _written_out(args)) < len(args):
            return (AT_MOST, Const(min(numbers), "int"))
        if len(args) > 1 and all(strings.is_number(frame, a) for a in args):
            numbers = _written_out(args)
            told = (Const((max if name == "builtins.max()" else min)(numbers), "int"),) if numbers else ()
            return told if len(numbers) == len(args) else (Ext("builtins.int()"),)
        found = join_all(args) if several else frame.machine.element(frame, run_out(frame, args[0], e[1]), e[1])
        kept = tuple([a for a in found if a.tag in _OBJECTS or frame.solver.kind_of(a) is not None])
        return kept or (Ext(name),)

    return pick


def first(frame: Frame, atom: Any, span: ir.Span4) -> Value:
    """``next(iter(sessions))`` of a parameter that lists are passed for, or of a dictionary."""
    if atom.tag == "param" and frame.solver.ask("views_among", atom, ("seq",)):
        return frame.machine.element(frame, (atom,), span)
    if atom.tag == "ext":
        return external_sources.elements(frame, atom)
    rows = atom.tag == "row" or (atom.tag == "operation" and any(a.tag == "row" for a in atom.result))
    return frame.machine.element(frame, (atom,), span) if rows or atom.tag in ("seq", "map") else UNKNOWN


def _getter(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``itemgetter(key, …)``: calling it with something gives what that has under the keys."""
    return (PartialCall((Ext(_GETTER),), tuple(args), ()),)


def _get(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    if len(args) < 2:
        return UNKNOWN
    found = [_entry(frame, args[-1], key) for key in args[:-1]]
    return found[0] if len(found) == 1 else (Seq(tuple(found)),)


def _entry(frame: Frame, value: Value, key: Value) -> Value:
    from sessionlint.program.subscripts import cut, entry_of, seen

    out: Value = UNKNOWN
    index = keys.in_dictionary(key)
    if key == _SLICE:
        return cut(value)
    for atom in seen(frame, value):
        if atom.tag == "map":
            out = join(out, entry_of(atom, index))
        elif (
            atom.tag == "seq"
            and isinstance(index, int)
            and not atom.many
            and -len(atom.items) <= index < len(atom.items)
        ):
            out = join(out, atom.items[index])
        elif atom.tag == "seq":
            out = join(out, join_all(list(atom.items)))
        elif atom.tag == "row":
            out = join(out, (atom,))
    return out


def _item(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``operator.getitem(value, key)``."""
    return _entry(frame, args[0], args[1]) if len(args) == 2 else UNKNOWN


SPECIAL: dict[str, Any] = {
    **{f"builtins.{name}": _goes_through(f"builtins.{name}()") for name in _THROUGH},
    **{f"builtins.{name}": _greatest(f"builtins.{name}()") for name in ("max", "min")},
    "operator.getitem": _item, "operator.itemgetter": _getter, _GETTER: _get,
}  # fmt: skip

__all__ = ["AT_MOST", "SPECIAL", "first", "is_cut", "run_out"]
