"""Disguises of a statement: the block around it, and how a `with` is written."""

from __future__ import annotations

import ast

from tests.disguises.project import Project
from tests.disguises.syntax import (
    Where,
    clone,
    main_call,
    name,
    parse,
    rewrite_statements,
)
from tests.disguises.trees import walk


def _around(project: Project, template: str, module: str = "", binds: bool = True) -> bool:
    """Puts each simple statement with a call into the block of a template, where ``HERE`` stands."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if not where.functions or main_call(statement) is None or isinstance(statement, ast.Return):
            return None
        if not binds and not isinstance(statement, ast.Expr):
            return None
        new = parse(template)
        copies = 0
        for outer in (n for s in new for n in walk(s)):
            for key in ("body", "orelse", "finalbody"):
                block = getattr(outer, key, None)
                if isinstance(block, list) and block and _is_here(block[0]):
                    block[0] = statement if not copies else clone(statement)
                    copies += 1
        if module:
            where.require(module)
        return new

    return rewrite_statements(project, rewrite)


def _is_here(statement: ast.stmt) -> bool:
    is_name = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name)
    return is_name and statement.value.id == "HERE"  # type: ignore[attr-defined]


def on_both_branches(project: Project) -> bool:
    """``S`` → ``if __debug__: S`` and ``else: S``."""
    return _around(project, "if __debug__:\n    HERE\nelse:\n    HERE")


def in_try_finally(project: Project) -> bool:
    """``S`` → ``try: S`` with an empty ``finally``."""
    return _around(project, "try:\n    HERE\nfinally:\n    pass")


def in_try_that_raises(project: Project) -> bool:
    """``S`` → ``try: S`` with an ``except`` that raises again."""
    return _around(project, "try:\n    HERE\nexcept Exception:\n    raise")


def in_loop_once(project: Project) -> bool:
    """``S`` → a loop that runs once."""
    return _around(project, "while True:\n    HERE\n    break")


def in_match(project: Project) -> bool:
    """``S`` → ``match`` with one case that always matches."""
    return _around(project, "match None:\n    case _:\n        HERE")


def in_null_context(project: Project) -> bool:
    """``S`` → ``with contextlib.nullcontext(): S``."""
    return _around(project, "with contextlib.nullcontext():\n    HERE", "contextlib")


def nested_with(project: Project) -> bool:
    """``with a, b:`` → ``with a: with b:``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if not isinstance(statement, (ast.With, ast.AsyncWith)) or len(statement.items) < 2:
            return None
        inner = type(statement)(items=statement.items[1:], body=statement.body)
        if hasattr(statement, "origin"):
            inner.origin = statement.origin  # type: ignore[union-attr]
        statement.items, statement.body = statement.items[:1], [inner]
        return [statement]

    return rewrite_statements(project, rewrite)


def joined_with(project: Project) -> bool:
    """``with a: with b:`` → ``with a, b:``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if not isinstance(statement, (ast.With, ast.AsyncWith)) or len(statement.body) != 1:
            return None
        inner = statement.body[0]
        if type(inner) is not type(statement):
            return None
        assert isinstance(inner, (ast.With, ast.AsyncWith))
        statement.items += inner.items
        statement.body = inner.body
        return [statement]

    return rewrite_statements(project, rewrite)


def exit_stack(project: Project) -> bool:
    """``async with a as x:`` → ``AsyncExitStack`` and ``x = await stack.enter_async_context(a)``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if not isinstance(statement, (ast.With, ast.AsyncWith)) or not where.functions:
            return None
        is_async = isinstance(statement, ast.AsyncWith)
        stack = where.project.fresh("stack")
        entered: list[ast.stmt] = []
        for item in statement.items:
            method = "enter_async_context" if is_async else "enter_context"
            value: ast.expr = ast.Call(ast.Attribute(name(stack), method, ast.Load()), [item.context_expr], [])
            value = ast.Await(value) if is_async else value
            entered.append(ast.Assign([item.optional_vars], value) if item.optional_vars else ast.Expr(value))
        where.require("contextlib")
        kind = "AsyncExitStack" if is_async else "ExitStack"
        made = ast.Call(ast.Attribute(name("contextlib"), kind, ast.Load()), [], [])
        statement.items = [ast.withitem(made, ast.Name(stack, ast.Store()))]
        statement.body = [*entered, *statement.body]
        return [statement]

    return rewrite_statements(project, rewrite)


def entered_by_hand(project: Project) -> bool:
    """``async with a as x:`` → ``await a.__aenter__()`` and, in a ``finally``, ``__aexit__``."""

    def rewrite(statement: ast.stmt, where: Where) -> list[ast.stmt] | None:
        if not isinstance(statement, (ast.With, ast.AsyncWith)) or len(statement.items) != 1 or not where.functions:
            return None
        is_async = isinstance(statement, ast.AsyncWith)
        wait, letter = ("await ", "a") if is_async else ("", "")
        held = where.project.fresh("manager")
        item = statement.items[0]
        new = parse(
            f"{held} = VALUE\nTARGET = {wait}{held}.__{letter}enter__()\n"
            f"try:\n    HERE\nfinally:\n    {wait}{held}.__{letter}exit__(*sys.exc_info())"
        )
        assert isinstance(new[0], ast.Assign)
        assert isinstance(new[1], ast.Assign)
        assert isinstance(new[2], ast.Try)
        new[0].value = item.context_expr
        new[2].body = statement.body
        if item.optional_vars is not None:
            new[1].targets = [item.optional_vars]
        else:
            new[1] = ast.Expr(new[1].value)
        where.require("sys")
        return new

    return rewrite_statements(project, rewrite)
