"""What must hold for any program: no crash, no dependence on names of locals or on where functions live."""

from __future__ import annotations

import ast

import hypothesmith
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.program.support import rows, solved

DATABASE = {"create", "obtain", "txn", "use", "network", "store", "inject", "schedule", "concurrent", "predicate"}
PATH = "app/services/example.py"

HEADER = """\
import asyncio

import httpx
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session, get_session_dependency, session_factory

router = APIRouter()
"""

FUNCTIONS = {
    "make": """\
def make():
    fresh = session_factory
    return fresh()
""",
    "wrap": """\
def wrap():
    inner = make()
    return inner
""",
    "save": """\
async def save(target, row):
    target.add(row)
    finish = target.commit
    await finish()
""",
    "call_out": """\
async def call_out(url):
    async with httpx.AsyncClient() as client:
        answer = await client.get(url)
    return answer
""",
    "job": """\
async def job(key):
    async with get_session() as own:
        async with own.begin():
            found = await own.execute(select(Item).where(Item.tenant_id == key))
            await call_out(str(found))
""",
    "endpoint": """\
@router.post('/items')
async def endpoint(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    row = Item()
    await save(session, row)
    background.add_task(job, row.id)
    other = wrap()
    await other.rollback()
    await asyncio.gather(save(session, row), save(session, row))
""",
}


class _Renamed(ast.NodeTransformer):
    """Renames the variables a function assigns (never its parameters)."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._rename(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._rename(node)

    def _rename(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        fixed = {name for n in ast.walk(node) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
        fixed |= {a.arg for n in ast.walk(node) if isinstance(n, ast.arguments) for a in [*n.args, *n.kwonlyargs]}
        for name in ast.walk(node):
            if isinstance(name, ast.Name) and name.id in stored - fixed:
                name.id = f"renamed_{name.id}"
        return node


def _without_names_of_locals(files: dict[str, str]) -> list[tuple[str, str, str]]:
    return rows(solved(files), set(files), DATABASE)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(hypothesmith.from_grammar())
def test_any_valid_module_is_evaluated_without_a_crash(source):
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    assert solved({PATH: source}).modules[PATH].body.evaluated


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(hypothesmith.from_node())
def test_any_syntax_tree_is_evaluated_without_a_crash(source):
    assert solved({PATH: source}).modules[PATH].body.evaluated


@settings(max_examples=30, deadline=None)
@given(st.permutations(sorted(FUNCTIONS)))
def test_names_of_local_variables_do_not_matter(order):
    source = HEADER + "\n\n".join(FUNCTIONS[name] for name in order)
    renamed = ast.unparse(_Renamed().visit(ast.parse(source)))
    assert _without_names_of_locals({PATH: renamed}) == _without_names_of_locals({PATH: source})


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(sorted(FUNCTIONS))), st.sampled_from(["from", "module", "star"]))
def test_splitting_a_module_does_not_change_the_events(moved, style):
    whole = {PATH: HEADER + "\n\n".join(FUNCTIONS.values())}
    other = "app/services/other.py"
    link = {
        "from": "from app.services.{0} import {1}\n",
        "module": "import app.services.{0}\n{1} = app.services.{0}.{1}\n",
        "star": "from app.services.{0} import *\n",
    }[style]
    kept = [name for name in FUNCTIONS if name not in moved]
    first = HEADER + "".join(link.format("other", n) for n in sorted(moved)) + "\n\n".join(FUNCTIONS[n] for n in kept)
    second = (
        HEADER + "".join(f"from .example import {n}\n" for n in kept) + "\n\n".join(FUNCTIONS[n] for n in sorted(moved))
    )
    assert _without_names_of_locals({PATH: first, other: second}) == _without_names_of_locals(whole)


@pytest.mark.parametrize("order", [0, 1])
def test_the_order_of_files_does_not_matter(order):
    names = ["app/aaa.py", "app/zzz.py"]
    maker, user = names[order], names[1 - order]
    module = maker.removesuffix(".py").replace("/", ".")
    files = {
        maker: "from app.session import session_factory\n\n\ndef grab():\n    return session_factory()\n",
        user: f"from {module} import grab\n\n\ndef work():\n    thing = grab()\n    thing.commit()\n",
    }
    assert _without_names_of_locals(files) == [
        ("grab", "create", "session"),
        ("work", "obtain", "grab"),
        ("work", "txn", "commit"),
    ]


def test_a_function_with_neutral_names_is_found_when_its_callee_turns_out_to_hand_out_sessions():
    files = {
        "app/a.py": "from app.session import session_factory\n\n\ndef grab():\n    return session_factory()\n",
        "app/b.py": "from app.a import grab as pick\n",
        "app/c.py": "from app.b import pick as take\n\n\ndef hop():\n    return take()\n",
        "app/d.py": "from app import c\n\n\ndef neutral():\n    c.hop()\n",
    }
    assert ("neutral", "obtain", "hop") in _without_names_of_locals(files)


def test_recursion_and_import_cycles_end():
    files = {
        "app/a.py": "from app.b import pong\n\n\ndef ping(x):\n    return pong([x])\n",
        "app/b.py": "from app.a import ping\nfrom app.session import session_factory\n\n\ndef pong(x):\n"
        "    if x:\n        return ping((x, x))\n    return session_factory()\n",
    }
    assert _without_names_of_locals(files) == [
        ("ping", "obtain", "pong"),
        ("pong", "create", "session"),
        ("pong", "obtain", "ping"),
    ]


def test_a_project_decorator_built_on_a_task_decorator_makes_background_functions():
    files = {
        "app/worker.py": "import dramatiq\n\n\ndef actor(**options):\n    def decorate(fn):\n"
        "        return dramatiq.actor(**options)(fn)\n\n    return decorate\n",
        "app/jobs.py": "from app.worker import actor\n\n\n@actor(queue='q')\nasync def work(session_id):\n"
        "    return session_id\n",
    }
    functions = {f.qualname: f for f in solved(files).functions}
    assert "background" in functions["work"].registrations
    assert "background" not in functions["actor"].registrations
