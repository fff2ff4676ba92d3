"""Tenants that settings of a connection are given as values, whatever the settings are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.strings import texts_of
from sessionlint.rules.tenancy import is_tenant_expression, mentions_tenant, stems
from sessionlint.rules.walking import nodes_below, own_nodes_below

SCHEMAS: Final = "schema_translate_map"
#: What is put of a tenant where a setting is meant for it, and calls that make a text of what they are given.
_TELLING_APART: Final = frozenset({"code", "hex", "id", "key", "name", "schema", "schema_name", "slug", "uuid"})
_TEXTS: Final = frozenset({
    "DDL", "UUID", "cast", "encode", "format", "join", "literal", "lower", "quote", "quote_ident", "quoted_name",
    "replace", "str", "strip", "text", "upper",
})  # fmt: skip
_BOUND = regex(r"\bset_config\(\s*'([^']*)'\s*,\s*(?:CAST\s*\(\s*)?:(\w+)")


def reads_tenant(program: Program, function: FunctionInfo, expr: ir.Expr | None) -> bool:
    """Whether an expression, or a text that stands in it by its name, has a tenant in it: ``who.tenant_id``."""
    if expr is None:
        return False
    if _has_tenant(program, expr):
        return True
    names = {n[2] for n in (expr, *nodes_below(expr)) if n[0] == "n" and len(n) == 3}
    kept = (s for s in own_nodes_below(function.body) if s[0] == "=" and len(s) == 4 and s[3][0] in ("f", "b"))
    return any(t[0] == "n" and t[2] in names and _has_tenant(program, s[3]) for s in kept for t in s[2])


def _has_tenant(program: Program, node: ir.Expr) -> bool:
    """Whether a tenant is put in as it is: what a function finds out by it (``timeout_of(tenant_id)``) is none."""
    op = node[0]
    if op == "n":
        return is_tenant_expression(program, node) or _is_stem(program, node[2])
    if op == "a":
        if is_tenant_expression(program, node) or _is_stem(program, node[3]):
            return True
        return node[3] in _TELLING_APART and _has_tenant(program, node[2])
    if op == "c":
        if (ir.dotted(node[2]) or "").rpartition(".")[2] in _TEXTS or (node[2][0] == "a" and node[2][3] in _TEXTS):
            above = (node[2][2],) if node[2][0] == "a" else ()
            return any(_has_tenant(program, e) for e in (*above, *node[3], *(v for _, v in node[4])))
        return is_tenant_expression(program, node) and node[2][0] == "a"
    if op in ("i", "aw"):
        return is_tenant_expression(program, node)
    if op in ("f", "t", "l"):
        return any(_has_tenant(program, e) for e in node[2])
    if op == "b":
        return _has_tenant(program, node[3]) or _has_tenant(program, node[4])
    return op == "d" and any(_has_tenant(program, v) for v in node[3])


def _is_stem(program: Program, name: str) -> bool:
    return name.removeprefix("current_") in stems(program)


def chooses_schema(program: Program, event: Event) -> bool:
    """Whether the map of schemas that is written in a call reads a tenant."""
    written = _schemas(event.expr) if event.expr is not None and event.expr[0] == "c" else ()
    return any(reads_tenant(program, event.function, expr) for expr in written)


def _schemas(call: ir.Expr) -> Iterator[ir.Expr]:
    for key, value in call[4]:
        if key == SCHEMAS:
            yield value
        elif value[0] == "d":
            pairs = zip(value[2], value[3], strict=True)
            yield from (v for k, v in pairs if k is not None and k[0] == "k" and k[2] == SCHEMAS)


def bound_tenants(program: Program) -> Iterator[tuple[Event, str]]:
    """Where ``set_config('app.scope', :value, …)`` is executed with a tenant, and the setting does not say so."""
    for event in program.events("use"):
        if event.name not in ("execute", "scalar", "scalars") or len(event.args) < 2 or event.expr is None:
            continue
        given = event.expr[3][1] if event.expr[0] == "c" and len(event.expr[3]) > 1 else None
        if given is None or given[0] != "d":
            continue
        binds = {m[2]: m[1] for text in texts_of(event.args[0]) for m in _BOUND.finditer(text.text)}
        for key, value in zip(given[2], given[3], strict=True) if binds else ():
            name = binds.get(key[2]) if key is not None and key[0] == "k" else None
            if name is not None and not mentions_tenant(program, name) and reads_tenant(program, event.function, value):
                yield event, f"set_config({name!r})"
