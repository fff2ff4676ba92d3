"""Disguises of texts: how a string comes to be."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from tests.disguises.project import Project
from tests.disguises.syntax import header_end, name
from tests.disguises.trees import Replace, walk

_STATEMENT = re.compile(r"\s*(select|insert|update|delete|set|commit|rollback|begin|with|truncate|savepoint)\b", re.I)


def _texts(project: Project, how: Callable[[str], ast.expr | None]) -> bool:
    """Every SQL text that is one literal becomes what ``how`` gives."""
    changed = False
    for tree in project.trees.values():
        docstrings = {id(s.value) for s in walk(tree) if isinstance(s, ast.Expr)}
        parts = {id(v) for n in walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
        for node in [n for n in walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]:
            if id(node) in docstrings | parts or not isinstance(node.value, str) or not _STATEMENT.match(node.value):
                continue
            new = how(node.value)
            if new is not None:
                new.origin = getattr(node, "origin", None)  # type: ignore[attr-defined]
                Replace({id(node): new}).visit(tree)
                changed = True
    return changed


def _halves(text: str) -> tuple[ast.Constant, ast.Constant]:
    middle = len(text) // 2
    return ast.Constant(text[:middle]), ast.Constant(text[middle:])


def concatenated(project: Project) -> bool:
    """``"SELECT a"`` → ``"SEL" + "ECT a"``."""
    return _texts(project, lambda n: ast.BinOp(_halves(n)[0], ast.Add(), _halves(n)[1]))


def joined(project: Project) -> bool:
    """``"SELECT a"`` → ``"".join(["SEL", "ECT a"])``."""

    def how(text: str) -> ast.expr:
        return ast.Call(
            ast.Attribute(ast.Constant(""), "join", ast.Load()), [ast.List(list(_halves(text)), ast.Load())], []
        )

    return _texts(project, how)


def formatted(project: Project) -> bool:
    """``"SELECT a"`` → ``"{}{}".format("SEL", "ECT a")``."""

    def how(text: str) -> ast.expr:
        return ast.Call(ast.Attribute(ast.Constant("{}{}"), "format", ast.Load()), list(_halves(text)), [])

    return _texts(project, how)


def by_percent(project: Project) -> bool:
    """``"SELECT a"`` → ``"%s%s" % ("SEL", "ECT a")``."""
    return _texts(
        project, lambda n: ast.BinOp(ast.Constant("%s%s"), ast.Mod(), ast.Tuple(list(_halves(n)), ast.Load()))
    )


def interpolated(project: Project) -> bool:
    """``"SELECT a"`` → ``f"{'SEL'}{'ECT a'}"``."""

    def how(text: str) -> ast.expr | None:
        if any(c in text for c in "'\"\\\n{}"):
            return None
        return ast.JoinedStr([ast.FormattedValue(h, -1) for h in _halves(text)])

    return _texts(project, how)


def in_constant(project: Project) -> bool:
    """``"SELECT a"`` → a constant of the module."""
    changed = False
    for tree in project.trees.values():

        def how(text: str, tree: ast.Module = tree) -> ast.expr:
            held = project.fresh("STATEMENT")
            tree.body.insert(header_end(tree), ast.Assign([ast.Name(held, ast.Store())], ast.Constant(text)))
            return name(held)

        changed = _texts(Project({"x": tree}), how) or changed
    return changed


def _mixed(project: Project, how: Callable[[list[ast.expr]], ast.expr | None]) -> bool:
    """Every f-string without format specifications becomes what ``how`` makes of its parts."""
    changed = False
    for tree in project.trees.values():
        for node in [n for n in walk(tree) if isinstance(n, ast.JoinedStr)]:
            values = [v for v in node.values if isinstance(v, ast.FormattedValue)]
            if not values or any(v.format_spec is not None or v.conversion != -1 for v in values):
                continue
            new = how(node.values)
            if new is not None:
                new.origin = getattr(node, "origin", None)  # type: ignore[attr-defined]
                Replace({id(node): new}).visit(tree)
                changed = True
    return changed


def _value(part: ast.expr) -> ast.expr:
    return part.value if isinstance(part, ast.FormattedValue) else part


def mixed_by_format(project: Project) -> bool:
    """``f"a {x}"`` → ``"a {}".format(x)``."""

    def how(parts: list[ast.expr]) -> ast.expr:
        text = "".join("{}" if isinstance(p, ast.FormattedValue) else _braces(p) for p in parts)
        return ast.Call(
            ast.Attribute(ast.Constant(text), "format", ast.Load()),
            [_value(p) for p in parts if isinstance(p, ast.FormattedValue)], [],
        )  # fmt: skip

    return _mixed(project, how)


def _braces(part: ast.expr) -> str:
    assert isinstance(part, ast.Constant)
    return str(part.value).replace("{", "{{").replace("}", "}}")


def mixed_by_percent(project: Project) -> bool:
    """``f"a {x}"`` → ``"a %s" % (x,)``."""

    def how(parts: list[ast.expr]) -> ast.expr:
        text = "".join("%s" if isinstance(p, ast.FormattedValue) else _percent(p) for p in parts)
        values = [_value(p) for p in parts if isinstance(p, ast.FormattedValue)]
        return ast.BinOp(ast.Constant(text), ast.Mod(), ast.Tuple(values, ast.Load()))

    return _mixed(project, how)


def _percent(part: ast.expr) -> str:
    assert isinstance(part, ast.Constant)
    return str(part.value).replace("%", "%%")


def mixed_by_plus(project: Project) -> bool:
    """``f"a {x}"`` → ``"a " + str(x)``."""

    def how(parts: list[ast.expr]) -> ast.expr:
        pieces = [ast.Call(name("str"), [_value(p)], []) if isinstance(p, ast.FormattedValue) else p for p in parts]
        result: ast.expr = pieces[0]
        for piece in pieces[1:]:
            result = ast.BinOp(result, ast.Add(), piece)
        return result

    return _mixed(project, how)


def mixed_by_join(project: Project) -> bool:
    """``f"a {x}"`` → ``"".join(["a ", str(x)])``."""

    def how(parts: list[ast.expr]) -> ast.expr:
        pieces = [ast.Call(name("str"), [_value(p)], []) if isinstance(p, ast.FormattedValue) else p for p in parts]
        return ast.Call(ast.Attribute(ast.Constant(""), "join", ast.Load()), [ast.List(list(pieces), ast.Load())], [])

    return _mixed(project, how)
