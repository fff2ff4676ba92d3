"""Lines that a fix made too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionlint.fixes.layout import relaid
from sessionlint.fixes.line_lengths import LineLengths


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (
            "result = call(first_argument, second=another(1, 2), third='text')\n",
            "result = call(\n    first_argument, second=another(1, 2), third='text'\n)\n",
        ),
        (
            "result = call(first_argument, second=another(1, 2), third='some longer text')\n",
            "result = call(\n    first_argument,\n    second=another(1, 2),\n    third='some longer text',\n)\n",
        ),
        (
            "call(\n    first_argument, second=another(1, 2), third='some longer text', four=4\n)\n",
            "call(\n    first_argument,\n    second=another(1, 2),\n    third='some longer text',\n    four=4,\n)\n",
        ),
        (
            "async def work(number: int, session: Session = Depends(get, scope='x')) -> int:\n    pass\n",
            "async def work(\n    number: int, session: Session = Depends(get, scope='x')\n) -> int:\n    pass\n",
        ),
        (
            "def f(\n    session: Session = Depends(get_session, scope='function'),  # the one\n):\n    pass\n",
            "def f(\n    session: Session = Depends(\n        get_session, scope='function'\n    ),  # the one\n"
            "):\n    pass\n",
        ),
        (
            "found = sum(value for value in everything_found if value is not None)\n",
            "found = sum(\n    value for value in everything_found if value is not None\n)\n",
        ),
        (
            "settings = {'first_of_all': 1, 'second_of_all': 2, 'third_of_all': [3, 4, 5, 6]}\n",
            "settings = {\n    'first_of_all': 1,\n    'second_of_all': 2,\n    'third_of_all': [3, 4, 5, 6],\n}\n",
        ),
        (
            "größe = call('äöü' * 3, second=another('ß', 2), third='text und text')\n",
            "größe = call(\n    'äöü' * 3, second=another('ß', 2), third='text und text'\n)\n",
        ),
    ],
)
def test_a_line_that_grew_is_broken_in_its_outermost_brackets(after: str, expected: str):
    assert relaid("x = 1\n", after, 60) == expected


@pytest.mark.parametrize(
    "after",
    [
        "value = 'a text that is as long as it is and cannot be broken anywhere at all'\n",
        "value = rows[the_first_of_all_the_keys_there_are, the_second_of_all_the_keys]\n",
        "value = (one_operand_that_is_long + another_operand_that_is_just_as_long_as_it)\n",
        "def (: this does not parse, whatever it is, and it is much longer than allowed\n",
        "text = '''\ncall(one, two, three, four, five, six, seven, eight, nine, ten, eleven)\n'''\n",
    ],
)
def test_a_line_without_a_list_stays(after: str):
    assert relaid("x = 1\n", after, 60) == after


def test_a_line_that_was_too_long_before_stays():
    line = "value = call(one_argument_that_is_long, another_argument_that_is_long, 'text')"
    before = f"{line}\nother = call(one_argument_that_is_long, another_argument_that_is_long, 'text', 1)\n"
    after = f"if True:\n    {line}\nother = call(one_argument_that_is_long, another_argument_that_is_long, 'text')\n"
    assert relaid(before, after, 60) == after


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pyproject.toml", "[tool.ruff]\nline-length = 100\n", 100),
        ("pyproject.toml", "[tool.black]\nline-length = 79\n", 79),
        ("ruff.toml", "line-length = 140\n", 140),
        ("setup.cfg", "[flake8]\nmax-line-length = 99\n", 99),
        ("tox.ini", "[testenv]\ncommands = x\n", 88),
        ("pyproject.toml", "[tool.ruff", 88),
    ],
)
def test_the_project_says_how_long_lines_may_be(tmp_path: Path, name: str, text: str, expected: int):
    (tmp_path / name).write_text(text)
    assert LineLengths(tmp_path).of("app/main.py", "x = 1\n") == expected


def test_else_the_longest_line_of_the_file_does():
    assert LineLengths().of("app/main.py", "x" * 97 + "\n") == 97
    assert LineLengths().of("app/main.py", "x" * 300 + "\n") == 120
