"""What is a tenant's: names of columns and parameters, SQL predicates, and the functions that must not know them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.events import Event
from sessionlint.program.listing import FileListing
from sessionlint.program.model import FunctionInfo

_SUFFIX = regex(r"_?(?:id|uuid|key|pk|slug)$", re.I)
_WORD = regex(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_COMMENT = regex(r"--[^\n]*|/\*.*?\*/", re.S)
_DEFINITION = regex(
    r"\s*(?:create\s+(?:unlogged\s+|temp\w*\s+|unique\s+)*(?:table|index)|alter\s+table|comment\s+on)\b", re.I
)
_CLAUSE = regex(
    r"\b(where|and|or|on|having|when|not|check|using|filter|qualify|set|values|select|returning|insert\s+into|order\s+by"
    r"|group\s+by|into)\b",
    re.I,
)
_CASE = regex(r"\b(case|end)\b", re.I)
#: What may stand between ``CASE`` and a comparison that it is about.
_OF_CASE = {"when", "and", "or", "not"}
_FILTERING = {"where", "and", "or", "on", "having", "when", "not", "check", "using", "filter", "qualify"}
#: A column of another table: the comparison joins rows, it chooses none.
_JOINED = regex(r"\w+\.\"?\w+\"?(?![\w.]|\s*\()")
#: Nothing is made of what comes next but yes or no.
_DIRECTLY = regex(r"\b(?:where|and|or|on|having|not)[\s(]*$", re.I)
_COUNTED = regex(r"\bcount\s*\(\s*(?:distinct\s+)?$", re.I)
#: What is defined of a table, beside its columns.
_DEFINING = (".Index", "Constraint", ".Computed")
_QUALIFIED = r"(?:[\w\"\0]+\.)*"
#: A literal; what ``EXECUTE`` and ``format()`` are given is SQL again.
_LITERAL = regex(r"(\b(?:execute|format\s*\()\s*)?'[^']*'", re.I)
#: What a statement is given: a bind parameter, a literal or what stands in their place.
_GIVEN = r"(?::\w+|\$\d+|%s|%\(\w+\)s|\?|'[^']*'|\d+|\0)(?:\s*::\s*\w+)?"


def stems(program: Program) -> frozenset[str]:
    """The tenant names without ``_id`` and its kin: ``tenant`` for ``tenant_id``."""
    return frozenset(s for s in (_SUFFIX.sub("", n).strip("_").lower() for n in program.policy.tenant_names) if s)


def mentions_tenant(program: Program, name: str) -> bool:
    """Whether a name speaks of a tenant: ``get_tenant_id``, ``TenantResolver``, ``X-Tenant-ID``."""
    return _mentions_any(program.shared(stems), name)


@lru_cache(maxsize=4096)
def _mentions_any(known: frozenset[str], name: str) -> bool:
    joined = "_".join(w.lower() for w in _WORD.findall(name))
    return any(re.search(rf"(?:^|_){re.escape(stem)}s?(?:_|$)", joined) for stem in known)


def names_tenant_last(program: Program, name: str) -> bool:
    """Whether a name ends with a tenant, or with what tells tenants apart: ``current_tenant``, ``TenantId``."""
    words = [w.lower() for w in _WORD.findall(name)]
    joined = "_" + "_".join(words)
    return any(_SUFFIX.sub("", joined).endswith((f"_{stem}", f"_{stem}s")) for stem in program.shared(stems))


def is_tenant_name(program: Program, name: str) -> bool:
    """Whether a column, parameter or key of this name holds a tenant."""
    return name in program.policy.tenant_names


def is_tenant_expression(program: Program, expr: ir.Expr | None) -> bool:
    """Whether an expression reads a tenant by name: ``tenant_id``, ``user.tenant_id``, ``claims["tenant_id"]``."""
    if expr is None:
        return False
    op = expr[0]
    if op == "aw":
        return is_tenant_expression(program, expr[2])
    if op in ("n", "a"):
        return is_tenant_name(program, expr[-1])
    if op == "i":
        return expr[3][0] == "k" and isinstance(expr[3][2], str) and is_tenant_key(program, expr[3][2])
    if op == "c" and expr[3]:
        if expr[2][0] == "n":
            return len(expr[3]) == 1 and is_tenant_expression(program, expr[3][0])
        first = expr[3][0]
        return (
            expr[2][0] == "a"
            and expr[2][3] == "get"
            and first[0] == "k"
            and isinstance(first[2], str)
            and is_tenant_key(program, first[2])
        )
    if op == "o":
        return any(is_tenant_expression(program, e) for e in expr[3])
    return False


def is_tenant_key(program: Program, key: str) -> bool:
    """Whether a dictionary key or header name is a tenant's: ``tenant_id``, ``X-Tenant-ID``."""
    plain = key.lower().replace("-", "_").removeprefix("x_")
    return any(plain == n.lower() for n in program.policy.tenant_names)


def keeps_out(program: Program, function: FunctionInfo) -> bool:
    """Whether the tenant rules leave the function alone: tests and migrations."""
    return program.role(function) in ("test", "migration")


def in_table_definition(event: Event) -> bool:
    """Whether an index or constraint is defined by it: that says how rows are kept, and chooses none."""
    line, column, to_line, to_column = event.span
    return any(
        e.span[:2] <= (line, column) and (to_line, to_column) <= e.span[2:]
        for e in event.function.events
        if e.kind == "external" and e.name.startswith("sqlalchemy.") and e.name.endswith(_DEFINING)
    )


@lru_cache(maxsize=64)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    column = _QUALIFIED + r'"?(?:' + "|".join(re.escape(n) for n in names) + r')"?(?!\w)'
    # what closes the function or cast around the column: "AS uuid)", "::text)", ", :default)"
    cast = r"(?:\s+AS\s+\w+\s*\)|\s*::\s*\w+)?(?:\s*(?:,[^()]*)?\))*(?:\s*::\s*\w+)?"
    operator = r"(?:=|!=|<>|<=|>=|<|>|\bNOT\s+IN\b|\bIN\b|\bIS\b|\bI?LIKE\b|\bNOT\s+I?LIKE\b|\bBETWEEN\b|~)"
    forward = re.compile(rf"(?<![\w:@%'\0.]){column}{cast}\s*{operator}\s*", re.I)
    backward = re.compile(rf"(?:=|!=|<>)\s*(?:ANY\s*\(\s*)?{column}(?!\s*(?:\(|'))", re.I)
    among = re.compile(rf"{_GIVEN}\s*(?:NOT\s+)?IN\s*\(\s*(?:[\w.\"]+\s*,\s*)*{column}", re.I)
    # a function that says yes or no of it and of what the statement is given
    asked = re.compile(
        rf"(?<=\s)(?!CONFLICT\b)(?:\w+\.)*\w+\(\s*{column}(?:\s*::\s*\w+)?(?:\s*,\s*{_GIVEN})*\s*\)"
        r"(?=\s*(?:$|[);]|\b(?:AND|OR|GROUP|ORDER|LIMIT|OFFSET|FOR|RETURNING)\b))",
        re.I,
    )
    return forward, backward, among, asked, re.compile(rf"{column}(?:\s*::\s*\w+)?\s*(?:$|[)\s;])", re.I)


def sql_predicate(program: Program, text: str) -> str | None:
    """The tenant comparison in SQL text, as written, or ``None``.

    Counts where rows are chosen (WHERE, ON, HAVING…), not column lists, ``UPDATE … SET``, tables' definitions,
    joins of two tenant columns, or a ``CASE`` in one of these places.
    """
    if not program.policy.tenant_names:
        return None
    text = _LITERAL.sub(lambda found: found[0] if found[1] else "''", _COMMENT.sub(" ", text))
    if _DEFINITION.match(text):
        return None
    *patterns, column = _patterns(tuple(program.policy.tenant_names))
    forward, backward, _, asked = patterns
    for pattern in patterns:
        for found in pattern.finditer(text):
            if pattern is asked and not _DIRECTLY.search(text[: found.start()]):
                continue
            if pattern is forward and (column.match(text, found.end()) or _JOINED.match(text, found.end())):
                continue
            if pattern is backward and _JOINED.fullmatch(text[: found.start()].rstrip().rpartition(" ")[2]):
                continue
            if pattern is backward and re.search(
                rf"{column.pattern.rsplit('(?:$', 1)[0]}$", text[: found.start()], re.I
            ):
                continue
            if _COUNTED.search(text[: found.start()]):
                continue
            clauses = _CLAUSE.findall(_before_case(text[: found.start()]))
            if not clauses and text[: found.start()].strip(" (\n\t"):
                continue
            if not clauses or clauses[-1].split()[0].lower() in _FILTERING:
                return " ".join(found.group().split()).replace("\0", "…").strip()
    return None


def _before_case(text: str) -> str:
    """The text before the ``CASE`` whose condition comes next: what it gives may be selected or sorted by only."""
    opened: list[int] = []
    for found in _CASE.finditer(text):
        if found.group().lower() == "case":
            opened.append(found.start())
        elif opened:
            opened.pop()
    while opened and {c.lower() for c in _CLAUSE.findall(text[opened[-1] :])} <= _OF_CASE:
        text = text[: opened.pop()]
    return text


def tenant_parameters(program: Program, function: FunctionInfo) -> list[Any]:
    """The parameters (name, kind, annotation, default, span) with a tenant's name."""
    names = program.policy.tenant_names
    return [p for p in function.params if p[0] in names]


def with_tenants(listing: FileListing, names: tuple[str, ...]) -> Iterator[FunctionInfo]:
    """The functions of a file with a parameter of one of the names."""
    return (f for f in listing.functions if any(p[0] in names for p in f.params))
