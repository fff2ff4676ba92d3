"""Conditions of relationships that are written as texts: ``primaryjoin="and_(Item.id == …, Item.tenant_id == 1)"``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import Event
from sessionlint.rules.tenancy import is_tenant_name

_JOINS = ("primaryjoin", "secondaryjoin")
_MAKERS = ("sqlalchemy.orm.relationship", "sqlalchemy.orm.dynamic_loader", "sqlalchemy.orm.backref")
_TESTS = ("in_", "is_", "is_not", "not_in", "like")


def relating(listing: FileListing) -> Iterator[Event]:
    """The relationships of a file that are made with a condition."""
    external = listing.by_kind.get("external", ())
    return (e for e in external if e.name in _MAKERS and any(k in _JOINS for k, _ in e.keywords))


def tenant_condition(program: Program, event: Event) -> str | None:
    """The tenant column that such a text compares with something else than a column."""
    texts = [a.value for k, v in event.keywords if k in _JOINS for a in v if a.tag == "const" and a.kind == "str"]
    for text in texts:
        if any(name in text for name in program.policy.tenant_names):
            try:
                tree = ast.parse(text.strip(), mode="eval")
            except (SyntaxError, ValueError):
                continue
            for node in ast.walk(tree):
                name = _compared(node)
                if name and is_tenant_name(program, name):
                    return name
    return None


def _compared(node: ast.AST) -> str | None:
    """The column that is compared here with what is no column."""
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        sides = [_column(node.left), _column(node.comparators[0])]
        return next((s for s in sides if s), None) if None in sides else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TESTS:
        return _column(node.func.value)
    return None


def _column(node: ast.expr) -> str | None:
    """``Item.name``, perhaps marked: ``foreign(Item.name)``."""
    while isinstance(node, ast.Call) and len(node.args) == 1:
        node = node.args[0]
    return node.attr if isinstance(node, ast.Attribute) else None


__all__ = ["relating", "tenant_condition"]
