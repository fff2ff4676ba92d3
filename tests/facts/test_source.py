"""Bytes of every kind become a tree, or an error that names file, line and remedy."""

from __future__ import annotations

import ast
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionlint.facts.source import SourceError, decode, parse


def error_of(data: bytes) -> tuple[int, int, str]:
    with pytest.raises(SourceError) as caught:
        parse(data, "app/a.py")
    error = caught.value
    assert str(error) == f"app/a.py:{error.line}:{error.column}: {error.message}; {error.remedy}"
    return error.line, error.column, error.message


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("é = 1\n".encode(), "é = 1\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        (b"\xef\xbb\xbf# coding: utf-8\n", "# coding: utf-8\n"),
        (b"# -*- coding: latin-1 -*-\n\xe9 = 1\n", "# -*- coding: latin-1 -*-\né = 1\n"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=iso-8859-15 :\n'\xa4'\n", None),
        (b"\f\n# coding=cp1252\n'\x80'\n", "\f\n# coding=cp1252\n'€'\n"),
        (b"# one\r# coding: latin-1\r'\xe9'\r", "# one\n# coding: latin-1\n'é'\n"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
    ],
)
def test_text_is_decoded_as_python_decodes_it(data: bytes, text: str | None) -> None:
    expected = "#!/usr/bin/python\n# vim: set fileencoding=iso-8859-15 :\n'€'\n" if text is None else text
    assert decode(data) == expected
    assert ast.dump(parse(data, "a.py").tree) == ast.dump(ast.parse(data))


@pytest.mark.parametrize("data", [b"x = 1\n# coding: latin-1\n'\xe9'\n", b"#\n#\n# coding: latin-1\n'\xe9'\n"])
def test_a_coding_comment_after_code_or_on_line_three_does_not_count(data: bytes) -> None:
    line, column, message = error_of(data)
    assert (line, column, message) == (data.count(b"\n"), 2, "byte 0xe9 is not utf-8")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a = 1\nb = '\xff'\n", (2, 6, "byte 0xff is not utf-8")),
        (b"a = 1\r\rb = '\xff'\n", (3, 6, "byte 0xff is not utf-8")),
        (b"# coding: ascii\n\xe9\n", (2, 1, "byte 0xe9 is not ascii")),
        (b"#\n# coding: klingon\n", (2, 1, "unknown encoding 'klingon'")),
        (b"# coding: rot13\n", (1, 1, "unknown encoding 'rot13'")),
        (
            b"\xef\xbb\xbf#\n# coding: latin-1\n",
            (2, 1, "the coding comment says 'latin-1' but the byte order mark says UTF-8"),
        ),
        ("x = 1\n".encode("utf-16"), (1, 1, "is UTF-16 or UTF-32, not UTF-8")),
        ("x = 1\n".encode("utf-32"), (1, 1, "is UTF-16 or UTF-32, not UTF-8")),
        (b"x = 1\ny = \0\n", (2, 5, "holds a null byte")),
        (b"# coding: utf-7\nx = '+2AA-'\n", (2, 1, "holds a lone surrogate character")),
    ],
)
def test_undecodable_files_say_where_and_why(data: bytes, expected: tuple[int, int, str]) -> None:
    assert error_of(data) == expected


def test_a_codec_that_fails_in_its_own_way_is_an_error_of_the_coding_comment() -> None:
    line, column, message = error_of(b"#\n# coding: undefined\nx = 1\n")
    assert (line, column) == (2, 1)
    assert message.startswith("cannot be decoded as undefined: ")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end_counts_as_one_line(end: bytes) -> None:
    parsed = parse(end.join([b"# one", b"", b"def f():", b"    return 1", b""]), "a.py")
    function = parsed.tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert (function.lineno, function.body[0].lineno, function.body[0].col_offset) == (3, 4, 4)
    assert parsed.text.split("\n")[function.body[0].lineno - 1] == "    return 1"


def test_form_feeds_are_white_space_and_not_line_ends() -> None:
    parsed = parse(b"x = 1\n\f\ndef f():\n\f    return x\n", "a.py")
    function = parsed.tree.body[1]
    assert isinstance(function, ast.FunctionDef)
    assert (function.lineno, function.body[0].lineno) == (3, 4)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf", b"# only a comment", b"\f", b"\r\r"])
def test_files_without_code_are_valid(data: bytes) -> None:
    assert parse(data, "a.py").tree.body == []


def test_a_file_of_100_000_lines_is_read_to_its_end() -> None:
    parsed = parse(b"value = call(1, 2)\n" * 100_000, "a.py")
    assert (len(parsed.tree.body), parsed.tree.body[-1].lineno) == (100_000, 100_000)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"x = 1\ny = = 2\n", (2, 5, "is not valid Python: invalid syntax")),
        (
            b"x = 1\nif x:\ny = 2\n",
            (3, 1, "is not valid Python: expected an indented block after 'if' statement on line 2"),
        ),
        (b"f(\n", (1, 2, "is not valid Python: '(' was never closed")),
        (b"{% if imports %}\n", (1, 2, "is not valid Python: invalid syntax")),
    ],
)
def test_syntax_errors_are_reported_where_python_reports_them(data: bytes, expected: tuple[int, int, str]) -> None:
    assert error_of(data) == expected


@pytest.mark.parametrize(
    "line",
    [
        'print "x"',
        "print x, y",
        'exec "x = 1"',
        'raise ValueError, "bad"',
        "x = `y`",
        "x = 0777",
        "if a <> b: pass",
        'x = ur"\\d"',
        "x = 10L",
    ],
)
def test_python_2_is_recognised(line: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(b"import os\n" + line.encode() + b"\n", "a.py")
    assert caught.value.line == 2
    assert caught.value.message.startswith("looks like Python 2: ")
    assert caught.value.remedy == "port the file to Python 3, or exclude it from the check"


def test_an_except_clause_of_python_2_does_not_hide_its_print_statement() -> None:
    line, column, message = error_of(b"try:\n    f()\nexcept IOError, e:\n    print e\n")
    assert (line, column) == (4, 5)
    assert message.startswith("looks like Python 2: Missing parentheses in call to 'print'")


@pytest.mark.parametrize("line", ["x = 1 +", "html = '<b>' + = '`'", "print(1", "raise Error(1, = 2)"])
def test_other_mistakes_are_not_taken_for_python_2(line: str) -> None:
    assert error_of(line.encode() + b"\n")[2].startswith("is not valid Python: ")


def test_warnings_about_the_code_are_not_shown() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parse(b"x = '\\d'\nassert (x, 1)\ny = x is 1\nz = 1if x else 2\n", "a.py")
    assert caught == []


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_source_error(data: bytes) -> None:
    try:
        parsed = parse(data, "a.py")
    except SourceError as error:
        places = (error.line, error.column)
    else:
        places = (1, 1)
        assert "\r" not in parsed.text
    assert min(places) >= 1


@given(st.lists(st.sampled_from(
    ["x", "\n", "\r", "\r\n", "\f", "    ", "é", "'", '"""', "# coding: latin-1", "# coding: utf-8", "=", "\\", "\0"]
), max_size=15))  # fmt: skip
def test_whatever_python_accepts_is_accepted_with_the_same_tree(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = ast.dump(ast.parse(data), include_attributes=True)
    except (SyntaxError, ValueError):
        return
    assert ast.dump(parse(data, "a.py").tree, include_attributes=True) == expected


def test_a_tree_that_python_gives_up_because_of_another_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = ast.parse
    failures = [SystemError("AST constructor recursion depth mismatch (before=69, after=89)")]

    def disturbed(source: str, filename: str) -> ast.Module:
        if failures:
            raise failures.pop()
        return parsed(source, filename)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert ast.unparse(parse(b"x = 1", "a.py").tree) == "x = 1"
