"""One file's ``ast`` becomes the tuples of :mod:`sessionlint.facts.ir`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from sessionlint.facts import callees, kept, made_classes, patterns, screen
from sessionlint.facts.expressions import NUMBERS, Expressions, operator_of
from sessionlint.facts.ir import (
    FLAG_ASYNC,
    FLAG_GENERATOR,
    FLAG_MATTERS,
    SUBJECT,
    Span4,
    Stmt,
)
from sessionlint.facts.numbering import Numbering
from sessionlint.facts.packing import pack


def lower_module(tree: ast.Module, source: str, numbering: Numbering | None = None) -> tuple[Any, ...]:
    """Facts of one module: ``(statements, imports)`` of plain nested tuples.

    ``imports`` lists the modules that are imported anywhere in it, as (module, level, names).
    ``source`` is the decoded text; it is needed to turn the byte offsets of ``ast`` into characters. With a
    ``numbering`` the facts name the places that it gives the lines.
    """
    lowering = _Lowering(source) if numbering is None else _Renumbering(source, numbering)
    return (lowering.block(tree.body), tuple(sorted(lowering.imports)))


class _Lowering(Expressions):
    """One pass over a tree: its statements and definitions."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.imports: set[tuple[str, int, tuple[str, ...]]] = set()
        self._statements: dict[type[ast.AST], Callable[[Any], Stmt | None]] = {
            ast.Expr: self._expression, ast.Assign: self._assign, ast.AnnAssign: self._annotated,
            ast.AugAssign: self._augmented, ast.Return: self._return, ast.Raise: self._raise, ast.If: self._if,
            ast.For: self._for, ast.AsyncFor: self._for, ast.While: self._while, ast.With: self._with,
            ast.AsyncWith: self._with, ast.Try: self._try, ast.TryStar: self._try,
            ast.FunctionDef: self._function_statement, ast.AsyncFunctionDef: self._function_statement,
            ast.ClassDef: self._class, ast.Import: self._import, ast.ImportFrom: self._import_from,
            ast.Global: self._global, ast.Nonlocal: self._global, ast.Delete: self._delete,
            ast.Match: self._match, ast.Break: self._jump, ast.Continue: self._jump, ast.Assert: self._assert,
        }  # fmt: skip
        if hasattr(ast, "TypeAlias"):
            self._statements[ast.TypeAlias] = self._type_alias

    # statements

    def block(self, nodes: list[ast.stmt]) -> tuple[Stmt, ...]:
        """A run of statements, without docstrings and ``pass``."""
        out: list[Stmt] = []
        before, self._first = self._first, []
        for node in nodes:
            lower = self._statements.get(type(node))
            if lower is not None:
                statement = lower(node)
                if self._first:
                    out += self._first
                    self._first = []
                if statement is not None:
                    out.append(statement)
        self._first = before
        return tuple(out)

    def _expression(self, node: ast.Expr) -> Stmt | None:
        if isinstance(node.value, ast.Constant):
            return None
        return ("E", self.span(node), self.expr(node.value))

    def _assign(self, node: ast.Assign) -> Stmt:
        self._local.note(node)
        made = made_classes.as_statement(node)
        if made is not None:
            return self._class(made)
        return ("=", self.span(node), self._many(node.targets), self.expr(node.value))

    def _annotated(self, node: ast.AnnAssign) -> Stmt:
        return (
            ":", self.span(node), self.expr(node.target), self._annotation(node.annotation), self._optional(node.value),
        )  # fmt: skip

    def _type_alias(self, node: Any) -> Stmt:
        return (
            "=",
            self.span(node),
            (self.expr(node.name),),
            self._annotation(node.value) or ("z", self.span(node), ()),
        )

    def _augmented(self, node: ast.AugAssign) -> Stmt:
        return ("+=", self.span(node), self.expr(node.target), operator_of(node.op), self.expr(node.value))

    def _return(self, node: ast.Return) -> Stmt:
        return ("R", self.span(node), self._optional(node.value))

    def _raise(self, node: ast.Raise) -> Stmt:
        return ("!", self.span(node), self._optional(node.exc))

    def _if(self, node: ast.If) -> Stmt:
        # A long elif ladder nests in orelse; build it from its end with a loop.
        ladder = [node]
        while len(ladder[-1].orelse) == 1 and isinstance(ladder[-1].orelse[0], ast.If):
            ladder.append(ladder[-1].orelse[0])
        orelse = self.block(ladder[-1].orelse)
        for rung in reversed(ladder):
            statement = ("I", self.span(rung), self.expr(rung.test), self.block(rung.body), orelse)
            orelse = (statement,)
        return orelse[0]

    def _for(self, node: ast.For | ast.AsyncFor) -> Stmt:
        return (
            "L", self.span(node), self.expr(node.target), self.expr(node.iter), self.block(node.body),
            self.block(node.orelse), isinstance(node, ast.AsyncFor),
        )  # fmt: skip

    def _while(self, node: ast.While) -> Stmt:
        return ("W", self.span(node), self.expr(node.test), self.block(node.body), self.block(node.orelse))

    def _with(self, node: ast.With | ast.AsyncWith) -> Stmt:
        items = tuple([(self.expr(i.context_expr), self._optional(i.optional_vars)) for i in node.items])
        return ("w/", self.span(node), items, self.block(node.body), isinstance(node, ast.AsyncWith))

    def _try(self, node: Any) -> Stmt:
        handlers = tuple([(self.span(h), self._optional(h.type), h.name, self.block(h.body)) for h in node.handlers])
        return (
            "T", self.span(node), self.block(node.body), handlers, self.block(node.orelse), self.block(node.finalbody),
        )  # fmt: skip

    def _global(self, node: ast.Global | ast.Nonlocal) -> Stmt:
        return ("glob", self.span(node), tuple(node.names))

    def _delete(self, node: ast.Delete) -> Stmt:
        return ("del", self.span(node), self._many(node.targets))

    def _jump(self, node: ast.AST) -> Stmt:
        return ("J", self.span(node), type(node).__name__.lower())

    def _assert(self, node: ast.Assert) -> Stmt:
        return ("as", self.span(node), self.expr(node.test))

    def _match(self, node: ast.Match) -> Stmt:
        cases = []
        for case in node.cases:
            names = [getattr(p, "name", None) or getattr(p, "rest", None) for p in ast.walk(case.pattern)]
            bound = tuple(n for n in names if isinstance(n, str))
            typed = tuple(
                (p.name, self.expr(p.pattern.cls))
                for p in ast.walk(case.pattern)
                if isinstance(p, ast.MatchAs) and p.name and isinstance(p.pattern, ast.MatchClass)
            )
            inner = case.pattern.pattern if isinstance(case.pattern, ast.MatchAs) else None
            whole = inner or case.pattern
            if isinstance(whole, ast.MatchClass) and isinstance(node.subject, ast.Name):
                typed += ((node.subject.id, self.expr(whole.cls)),)
            literals = patterns.literals(whole, self.span)
            if literals is not None:
                subjects = [SUBJECT, *([node.subject.id] if isinstance(node.subject, ast.Name) else [])]
                typed += tuple((name, ("e", self.span(whole), literals)) for name in subjects)
            if isinstance(whole, ast.MatchSequence) and isinstance(node.subject, ast.Tuple | ast.List):
                typed += tuple(patterns.literals_of_each(whole, node.subject.elts, self.span))
            always = isinstance(whole, ast.MatchAs) and whole.pattern is None and case.guard is None
            matched = ("n", self.span(node.subject), SUBJECT)
            captures = tuple(patterns.captures(case.pattern, matched, self.span, self.expr))
            told = patterns.told_by(case.pattern, matched, self.span, self.expr)
            guard = self._optional(case.guard)
            if told is not None:
                guard = ("o", told[1], "and", (told, guard)) if guard is not None else told
            cases.append((bound, typed, captures, guard, self.block(case.body), always))
        return ("M", self.span(node), self.expr(node.subject), tuple(cases))

    def _import(self, node: ast.Import) -> Stmt:
        self._names.update(part for a in node.names for part in a.name.split("."))
        self.imports.update((a.name, 0, ()) for a in node.names)
        return ("imp", self.span(node), tuple((a.name, a.asname) for a in node.names))

    def _import_from(self, node: ast.ImportFrom) -> Stmt:
        names = tuple((a.name, a.asname) for a in node.names)
        self._names.update(a.name for a in node.names)
        self._names.update((node.module or "").split("."))
        self.imports.add((node.module or "", node.level, tuple(a.name for a in node.names)))
        return ("from", self.span(node), node.module or "", node.level, names)

    # definitions

    def _header(self, node: Any, keyword: str) -> Span4:
        line, column = node.lineno, self._column(node.lineno, node.col_offset)
        return (line, column, line, column + len(keyword) + 1 + len(node.name))

    def _function_statement(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Stmt:
        is_async = isinstance(node, ast.AsyncFunctionDef)
        outer_names = self._names
        outer_local = self._local
        if not self._nested:
            self._names = set()
            self._local = callees.LocalNames(node)
        bounds, self._bounds = self._bounds, patterns.bounds(node, self._bounds)
        decorators, params = self._many(node.decorator_list), self._params(node.args)
        returns = self._annotation(node.returns)
        outer = (self._nested, self._yields)
        self._nested, self._yields = True, False
        body: Any = self.block(node.body)
        flags = (FLAG_ASYNC if is_async else 0) | (FLAG_GENERATOR if self._yields else 0)
        self._nested, self._yields = outer
        self._bounds = bounds
        names = ""
        if not self._nested:
            body = pack(body)
            names = " ".join(sorted(self._names))
            flags |= FLAG_MATTERS if screen.matters(names) or NUMBERS in self._names else 0
        self._names = outer_names
        self._local = outer_local
        header = self._header(node, "async def" if is_async else "def")
        span = self.span(node)
        return ("F", span, (node.name, span, header, params, body, decorators, returns, flags, names))

    def _class(self, node: ast.ClassDef) -> Stmt:
        span = self.span(node)
        keywords = tuple((k.arg, self.expr(k.value)) for k in node.keywords)
        bounds, self._bounds = self._bounds, patterns.bounds(node, self._bounds)
        record = (
            node.name, span, self._header(node, "class"), self._many(node.bases), keywords, self.block(node.body),
            self._many(node.decorator_list), kept.keeps_registry(node),
        )  # fmt: skip
        self._bounds = bounds
        return ("C", span, record)


class _Renumbering(_Lowering):
    """The same with other numbers for the lines."""

    def __init__(self, source: str, numbering: Numbering) -> None:
        super().__init__(source)
        self._numbering = numbering

    def span(self, node: Any) -> Span4:
        return self._numbering.span(super().span(node))

    def _header(self, node: Any, keyword: str) -> Span4:
        return self._numbering.span(super()._header(node, keyword))
