"""Tenant conditions found in one function, and taken out of it."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from sessionlint.facts import ir
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import CannotFixError
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import parameters
from sessionlint.fixes.source import Function, Source
from sessionlint.fixes.tenancy_conditions import CHOOSING
from sessionlint.fixes.tenancy_erasing import Erasing
from sessionlint.fixes.tenancy_sql import SqlMove
from sessionlint.rules.tenancy import mentions_tenant

_TESTS = frozenset({"in_", "eq"})


def erase(
    context: Context, edit: Edit, source: Source, function: Function | None,
    conditions: list[cst.CSTNode], texts: list[SqlMove], arguments: list[cst.Arg],
) -> None:  # fmt: skip
    """Takes things out of a function, and the local names of a tenant that fed them where nothing else needs those."""
    entries = [entry for text in texts for entry in text.entries]
    roots = [*conditions, *arguments, *entries]
    candidates = _local_names(context, source, function, roots)
    erasing: Erasing | None = None
    for names in ({*candidates}, set[str]()) if candidates else (set[str](),):
        erasing = Erasing(
            context, source, function, names,
            conditions=conditions, always=conditions, arguments=arguments, entries=entries, dead=entries,
        )  # fmt: skip
        try:
            erasing.decide()
            break
        except CannotFixError:
            if not names:
                raise
    assert erasing is not None
    erasing.emit(edit)
    for text in texts:
        text.emit(edit)


def _local_names(context: Context, source: Source, function: Function | None, roots: list[cst.CSTNode]) -> set[str]:
    """The variables (no parameters) named after a tenant that are read in some nodes."""
    given = {param.name.value for param in parameters(function)} if function is not None else set()
    found = {n.value for root in roots for n in source.walk(root) if isinstance(n, cst.Name)} - given
    stored = {
        t.target.value
        for n in source.walk(function or source.module)
        if isinstance(n, cst.Assign)
        for t in n.targets
        if isinstance(t.target, cst.Name)
    }
    return {name for name in found & stored if mentions_tenant(context.program, name)}


def conditions_of(context: Context, source: Source, function: Function | None) -> Iterator[cst.CSTNode]:
    """The tenant conditions of a function that can be taken for what they are."""
    for event in context.events(source.path, "predicate"):
        if "between columns" in event.flags:
            continue
        node = condition_at(source, event.span, event.name)
        if node is not None and source.function(node) is function and is_choice(source, node):
            yield node


def condition_at(source: Source, span: ir.Span4, name: str) -> cst.CSTNode | None:
    """The condition on the column ``name`` at a span; None when it is not written out there."""
    node = source.node_at(span, cst.BaseExpression)  # type: ignore[type-abstract]
    parent = source.parents[node]
    if isinstance(parent, cst.Arg) and parent.keyword is not None and parent.keyword.value == name:
        return node
    if isinstance(node, cst.Comparison):
        return node
    if isinstance(node, cst.Call):
        called = node.func.attr.value if isinstance(node.func, cst.Attribute) else source.code(node.func)
        return None if called in CHOOSING else node
    return None


def is_choice(source: Source, node: cst.CSTNode) -> bool:
    """Whether a condition chooses the rows of given tenants: not those of others, of none, or of a range."""
    if isinstance(node, cst.Comparison):
        operator, other = node.comparisons[0].operator, source.code(node.comparisons[0].comparator)
        return len(node.comparisons) == 1 and isinstance(operator, cst.Equal) and other != "None"
    if isinstance(node, cst.Call):
        called = node.func.attr.value if isinstance(node.func, cst.Attribute) else source.code(node.func)
        parent = source.parents[node]
        return called in _TESTS or (isinstance(parent, cst.Arg) and parent.keyword is not None)
    return True
