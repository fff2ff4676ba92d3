"""Which classes keep a registry is read off their methods."""

from __future__ import annotations

import ast

import pytest

from sessionlint.facts.kept import keeps_registry

FILLED = """
class Bus:
    def add(self, name, listener):
        self.listeners[name].append(listener)
"""


def class_in(source):
    return next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))


@pytest.mark.parametrize(
    ("drawn", "keeps"),
    [
        ("for listener in self.listeners[name]:\n            listener(name)", True),
        ("for listener in self.listeners.get(name, ()):\n            listener.told(name)", True),
        ("[listener(name) for listener in self.listeners[name]]", True),
        ("self.listeners[name]()", True),
        ("if found := self.listeners.get(name):\n            found(name)", True),
        ("for listener in self.others[name]:\n            listener(name)", False),
        ("return self.listeners[name]", False),
        ("for listener in self.listeners[name]:\n            print(listener)", False),
    ],
)
def test_a_class_keeps_a_registry_when_it_calls_what_it_was_given(drawn, keeps):
    source = f"{FILLED}\n    def run(self, name):\n        {drawn}\n"
    assert keeps_registry(class_in(source)) is keeps


def test_a_class_that_puts_nothing_in_keeps_none():
    source = "class Table:\n    def run(self, name):\n        self.handlers[name]()\n"
    assert keeps_registry(class_in(source)) is False
