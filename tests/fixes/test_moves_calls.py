"""Parameters and arguments added and taken away, laid out as their neighbours are."""

from __future__ import annotations

import libcst as cst
import pytest

from sessionlint.fixes.model import CannotFixError
from sessionlint.fixes.moves_calls import add_argument, add_parameter, argument, remove_argument, remove_parameter
from tests.fixes.support import context_of

PATH = "app/services/example.py"


def with_parameter(header: str, code: str, *, first: bool = False) -> str:
    context = context_of({PATH: f"{header}\n    pass\n"})
    edit = context.edit()
    function = next(n for n in context.source(PATH).walk() if isinstance(n, cst.FunctionDef))
    add_parameter(edit, PATH, function, code, first=first)
    return edit.changes()[PATH].removesuffix("\n    pass\n")


def without_parameter(header: str, name: str) -> str:
    context = context_of({PATH: f"{header}\n    pass\n"})
    edit = context.edit()
    function = next(n for n in context.source(PATH).walk() if isinstance(n, cst.FunctionDef))
    remove_parameter(edit, PATH, function, name)
    return edit.changes()[PATH].removesuffix("\n    pass\n")


def call_after(code: str, move: str) -> str:
    context = context_of({PATH: f"{code}\n"})
    edit = context.edit()
    call = next(n for n in context.source(PATH).walk() if isinstance(n, cst.Call))
    if move.startswith("+"):
        add_argument(edit, PATH, call, move[1:])
    else:
        found = argument(call, move[1:], None)
        assert found is not None
        remove_argument(edit, PATH, call, found)
    return edit.changes()[PATH].removesuffix("\n")


@pytest.mark.parametrize(
    ("header", "code", "expected"),
    [
        ("def f():", "s: S", "def f(s: S):"),
        ("def f(a):", "s: S", "def f(a, s: S):"),
        ("def f(a, b=1):", "s: S", "def f(a, s: S, b=1):"),
        ("def f(a, b=1):", "s: S = D()", "def f(a, b=1, s: S = D()):"),
        ("def f(a, *args):", "s: S", "def f(a, *args, s: S):"),
        ("def f(a, *, b):", "s: S", "def f(a, s: S, *, b):"),
        ("def f(*, b):", "s: S", "def f(s: S, *, b):"),
        ("def f(a, **kw):", "s: S", "def f(a, s: S, **kw):"),
        ("def f(a, /):", "s: S", "def f(a, /, s: S):"),
        ("def f(\n    a: int,\n    b: int,\n):", "s: S", "def f(\n    a: int,\n    b: int,\n    s: S,\n):"),
        ("def f(\n    a: int,\n):", "s: S", "def f(\n    a: int,\n    s: S,\n):"),
        ("def f(\n    a: int,  # one\n    b: int,  # two\n):", "s: S",
         "def f(\n    a: int,  # one\n    b: int,  # two\n    s: S,\n):"),
        ("def f(\n    a: int,\n    b: int = 1\n):", "s: S", "def f(\n    a: int,\n    s: S,\n    b: int = 1\n):"),
        ("def f(\n    a: int,\n    b: int\n):", "s: S", "def f(\n    a: int,\n    b: int,\n    s: S\n):"),
    ],
)  # fmt: skip
def test_a_parameter_is_added_where_it_is_allowed(header, code, expected):
    assert with_parameter(header, code) == expected


def test_a_first_parameter_stands_behind_self():
    context = context_of({PATH: "class A:\n    def f(self, a):\n        pass\n"})
    edit = context.edit()
    function = next(n for n in context.source(PATH).walk() if isinstance(n, cst.FunctionDef))
    add_parameter(edit, PATH, function, "s: S", first=True)
    assert edit.changes()[PATH] == "class A:\n    def f(self, s: S, a):\n        pass\n"
    assert with_parameter("def f(a):", "s", first=True) == "def f(s, a):"


def test_a_parameter_of_the_same_name_is_refused():
    with pytest.raises(CannotFixError, match="f already has a parameter s"):
        with_parameter("def f(s):", "s: S")


@pytest.mark.parametrize(
    ("header", "name", "expected"),
    [
        ("def f(t):", "t", "def f():"),
        ("def f(a, t):", "t", "def f(a):"),
        ("def f(t, a):", "t", "def f(a):"),
        ("def f(a, *, t):", "t", "def f(a):"),
        ("def f(a, *, t, b=1):", "t", "def f(a, *, b=1):"),
        ("def f(t, /, a):", "t", "def f(a):"),
        ("def f(\n    a: int,\n    t: str,\n):", "t", "def f(\n    a: int,\n):"),
        ("def f(\n    t: str,\n    a: int\n):", "t", "def f(\n    a: int\n):"),
    ],
)
def test_a_parameter_is_taken_away_with_its_comma(header, name, expected):
    assert without_parameter(header, name) == expected


@pytest.mark.parametrize(
    ("code", "move", "expected"),
    [
        ("f()", "+s", "f(s)"),
        ("f(a)", "+s", "f(a, s)"),
        ("f(a, b=1)", "+s", "f(a, s, b=1)"),
        ("f(b=1)", "+s=s", "f(b=1, s=s)"),
        ("f(**kw)", "+s=s", "f(s=s, **kw)"),
        ("f(\n    a,\n    b,\n)", "+s=s", "f(\n    a,\n    b,\n    s=s,\n)"),
        ("f(\n    a,\n)", "+s=s", "f(\n    a,\n    s=s,\n)"),
        ("f(\n    a,  # one\n    b\n)", "+s=s", "f(\n    a,  # one\n    b,\n    s=s\n)"),
        ("f(a, t=1)", "-t", "f(a)"),
        ("f(t=1)", "-t", "f()"),
        ("f(t=1, a=2)", "-t", "f(a=2)"),
        ("f(\n    a,\n    t=1,\n)", "-t", "f(\n    a,\n)"),
    ],
)
def test_an_argument_comes_and_goes(code, move, expected):
    assert call_after(code, move) == expected


def test_two_arguments_of_one_call_are_taken_away_together():
    context = context_of({PATH: "f(a, b, c, d=1)\n"})
    edit = context.edit()
    call = next(n for n in context.source(PATH).walk() if isinstance(n, cst.Call))
    for index in (0, 2):
        remove_argument(edit, PATH, call, call.args[index])
    assert edit.changes()[PATH] == "f(b, d=1)\n"


def test_an_argument_behind_a_star_is_refused():
    call = cst.parse_expression("f(*rows)")
    assert isinstance(call, cst.Call)
    with pytest.raises(CannotFixError, match=r"the call passes \*, which may hold tenant_id"):
        argument(call, "tenant_id", 1)


def test_a_comment_above_an_item_goes_with_it_where_the_next_one_has_its_own():
    before = "f(\n    a=1,\n    # about b\n    b=2,  # behind b\n    # about c\n    c=3,\n)"
    assert call_after(before, "-b") == "f(\n    a=1,\n    # about c\n    c=3,\n)"
    heading = "f(\n    a=1,\n    # both of them\n    b=2,\n    c=3,\n)"
    assert call_after(heading, "-b") == "f(\n    a=1,\n    # both of them\n    c=3,\n)"
    with pytest.raises(CannotFixError, match="a comment stands between what would go and what follows"):
        call_after("f(\n    a=1,\n    # about b\n    b=2,\n)", "-a")
