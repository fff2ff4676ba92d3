"""What the names in a ``match`` pattern, and type parameters, stand for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from sessionlint.facts.ir import Expr, Span4


def captures(
    pattern: ast.AST, matched: Expr, span: Callable[[Any], Span4], lower: Callable[[ast.AST], Expr]
) -> Iterator[tuple[str, Expr]]:
    """The names a pattern binds, with the part of what is ``matched`` that each of them is."""
    at = span(pattern)
    inner: list[tuple[ast.AST, Expr]] = []
    if isinstance(pattern, ast.MatchAs):
        inner = [(pattern.pattern, matched)] if pattern.pattern is not None else []
        if pattern.name is not None:
            yield pattern.name, matched
    elif isinstance(pattern, ast.MatchClass):
        attributes = zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True)
        inner = [(part, ("a", at, matched, name)) for name, part in attributes]
    elif isinstance(pattern, ast.MatchMapping):
        items = zip(pattern.keys, pattern.patterns, strict=True)
        inner = [(part, ("i", at, matched, lower(key))) for key, part in items]
    elif isinstance(pattern, ast.MatchSequence):
        starred = next((i for i, p in enumerate(pattern.patterns) if isinstance(p, ast.MatchStar)), None)
        inner = [(part, ("i", at, matched, ("k", at, i))) for i, part in enumerate(pattern.patterns[:starred])]
    elif isinstance(pattern, ast.MatchOr):
        inner = [(part, matched) for part in pattern.patterns]
    for part, of in inner:
        yield from captures(part, of, span, lower)


def literals(pattern: ast.AST, span: Callable[[Any], Span4]) -> tuple[Expr, ...] | None:
    """The texts of which what is matched is one: ``case "name" | "id":``; ``None`` where it may be anything else."""
    parts = pattern.patterns if isinstance(pattern, ast.MatchOr) else [pattern]
    values = [p.value for p in parts if isinstance(p, ast.MatchValue) and isinstance(p.value, ast.Constant)]
    if len(values) != len(parts) or not all(isinstance(v.value, str) for v in values):
        return None
    return tuple([("k", span(v), v.value) for v in values])


def literals_of_each(
    pattern: ast.MatchSequence, matched: list[ast.expr], span: Callable[[Any], Span4]
) -> Iterator[tuple[str, Expr]]:
    """The names of which each is one of some texts: ``match (order, way): case ("name" | "id", "asc"):``."""
    parts = [p.pattern if isinstance(p, ast.MatchAs) and p.pattern is not None else p for p in pattern.patterns]
    if len(parts) != len(matched) or any(isinstance(p, ast.MatchStar) for p in parts):
        return
    for part, element in zip(parts, matched, strict=True):
        written = literals(part, span) if isinstance(element, ast.Name) else None
        if isinstance(element, ast.Name) and written is not None:
            yield element.id, ("e", span(part), written)


def told_by(
    pattern: ast.AST, matched: Expr, span: Callable[[Any], Span4], lower: Callable[[ast.AST], Expr]
) -> Expr | None:
    """What a pattern of literals alone says of what is ``matched``, as a comparison: ``case "now" | "later":``."""
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        return told_by(pattern.pattern, matched, span, lower)
    at = span(pattern)
    written: list[Expr] = []
    for part in pattern.patterns if isinstance(pattern, ast.MatchOr) else (pattern,):
        if isinstance(part, ast.MatchValue):
            written.append(lower(part.value))
        elif isinstance(part, ast.MatchSingleton):
            written.append(("k", span(part), part.value))
        else:
            return None
    if len(written) == 1:
        return ("x", at, matched, ("==",), (written[0],))
    return ("x", at, matched, ("in",), (("t", at, tuple(written)),))


def bounds(definition: ast.AST, outer: dict[str, ast.expr]) -> dict[str, ast.expr]:
    """The bounds of type parameters in a definition: its own (``[T: AsyncSession]``) and those around it."""
    own: dict[str, ast.expr] = {}
    for parameter in getattr(definition, "type_params", ()):
        bound = getattr(parameter, "bound", None) or getattr(parameter, "annotation", None)
        if bound is not None:
            own[getattr(parameter, "name", None) or parameter.arg] = bound
    return {**outer, **own} if own else outer
