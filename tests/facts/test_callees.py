"""A call is read the plain way, however it names what it calls and spells its arguments."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from sessionlint.facts import ir
from sessionlint.facts.lower import lower_module


def last_statement(text: str) -> Any:
    """The last statement of the function ``f`` of a module, without positions."""
    tree = ast.parse(text)
    (function,) = (s for s in lower_module(tree, text)[0] if s[0] == "F" and s[2][0] == "f")
    return without_spans(ir.body_of(function[2])[-1])


def without_spans(node: Any) -> Any:
    if type(node) is not tuple:
        return node
    is_node = len(node) > 1 and type(node[0]) is str and type(node[1]) is tuple
    return tuple(without_spans(child) for i, child in enumerate(node) if not (is_node and i == 1))


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ("add = rows.append\n    add(1)", "rows.append(1)"),
        ("make = Session\n    make(1)", "Session(1)"),
        ("for row in rows:\n        get = row.get\n    get(1)", "row.get(1)"),
        ("getattr(rows, 'append')(1)", "rows.append(1)"),
        ("(add := rows.append)(1)", "rows.append(1)"),
        ("(lambda: rows.append(1))()", "rows.append(1)"),
        ("add(*(1, 2), **{'key': 3})", "add(1, 2, key=3)"),
        ("add(*[1], *rest)", "add(1, *rest)"),
    ],
)
def test_a_call_is_read_the_plain_way(body, plain):
    assert last_statement(f"def f(rows):\n    {body}\n") == last_statement(f"def f(rows):\n    {plain}\n")


@pytest.mark.parametrize(
    "body",
    [
        "add = rows.append if rows else rows.insert\n    add(1)",
        "add = rows.append\n    add = rows.insert\n    add(1)",
        "add = rows.append\n    rows = []\n    add(1)",
        "add = rows.items.append\n    rows.items = []\n    add(1)",
        "add = rows.append\n    for add in rows: pass\n    add(1)",
        "global add\n    add = rows.append\n    add(1)",
    ],
)
def test_a_name_that_may_stand_for_something_else_is_left_alone(body):
    assert last_statement(f"def f(rows):\n    {body}\n") == last_statement("def f(rows):\n    add(1)\n")


@pytest.mark.parametrize(
    ("body", "other"),
    [
        ("add(*rows)", "add(rows)"),
        ("add(**{key: 1})", "add(key=1)"),
        ("getattr(rows, name)(1)", "rows.name(1)"),
        ("(lambda x: x.add())(rows)", "rows.add()"),
    ],
)
def test_what_only_the_running_program_knows_is_left_alone(body, other):
    assert last_statement(f"def f(rows):\n    {body}\n") != last_statement(f"def f(rows):\n    {other}\n")
