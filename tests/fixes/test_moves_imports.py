"""Names made available in a file: an import that is there serves, a new one goes where sorters put it."""

from __future__ import annotations

import pytest

from sessionlint.fixes.model import CannotFixError
from sessionlint.fixes.moves_imports import add_import, free_name, import_for
from tests.fixes.support import context_of

PATH = "app/services/example.py"


def imported(text: str, *wanted: tuple[str, str]) -> tuple[str, list[str]]:
    """The text with imports of (module, name), and how they are written there."""
    context = context_of({PATH: text})
    edit = context.edit()
    written = [add_import(edit, PATH, module, name) for module, name in wanted]
    return edit.changes().get(PATH, text), written


SORTED = """\
\"\"\"Items.\"\"\"

import asyncio
import uuid

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
"""


@pytest.mark.parametrize(
    ("module", "name", "line", "after"),
    [
        ("app.session", "get_session", "from app.session import get_session", "from app.models.item import Item"),
        ("app.auth.security", "x", "from app.auth.security import x", ""),
        ("contextlib", "suppress", "from contextlib import suppress", "import uuid"),
        ("logging", "", "import logging", "import asyncio"),
        ("pydantic", "BaseModel", "from pydantic import BaseModel", "from fastapi import APIRouter, Depends"),
    ],
)
def test_a_new_import_goes_into_its_section_in_order(module, name, line, after):
    text, written = imported(SORTED, (module, name))
    assert written == [name or module]
    lines = text.split("\n")
    assert lines[lines.index(line) - 1] == after
    assert [other for other in lines if other != line] == SORTED.split("\n")


def test_a_name_joins_the_import_from_its_module_in_order():
    text, _ = imported(SORTED, ("fastapi", "BackgroundTasks"), ("fastapi", "Header"))
    assert "from fastapi import APIRouter, BackgroundTasks, Depends, Header\n" in text


def test_a_name_joins_a_relative_import_of_its_module():
    text, written = imported("from ..session import factory\n", ("app.session", "get_session"))
    assert (text, written) == ("from ..session import factory, get_session\n", ["get_session"])


def test_a_name_joins_a_broken_import_on_a_line_of_its_own():
    text, _ = imported("from fastapi import (\n    APIRouter,\n    Depends,\n)\n", ("fastapi", "Header"))
    assert text == "from fastapi import (\n    APIRouter,\n    Depends,\n    Header,\n)\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("from app.session import get_session\n", "get_session"),
        ("from app.session import get_session as door\n", "door"),
        ("from app import session\n", "session.get_session"),
        ("import app.session\n", "app.session.get_session"),
        ("from ..session import get_session\n", "get_session"),
    ],
)
def test_an_import_that_is_there_serves_under_the_name_it_has(text, written):
    assert imported(text, ("app.session", "get_session")) == (text, [written])


def test_the_first_import_stands_below_the_docstring():
    text, _ = imported('"""Doc."""\n\nA = 1\n', ("uuid", ""))
    assert text == '"""Doc."""\n\nimport uuid\n\nA = 1\n'


def test_the_first_import_of_a_file_of_functions_stands_apart():
    text, _ = imported("def f():\n    pass\n", ("uuid", ""))
    assert text == "import uuid\n\n\ndef f():\n    pass\n"


def test_an_import_for_type_checkers_only_does_not_serve():
    before = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from app.session import get_session\n"
    text, _ = imported(before, ("app.session", "get_session"))
    assert text.startswith("from typing import TYPE_CHECKING\n\nfrom app.session import get_session\n")


def test_the_same_import_inside_a_function_is_no_obstacle():
    text, written = imported("def f():\n    import asyncio\n    return asyncio\n", ("asyncio", ""))
    assert written == ["asyncio"]
    assert text.startswith("import asyncio\n\n\ndef f():")


def test_a_name_taken_by_something_else_is_refused():
    with pytest.raises(CannotFixError, match="the name get_session is taken") as refused:
        imported("A = 1\n\n\ndef get_session():\n    pass\n", ("app.session", "get_session"))
    assert refused.value.line == 4


def test_a_policy_s_dotted_name_is_imported_unless_the_file_defines_it():
    context = context_of({PATH: "A = 1\n"})
    edit = context.edit()
    assert import_for(edit, PATH, "app.session.get_session") == "get_session"
    assert import_for(edit, "app/session.py", "app.session.get_session") == "get_session"
    assert list(edit.changes()) == [PATH]


def test_a_free_name_is_counted_up_past_those_in_use():
    context = context_of({PATH: "async def f(session):\n    session_2 = 1\n\n\nasync def g():\n    pass\n"})
    assert free_name(context, PATH, "session", line=1) == "session_3"
    assert free_name(context, PATH, "session", line=5) == "session"
