"""Suppression comments: which statement they belong to, what they say, and what is wrong with them."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sessionlint
from sessionlint.gate.logical_lines import comments
from sessionlint.gate.suppression_comments import comments_of
from sessionlint.report import Suppression

MARK = "# sessionlint: ignore[TXN201] -- why"
ANY = re.compile("")


def read(source: str, *, forbid: bool = False) -> list[Suppression]:
    return list(comments_of("a.py", source.encode(), forbid=forbid))


def covered(source: str) -> list[tuple[int, int]]:
    return [(comment.first, comment.last) for comment in read(source)]


def problem(text: str) -> str:
    (comment,) = read(f"x = 1  # {text}\n")
    return comment.problem


def test_a_complete_comment_is_read_whole():
    (comment,) = read("x = 1\ny = 2  # sessionlint: ignore[TXN201, TXN105] until=2026-12-31 -- agreed: see #12\n")
    assert comment == Suppression(
        "a.py", 2, 8, 81, ("TXN201", "TXN105"), "agreed: see #12", "2026-12-31", 2, 2, ""
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (f"call()  {MARK}\n", (1, 1)),
        (f"call(\n    1,\n    2,\n)  {MARK}\n", (1, 4)),
        (f"call(  {MARK}\n    1,\n    2,\n)\n", (1, 4)),
        (f"call(\n    1,  {MARK}\n    2,\n)\n", (2, 2)),
        (f"call(\n    {MARK}\n    1,\n    2,\n)\n", (3, 3)),
        (f"x = 1 + \\\n    2  {MARK}\n", (1, 2)),
        (f'x = """a\nb\n"""  {MARK}\n', (1, 3)),
        (f"{MARK}\ncall(\n    1,\n)\nother()\n", (2, 4)),
        (f"{MARK}\n\n# another comment\ncall()\n", (4, 4)),
        (f"{MARK}\nasync with a() as b:\n    call()\n", (2, 2)),
        (f"async with (\n    a() as b\n):  {MARK}\n    call()\n", (1, 3)),
        (f"{MARK}\n@route(\n    1\n)\n@other\nasync def f(\n    a,\n):\n    call()\n", (2, 8)),
        (f"@route  {MARK}\nasync def f():\n    call()\n", (1, 1)),
        (f"if x:\n    {MARK}\nelse:\n    call()\n", (3, 3)),
    ],
)
def test_a_comment_covers_its_statement_and_of_a_compound_one_the_header(source, lines):
    assert covered(source) == [lines]


@pytest.mark.parametrize(
    "source",
    [
        f'x = "{MARK}"\n',
        f"x = '''\n{MARK}\n'''\n",
        f'x = f"{{y}} {MARK}"\n',
        f"x = rb'\\'{MARK}'\n",
        "# Comments say sessionlint: ignore[TXN201] -- why\n",
        "# sessionlint ignores tests\n",
        "# the sessionlint\n",
        "x = 1  # noqa: TXN201\n",
    ],
)
def test_the_words_elsewhere_are_no_suppression(source):
    assert read(source) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sessionlint: ignore[TXN201]", "it gives no reason; end it with '-- ' and the reason"),
        ("sessionlint: ignore[TXN201] -- ", "it gives no reason; end it with '-- ' and the reason"),
        ("sessionlint: ignore[TXN201] -- ...", "it gives no reason; end it with '-- ' and the reason"),
        ("sessionlint: ignore -- why", "names no rule, and there is no form for all rules"),
        ("sessionlint: ignore[] -- why", "names no rule, and there is no form for all rules"),
        ("sessionlint: ignore[TXN2] -- why", "TXN2 is a family; name each rule"),
        ("sessionlint: ignore[TXN20l] -- why", "'TXN20l' is no rule; did you mean TXN201?"),
        ("sessionlint: ignore[txn201] -- why", "'txn201' is not a code; write TXN201"),
        ("sessionlint: ignore[explicit-commit] -- why", "'explicit-commit' is not a code; write TXN201"),
        ("sessionlint: ignore[TXN903] -- why", "TXN903 is about the gate itself and cannot be suppressed"),
        ("sessionlint: ignore[TXN9] -- why", "TXN9 is about the gate itself and cannot be suppressed"),
        ("sessionlint: ignore[suppression-unused] -- why", "suppression-unused is about the gate itself"),
        ("sessionlint: ignore[TXN999] -- why", "'TXN999' is no rule; 'sessionlint rules' lists them"),
        ("sessionlint: ignore[TXN201] until=2026-02-30 -- why", "'2026-02-30' is not a date; write until=YYYY-MM-DD"),
        ("sessionlint: ignore[TXN201] until=20260228 -- why", "'20260228' is not a date; write until=YYYY-MM-DD"),
        ("sessionlint: ignore[TXN201] for now -- why", "'for now' is not understood"),
        ("sessionlint: ignore[TXN201] until=2026-02-28 ok -- why", "'ok' is not understood"),
        ("sessionlint: disable=TXN201", "'disable' is not understood; write '# sessionlint: ignore[TXN201] -- reason'"),
        ("sessionlint ignore[TXN201] -- why", "it lacks the colon"),
    ],
)
def test_every_mistake_is_named_with_its_remedy(text, said):
    assert said in problem(text)


def test_several_mistakes_are_named_at_once():
    assert problem("sessionlint: ignore[TXN2,TXN999] until=x").count("; ") >= 3


def test_a_comment_with_nothing_below_it_covers_nothing():
    (comment,) = read(f"x = 1\n{MARK}\n")
    assert comment.problem == "no statement stands below it; put it on the line of the statement or above it"


@pytest.mark.parametrize(
    "comment", ["# noqa: E501  " + MARK, MARK + "  # noqa: E501", MARK + "  # type: ignore[arg-type]"]
)
def test_it_shares_a_line_with_comments_of_other_tools(comment):
    (found,) = read(f"x = 1  {comment}\n")
    assert (found.codes, found.reason, found.problem) == (("TXN201",), "why", "")


def test_where_suppressions_are_forbidden_each_one_is_a_problem_and_so_is_noqa_with_our_codes():
    source = f"a()  {MARK}\nb()  # noqa: E501,TXN202\nc()  # noqa: E501\nd()  # noqa\n"
    found = read(source, forbid=True)
    assert [(comment.line, comment.codes) for comment in found] == [(1, ("TXN201",)), (2, ("TXN202",))]
    assert all(comment.problem.startswith("the policy forbids suppressions") for comment in found)


@pytest.mark.parametrize(
    "data", [b"\xff\xfe# sessionlint: ignore", b"# sessionlint: \xff", b"# coding: nope\n# sessionlint:"]
)
def test_a_file_that_cannot_be_decoded_has_none(data):
    assert list(comments_of("a.py", data, forbid=False)) == []


def test_every_line_end_and_a_declared_encoding_are_understood():
    source = f"# coding: latin-1\r\nx = 'é'\r\ny()  {MARK}ä\r\n".encode("latin-1")
    (comment,) = comments_of("a.py", source, forbid=False)
    assert (comment.line, comment.first, comment.reason) == (3, 3, "whyä")


def test_comments_are_those_that_python_sees():
    for path in sorted(Path(sessionlint.__file__).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        wanted = [(t.string, t.start[0], t.start[1] + 1) for t in tokens if t.type == tokenize.COMMENT]
        assert [(c.text, c.line, c.column) for c in comments(text, ANY)] == wanted


_WORDS = (
    "# sessionlint:| ignore|[TXN201]|[|]| until=|2026-12-31| -- |why|'|\\|(|)|@a|x = 1|    |# noqa: TXN201|é|\t|;|,"
)
_PIECES = st.sampled_from([*_WORDS.split("|"), "\n", '"', '"""'])


@given(st.lists(_PIECES, max_size=40).map("".join) | st.text(max_size=80).map(lambda text: f"# sessionlint:{text}"))
def test_whatever_is_written_a_comment_is_read_or_its_problem_named(source):
    lines = source.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for comment in list(comments_of("a.py", source.encode("utf-8", "replace"), forbid=False)):
        assert 1 <= comment.line <= len(lines)
        assert 1 <= comment.column < comment.end_column <= len(lines[comment.line - 1]) + 1
        if not comment.problem:
            assert comment.codes
            assert comment.reason
            assert 1 <= comment.first <= comment.last <= len(lines)
