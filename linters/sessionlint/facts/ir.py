"""The shape of facts: nested tuples of plain values, so that ``marshal`` can store them.

Every node is ``(op, span, ...)`` with ``span = (line, column, end_line, end_column)``, 1-based, columns in
characters, the end exclusive.

Expressions
    ``("n", span, name)`` name; ``("a", span, base, attribute)``; ``("k", span, constant)``;
    ``("c", span, function, args, keywords)`` call, ``keywords`` of ``(name or None, value)``;
    ``("f", span, parts)`` f-string, ``{n:06d}`` in it as ``format(n, "06d")``, ``{n:d}`` as
    ``("u", span, AS_NUMBER, n)`` (:mod:`.number_formats`);
    ``("b", span, operator, left, right)`` binary;
    ``("o", span, operator, values)`` and/or; ``("x", span, left, operators, comparators)`` comparison;
    ``("u", span, operator, operand)``; ``("q", span, test, body, orelse)`` conditional;
    ``("t"|"l"|"e", span, elements)`` tuple, list, set; ``("d", span, keys, values)`` (key ``None``: ``**``);
    ``("i", span, base, index)`` subscript; ``("aw", span, value)`` await; ``("y"|"yf", span, value)`` yield;
    ``("w", span, target, value)`` walrus; ``("lam", span, function)``; ``("*", span, value)`` starred;
    ``("g", span, kind, elements, generators)`` comprehension, generators of ``(target, iter, conditions)``;
    ``("sl", span, (lower, upper, step))`` slice, ``None`` where none is written;
    ``("z", span, children)`` anything else.

Statements
    ``("E", span, value)``; ``("=", span, targets, value)``; ``(":", span, target, annotation, value)``;
    ``("+=", span, target, operator, value)``; ``("R", span, value)`` return; ``("!", span, value)`` raise;
    ``("I", span, test, body, orelse)``; ``("L", span, target, iter, body, orelse, is_async)`` for;
    ``("W", span, test, body, orelse)`` while; ``("w/", span, items, body, is_async)`` with, items of
    ``(expression, target)``; ``("T", span, body, handlers, orelse, final)``, handlers of
    ``(span, type, name, body)``; ``("F", span, function)``; ``("C", span, class)``;
    ``("imp", span, ((module, alias), ...))``; ``("from", span, module, level, ((name, alias), ...))``;
    ``("glob", span, names)``; ``("del", span, targets)``; ``("M", span, subject, cases)`` match, cases of
    ``(bound names, (name, class) pairs, captures, guard, body, whether it matches anything)``, captures of
    ``(name, expression)`` in which the name :data:`SUBJECT` stands for what is matched, as in the guard, which has what
    a pattern of literals says, too; a set of literals in the place of the class where it is one of these;
    ``("J", span, kind)`` break or continue; ``("as", span, test)`` assert.

Functions
    ``(name, span, header_span, params, body, decorators, returns, flags, names)``; ``params`` of
    ``(kind, name, annotation, default, span)`` with the ``KIND_*`` constants first, so that a parameter ``c`` is not
    taken for a call by what looks through the nodes; ``body`` is a tuple of
    statements, or ``bytes`` (packed) for functions of a module or class; ``flags`` of ``FLAG_*``;
    ``names`` the identifiers the function mentions, sorted and joined by blanks (``""`` for nested functions).
Classes
    ``(name, span, header_span, bases, keywords, body, decorators, keeps)``; ``keeps``: see
    :func:`sessionlint.facts.kept.keeps_registry`.
Modules
    ``(statements, imports)``; ``imports`` of ``(module, level, names)``, all there are in the file, sorted.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts.packing import pack, unpack

#: Raise it whenever the shape above or what :mod:`sessionlint.facts.lower` puts into it changes.
FACTS_VERSION = 23

Span4 = tuple[int, int, int, int]
Expr = tuple[Any, ...]
Stmt = tuple[Any, ...]

KIND_POSONLY, KIND_NORMAL, KIND_VARARGS, KIND_KWONLY, KIND_KWARGS = range(5)
#: What ``match`` looks at, in the expressions of what its patterns capture.
SUBJECT = "<subject>"
#: So many bytes are stored of no statements.
_EMPTY = len(pack(()))
FLAG_ASYNC, FLAG_GENERATOR, FLAG_MATTERS = 1, 2, 4


def body_of(function: tuple[Any, ...]) -> tuple[Stmt, ...]:
    """The statements of a function, unpacked when they were stored as bytes."""
    body = function[4]
    if isinstance(body, bytes):
        return unpack(body)
    statements: tuple[Stmt, ...] = body
    return statements


def is_empty(function: tuple[Any, ...]) -> bool:
    """Whether a function has no statements: ``pass``, ``...`` or its docstring at most."""
    return len(function[4]) <= (_EMPTY if isinstance(function[4], bytes) else 0)


def text_of(expr: Expr | str | None, limit: int = 60) -> str:
    """Source-like text of an expression, or of a name, for messages, cut at ``limit`` characters."""
    text = (expr if isinstance(expr, str) else _text(expr)) if expr else ""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def dotted(expr: Expr) -> str | None:
    """``a.b.c`` for a chain of names and attributes, else ``None``."""
    parts: list[str] = []
    while expr[0] == "a":
        parts.append(expr[3])
        expr = expr[2]
    if expr[0] != "n":
        return None
    parts.append(expr[2])
    return ".".join(reversed(parts))


def _text(expr: Expr) -> str:
    op = expr[0]
    if op == "n":
        return str(expr[2])
    if op == "a":
        return f"{_text(expr[2])}.{expr[3]}"
    if op == "c":
        return f"{_text(expr[2])}({'…' if expr[3] or expr[4] else ''})"
    if op == "k":
        return repr(expr[2])
    if op == "i":
        return f"{_text(expr[2])}[{_text(expr[3])}]"
    if op == "aw":
        return f"await {_text(expr[2])}"
    if op in ("t", "l"):
        parts = ", ".join([_text(part) for part in expr[2]])
        return f"[{parts}]" if op == "l" else f"({parts},)" if len(expr[2]) == 1 else f"({parts})"
    return {"f": 'f"…"', "lam": "lambda", "d": "{…}", "e": "{…}"}.get(op, "…")
