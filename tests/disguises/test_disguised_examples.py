"""The rules see through disguises: a program that does the same gets the same findings.

One pair of disguise and example in twenty is tried here; ``python -m tests.disguises`` tries all of them (so does
``make test-all``), and with ``--compose 5000`` two disguises at a time.
"""

from __future__ import annotations

import ast

import pytest

from tests.disguises import calls, imports, structure
from tests.disguises.catalogue import DISGUISES, Disguise
from tests.disguises.expected import expected_failures
from tests.disguises.judging import all_examples
from tests.disguises.project import read, render
from tests.disguises.trial import pairs, verdict
from tests.support.shares import one_in

_SHARE = one_in(20)
_KNOWN = expected_failures()


@pytest.mark.parametrize("disguise", DISGUISES, ids=[d.id for d in DISGUISES])
def test_disguised_examples_are_found_and_look_alikes_stay_silent(disguise: Disguise):
    tried = [e for _, e in pairs(_SHARE, [disguise])]
    found = {e.id: v for e in tried if (v := verdict([disguise], e)) is not None}
    failed = {name for name, v in found.items() if not v.holds}
    known = {e.id for e in tried if (disguise.id, e.id) in _KNOWN}
    assert {name: found[name] for name in failed - known} == {}
    assert known - failed == set(), "passes now: take it out of expected_failures.txt"


def test_expected_failures_name_disguises_and_examples_there_are():
    disguises, examples = {d.id for d in DISGUISES}, {e.id for e in all_examples()}
    assert {(d, e) for d, e in _KNOWN if d not in disguises or e not in examples} == set()


@pytest.mark.parametrize(
    ("disguise", "after"),
    [
        (calls.bound_method, "async def f(db):\n    call_1 = db.commit\n    await call_1()"),
        (calls.partial, "import functools\n\nasync def f(db):\n    await functools.partial(db.commit)()"),
        (
            calls.extracted,
            "async def step_1(db):\n    return await db.commit()\n\nasync def f(db):\n    await step_1(db)",
        ),
        (
            structure.in_nested_function,
            "async def f(db):\n\n    async def inner_1():\n        await db.commit()\n    return await inner_1()",
        ),
    ],
)
def test_a_disguise_writes_what_it_says(disguise, after):
    project = read({"a.py": "async def f(db):\n    await db.commit()\n"})
    assert disguise(project)
    assert render(project).files["a.py"].strip() == ast.unparse(ast.parse(after))


def test_moved_code_remembers_where_it_stood():
    project = read({"a.py": "import os\n\n\nasync def f(db):\n    await db.commit()\n"})
    assert calls.extracted(project)
    rendered = render(project)
    line = rendered.files["a.py"].splitlines().index("    return await db.commit()") + 1
    assert rendered.origin("a.py", line, 18) == ("a.py", 5)


def test_an_import_is_known_by_another_name_all_over_its_file():
    project = read({"a.py": "from x import y\n\ndef f():\n    return y()\n"})
    assert imports.alias(project)
    assert render(project).files["a.py"] == "from x import y as given_1\n\ndef f():\n    return given_1()\n"
