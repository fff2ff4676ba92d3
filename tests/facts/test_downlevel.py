"""Newer syntax is read as what it means, at the places where it stands."""

from __future__ import annotations

import ast
import dataclasses
import sysconfig
from pathlib import Path

import libcst
import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcst.metadata import MetadataWrapper, PositionProvider

from sessionlint.facts import downlevel, modern
from sessionlint.facts.fstrings import StringToken, UnreadableError, read_format
from sessionlint.facts.source import SourceError, parse

REFUSED = SyntaxError("refused by an older Python")
REFUSED.lineno = 1

SAME = [
    # PEP 758
    ("try: pass\nexcept A, B:\n    pass\n", "try: pass\nexcept (A, B):\n    pass\n"),
    ("try: pass\nexcept a.B, C[0], d(1, x=2) : x = {1: 2}\n", "try: pass\nexcept (a.B, C[0], d(1, x=2)): x = {1: 2}\n"),
    ("try: pass\nexcept A,:\n    pass\n", "try: pass\nexcept (A,):\n    pass\n"),
    ("try: pass\nexcept* A, B:\n    pass\n", "try: pass\nexcept* (A, B):\n    pass\n"),
    ("try: pass\nexcept A, \\\n  B:\n    pass\n", "try: pass\nexcept (A, B):\n    pass\n"),
    ("try: pass\nexcept (A, B): pass\nexcept C, D: pass\nexcept: pass\n",
     "try: pass\nexcept (A, B): pass\nexcept (C, D): pass\nexcept: pass\n"),
    # PEP 695 and 696
    ("type X = int\n", "X = int\n"),
    ("if x:\n    type X[T: int = str, *Ts, **P] = list[T]\n", "if x:\n    X = list[T]\n"),
    ("type LongName[\n\n    T,\n] = (\n    int\n)\n", "LongName = int\n"),
    ("type Ünion[Ä] = list[Ä] | Ü\n", "Ünion = list[Ä] | Ü\n"),
    ("x = 1; type = 2; type X = type\n", "x = 1; type = 2; X = type\n"),
    ("def f[T](x: T) -> T: pass\n", "def f(x: T) -> T: pass\n"),
    ("@d\nasync def f[**P, R: (int, str) = int](\n    x,\n): pass\n", "@d\nasync def f(x): pass\n"),
    ("def f[\n\n    T: 'a]b', # ]\n](x): pass\n", "def f(x): pass\n"),
    ("def f[T: f\"{'a'}\", U: f\"{b[\"]\"]}\"](x): pass\n", "def f(x): pass\n"),
    ("class A[T]: pass\n", "class A(): pass\n"),
    ("class A [T] (B, metaclass=M): pass\n", "class A(B, metaclass=M): pass\n"),
    # PEP 701
    ("f'{a['b']}'\n", "f'{a[\"b\"]}'\n"),
    ("x = f'1{a!r}2{b:>{w}}3{c[','.join('d')]}4'\n", "x = f'1{a!r}2{b:>{w}}3{c[\",\".join(\"d\")]}4'\n"),
    ("x = f'{'\\n'.join(a)}\\n\\t{{}}'\n", "n = '\\n'\nx = f'{n.join(a)}\\n\\t{{}}'\n"),
    ("f'{a # it's\n}'\n", "f'{a}'\n"),
    ("f'{\n    a\n    +\n    b\n}'\n", "f'{a + b}'\n"),
    ("f'{f'{f'{f'{1}'}'}'}'\n", "f'''{f\"\"\"{f'{f\"{1}\"}'}\"\"\"}'''\n"),
    ("f'''{a['''x''']}\n'''\n", "f'''{a[\"x\"]}\n'''\n"),
    ("x = ('é\\x41' f'{a['é']}' # c\n     r'\\x' f'{b}{{}}' 'z')\n", "x = f'éA{a[\"é\"]}\\\\x{b}{{}}z'\n"),
    ("f'{a, b['c']}{d,}{*e, f}'\n", "f'{a, b[\"c\"]}{d,}{*e, f}'\n"),
    ("f'{a['b']=}'\n", "f'a[\\'b\\']={a[\"b\"]!r}'\n"),
    ("f'{a['b'] = !s:>{w}}'\n", "f'a[\\'b\\'] = {a[\"b\"]!s:>{w}}'\n"),
    ("f'{a['x'] == b != c <= d >= e}{(lambda x: 1)}{(y := 2)}'\n",
     "f'{a[\"x\"] == b != c <= d >= e}{(lambda x: 1)}{(y := 2)}'\n"),
    ("f'\\N{EN DASH}{a['b']}\\{c}'\n", "f'\\N{EN DASH}{a[\"b\"]}\\\\{c}'\n"),
    ("rf'\\N{a['b']}\\d'\n", "rf'\\N{a[\"b\"]}\\d'\n"),
    ("'doc'\nf'{a['b']}'\n", "'doc'\nf'{a[\"b\"]}'\n"),
    ("f'{a['b']}', f'{c}'\n", "f'{a[\"b\"]}', f'{c}'\n"),
    ("@d(f'{a['b']}')\ndef f(): return f'{c['d']}'.strip()\n",
     "@d(f'{a[\"b\"]}')\ndef f(): return f'{c[\"d\"]}'.strip()\n"),
    ("x = 1 if f'{a['b']}'else[f'{c}']\n", "x = 1 if f'{a[\"b\"]}'else[f'{c}']\n"),
    # PEP 750
    ("t'{a} and {b!r}'\n", "f'{a} and {b!r}'\n"),
    ("x = (t'{a['b']}' rt'\\{c}')\n", "x = (f'{a[\"b\"]}' rf'\\{c}')\n"),
    # Several at once
    ("type X = f'{a['b']}'\nclass C[T](f'{c['d']}'):\n    def m[U](self):\n      try: pass\n      except A, B: pass\n",
     "X = f'{a[\"b\"]}'\nclass C(f'{c[\"d\"]}'):\n    def m(self):\n      try: pass\n      except (A, B): pass\n"),
]  # fmt: skip


def meaning(tree: ast.AST) -> str:
    """The tree without places, and without what only the old spelling needs."""
    # Python 3.12 ends some format specs in an empty constant.
    dump = ast.dump(tree).replace(", Constant(value='')", "")
    return dump.replace("Name(id='n', ctx=Load())", "Constant(value='\\n')")


def widths(text: str) -> list[int]:
    """Bytes of each line, by which trees count columns."""
    return [len(line.encode()) for line in text.split("\n")]


def read(text: str) -> ast.Module:
    """The tree by way of rewriting, also where the running Python would not need it."""
    return downlevel.parse(text, "a.py", REFUSED)


@pytest.mark.parametrize(("new", "old"), SAME)
def test_newer_syntax_means_the_same_as_its_older_spelling(new: str, old: str) -> None:
    expected = ast.parse(old)
    if old.startswith("n ="):
        del expected.body[0]
    assert meaning(read(new)) == meaning(expected)


@pytest.mark.parametrize("new", [new for new, _ in SAME])
def test_rewriting_keeps_every_line_at_its_length(new: str) -> None:
    rewritten = modern.rewrite(new).text
    assert rewritten != new
    assert widths(rewritten) == widths(new)


class Names(libcst.CSTVisitor):
    """Every name that is read or bound, outside type parameters, with its place."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        self.found: list[tuple[str, int, int]] = []

    def visit_TypeParameters(self, node: libcst.TypeParameters) -> bool:  # noqa: N802
        return False

    def visit_Name(self, node: libcst.Name) -> None:  # noqa: N802
        start = self.get_metadata(PositionProvider, node).start
        self.found.append((node.value, start.line, start.column))


SAMPLE = """
import json
type Handler[T: int = str] = Callable[[T], None]
@register(f"{prefix["path"]}")
class Ünit[S, *Ts](Base[S], metaclass=Meta):
    type Inner = list[S]
    def run[**P, R](self, session: S, *args: P.args) -> R:
        try:
            ü = f"é{session.execute(f"{table["name"]}")!r:>{width}}" f"{a, b["c"]}"; later(ü)
        except errors.First, Second, third(x): recover(session)
        except* Other, Last, :
            log(t"{value} {
                other # why
            }")
"""


def test_names_stand_where_libcst_finds_them() -> None:
    names = Names()
    # A template string means the same to LibCST's visitor only as an f-string.
    sample = SAMPLE.replace("except*", "except ")
    MetadataWrapper(libcst.parse_module(sample.replace('t"{value', 'f"{value'))).visit(names)
    lines = sample.split("\n")
    kept = {name: [at for at in names.found if at[0] == name] for name, _, _ in names.found}
    for node in ast.walk(read(sample)):
        if isinstance(node, ast.Name):
            column = len(lines[node.lineno - 1].encode()[: node.col_offset].decode())
            assert (node.id, node.lineno, column) in kept[node.id]
            kept[node.id].remove((node.id, node.lineno, column))
    not_names = {"json", "Ünit", "execute", "run", "self", "session", "args", "First", "metaclass", "None"}
    assert {name for name, places in kept.items() if places} <= not_names


def test_statements_and_f_strings_span_what_they_span_in_the_source() -> None:
    module = read("x = 1\nif x:\n    type Alias[T] = int\n    y = ('a' f'{b['c']}',  d)\n")
    inner = module.body[1]
    assert isinstance(inner, ast.If)
    alias, assignment = inner.body
    assert isinstance(alias, ast.Assign)
    assert isinstance(assignment, ast.Assign)
    assert isinstance(assignment.value, ast.Tuple)
    assert [span(node) for node in (alias, alias.targets[0], assignment.value.elts[0])] == [
        (3, 4, 3, 23),
        (3, 9, 3, 14),
        (4, 9, 4, 24),
    ]


def span(node: ast.stmt | ast.expr) -> tuple[int, int, int | None, int | None]:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def test_what_older_pythons_read_is_left_alone() -> None:
    text = """
        type = 1; type[0] = 2; type (x); print(type, type if type else type)
        for type in [x]: pass
        s = f'{a!r:>{w}} {"b"} {{}}' "type X = 1" 'def f[T]' # except A, B: f"{a["b"]}"
        def_[0]; class_[1]; x.type == [2]
    """
    assert modern.rewrite(text).text == text


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("def f[T](x):\n    pass\nx = = 1\n", 3, 5),
        ("x = = 1\ndef f[T](x):\n    pass\n", 1, 5),
        ("type X = 1\n\nprint(f'{a['b']}'\n", 3, 6),
        ("try: pass\nexcept A, B as c: pass\n", 2, 8),
        ("x = 1\nf'{a['b'}'\n", 2, None),
        ("x = 1\nname f'{a['b']}'\n", 2, None),
        ("x = 1\nf'{}{a['b']}'\n", 2, None),
        ("type X\n", 1, None),
    ],
)
def test_mistakes_are_reported_where_they_are(text: str, line: int, column: int | None) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text.encode(), "a.py")
    assert caught.value.line == line
    assert caught.value.message.startswith("is not valid Python: ")
    if column is not None:
        assert caught.value.column == column


def test_rewriting_every_f_string_of_the_standard_library_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_modern(*arguments: object) -> StringToken:
        return dataclasses.replace(read_format(*arguments), modern=True)  # type: ignore[arg-type]

    monkeypatch.setattr(modern, "read_format", as_modern)
    rewritten = 0
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-e]*.py")):
        text = path.read_text("utf-8")
        if modern.rewrite(text).text == text:
            continue
        rewritten += 1
        assert ast.dump(read(text)) == ast.dump(ast.parse(text)), path.name
    assert rewritten > 10


EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b.c", "d[0]", "'s'", '"é"', "(1, 2)", "({'k': 1})"]),
    lambda inner: st.one_of(
        st.builds("g({}, {})".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("f'{{{}}}'".format, inner),
        st.builds('f"x{{{}!r:>{{w}}}}{{{}}}"'.format, inner, inner),
        st.builds("f'''{{{}}}\n'''".format, inner),
        st.builds("({} 'p' f'{{{}}}')".format, st.sampled_from(["'q'", 'r"\\d"']), inner),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_nested_f_strings_are_read_as_libcst_reads_them(expression: str) -> None:
    tree = parse(f"x = {expression}\n".encode(), "a.py").tree
    names = Names()
    MetadataWrapper(libcst.parse_module(f"x = {expression}\n")).visit(names)
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = sorted(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    assert found == sorted(name for name, _, _ in names.found if name not in attributes)


@given(st.text(st.sampled_from("f't\"{}[](),:=!<\\\n# abexcpty\té1"), max_size=40))
def test_no_text_makes_the_rewriting_fail_or_change_the_length(text: str) -> None:
    try:
        rewritten = modern.rewrite(text)
    except UnreadableError:
        return
    assert widths(rewritten.text) == widths(text)
