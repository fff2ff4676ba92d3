"""Functions that do to a text what an operator or a method does: ``operator.mod``, ``str.format``, ``re.sub``.

What only lays a text out gives the text. Of what a pattern replaces nothing is known, so a text of literals, and one in
which a function says what replaces what, is none that could be read; what was mixed into it stays mixed in.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import checked_words, picking, predicates, string_methods, strings
from sessionlint.program.frame import Frame
from sessionlint.program.texts import HOLE, MAX_HOLES, alternatives
from sessionlint.program.values import UNKNOWN, Ext, Text, Value, join, join_all

#: What is known of a literal that is not told.
_ONE_OF: Final[Value] = (Ext("typing.Literal()"),)
Keywords = list[tuple[str, Value]]
#: Functions that stand for the operators of texts.
OPERATORS: Final = {
    "operator.add": "+", "operator.concat": "+", "operator.iadd": "+", "operator.iconcat": "+",
    "operator.mod": "%", "operator.imod": "%",
}  # fmt: skip
_METHODS: Final = ("format", "format_map", "join", "replace", "strip", "lstrip", "rstrip", "lower", "upper", "title")
_LAID_OUT: Final = ("sqlparse.format", "textwrap.indent", "sys.intern")
#: Where the pattern, what replaces it and the text stand: with the pattern as an argument, and as what is asked.
_PATTERNS: Final = {
    **{f"{module}.sub": (0, 1, 2) for module in ("re", "regex")},
    **{f"{made}().sub": (-1, 0, 1) for made in ("re.compile", "re.Pattern", "regex.compile", "regex.Pattern")},
}


def _operator(name: str) -> Any:
    def call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        if len(args) != 2 or not any(strings.texts_of(value) for value in args):
            return (Ext(f"{name}()"),)
        if e[0] == "c" and len(e[3]) == 2:
            args = [picking.known(frame, part, value) for part, value in zip(e[3], args, strict=True)]
        return strings.combine(frame, OPERATORS[name], args[0], args[1])

    return call


def folded(frame: Frame, functions: Value, items: Value, start: Value) -> Value:
    """``reduce(operator.add, parts, "")`` of texts; nothing where that is something else."""
    names = [OPERATORS.get(f.name) if f.tag == "ext" else None for f in functions]
    parts = next((a for a in items if a.tag == "seq"), None)
    if len(names) != 1 or names[0] is None or parts is None or not parts.items:
        return UNKNOWN
    first, *others = parts.items
    made, rest = (start, parts.items) if start else (first, parts.items if parts.many else others)
    for item in rest:
        if not strings.texts_of((*made, *item)):
            return UNKNOWN
        made = strings.combine(frame, names[0], made, item)
    return made


def _method(method: str) -> Any:
    """``str.format(text, …)``: the method of the text that it is given first."""

    def call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        texts = strings.texts_of(args[0]) if args else ()
        if not texts:
            return (Ext(f"builtins.str.{method}()"),)
        written = e[0] == "c" and len(e[3]) == len(args)
        as_method = ("c", e[1], ("a", e[1], e[3][0], method), e[3][1:], e[4]) if written else ("z", e[1], ())
        return join_all([string_methods.method(frame, text, method, args[1:], keywords, as_method) for text in texts])

    return call


def _laid_out(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    return args[0] if args else UNKNOWN


def _replacing(name: str) -> Any:
    """``re.sub(pattern, by, text)``: the text, with what replaces the pattern somewhere in it."""
    pattern, by, at = _PATTERNS[name]

    def call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        named = dict(keywords)
        given = args[at] if len(args) > at else named.get("string", UNKNOWN)
        passed = tuple([a for a in given if a.tag == "param"])
        if not keywords and checked_words.leaves_words(frame, e, pattern >= 0):
            # whose tenant it is remains to be told
            return passed if any(predicates.tenant_name(frame, a.name) for a in passed) else _ONE_OF
        texts = strings.texts_of(given)
        if not texts:
            return passed or (Ext(f"{name}()"),)
        put_in = _put_in(args[by] if len(args) > by else named.get("repl", UNKNOWN))
        old = strings.whole(args[pattern]) if 0 <= pattern < len(args) else None
        out: Value = passed
        for text in texts:
            changed = text if put_in is None else _with(text, old, put_in)
            out = join(out, (changed._replace(how=text.how or name.split("(")[0]),) if changed.dynamic else UNKNOWN)
        return out or (Ext(f"{name}()"),)

    return call


def _put_in(value: Value) -> Text | None:
    """What comes from outside and replaces something; nothing where a function makes it of what is found."""
    if any(a.tag in ("fn", "partial", "method", "cls") for a in value):
        return None
    return next((t for t in alternatives(value) if t.dynamic), None)


def _with(text: Text, old: str | None, new: Text) -> Text:
    """The text with a hole where the pattern stands, if that can be told."""
    changed = text.text.replace(old, HOLE) if old and new.text == HOLE else text.text
    return Text(changed, True, text.how, (*text.holes, *new.holes)[:MAX_HOLES])


SPECIAL: dict[str, Any] = {
    **{name: _operator(name) for name in OPERATORS},
    **{f"builtins.str.{method}": _method(method) for method in _METHODS},
    "string.Formatter().format": _method("format"),
    **dict.fromkeys(_LAID_OUT, _laid_out),
    **{name: _replacing(name) for name in _PATTERNS},
}

__all__ = ["OPERATORS", "SPECIAL", "folded"]
