"""``type("Loud", (Ending, Command), {…})`` has the facts of the class statement that it stands for."""

from __future__ import annotations

import ast

import pytest

from sessionlint.facts.made_classes import as_statement


def _statement(source: str) -> ast.ClassDef | None:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.Assign)
    return as_statement(node)


def test_a_call_of_type_is_the_class_statement_with_its_bases_and_members() -> None:
    made = _statement("Loud = type('Loud', (Ending, base.Command), {'retries': 3, 'close': finish})")
    assert made is not None
    assert ast.unparse(made) == "class Loud(Ending, base.Command):\n    retries = 3\n    close = finish"
    assert (made.lineno, made.col_offset) == (1, 0)


@pytest.mark.parametrize(
    "source",
    [
        "kind = type(value)",
        "Loud = type('Loud', bases, {})",
        "Loud = type('Loud', (*bases,), {})",
        "Loud = type('Loud', (Ending,), members)",
        "Loud = type('Loud', (Ending,), {name: 3})",
        "Loud = type('Loud', (Ending,), {**members})",
        "Loud = make('Loud', (Ending,), {})",
        "self.loud = type('Loud', (Ending,), {})",
        "Loud = Louder = type('Loud', (Ending,), {})",
    ],
)
def test_what_is_not_all_written_out_stays_a_call(source: str) -> None:
    assert _statement(source) is None
