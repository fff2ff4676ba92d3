"""Edits taken into a solved program: the findings are those of a fresh run, for the price of one file."""

import ast
import random
from pathlib import Path

import pytest

from sessionlint.engine import Engine
from sessionlint.policy import load_policy
from sessionlint.policy_model import Policy
from sessionlint.run import check_program
from tests.program.test_memo import edited, sources_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "noncompliant"
COMPLIANT = EXAMPLE.parent / "compliant"
DB = (
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
    "engine = create_async_engine('postgresql+asyncpg://u@localhost/db')\n"
    "maker = async_sessionmaker(engine)\n"
)
SERVICE = "async def save(session, row):\n    session.add(row)\n    await session.commit()\n"
TASK = (
    "from db import maker\nfrom service import save\n\n\n"
    "async def job(row):\n    async with maker() as session:\n        await save(session, row)\n"
)
FILES = {"db.py": DB.encode(), "service.py": SERVICE.encode(), "task.py": TASK.encode()}


def solved(tmp_path):
    engine = Engine(tmp_path, Policy(root=tmp_path))
    engine.solve(FILES)
    return engine


def effects(program):
    return {(e.path, e.span[0], e.name) for e in program.events("effect")}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("root", [EXAMPLE, COMPLIANT], ids=["noncompliant", "compliant"])
def test_after_any_edit_of_a_file_the_findings_are_those_of_a_fresh_run(root, seed):
    rng = random.Random(seed)
    policy = load_policy(root)
    original = sources_of(root)
    current, files = dict(original), sorted(original)
    engine = Engine(root, policy)
    found = check_program(engine.solve(current), policy, files).found
    taken = 0
    for step in range(10):
        path = rng.choice(files)
        text = original[path].decode() if rng.random() < 0.2 else edited(current[path].decode(), rng)
        try:
            ast.parse(text)
        except SyntaxError:
            continue
        current[path] = text.encode()
        program = engine.solve(current, edit=True)
        taken += program.changed is not None
        warm = check_program(program, policy, files, before=found)
        cold = check_program(Engine(root, policy).solve(current), policy, files)
        assert warm.complete
        assert warm.report == cold.report, (seed, step, path)
        found = warm.found
    assert taken > 2


def test_what_happens_inside_a_function_is_taken_without_solving_again(tmp_path):
    engine = solved(tmp_path)
    edited_task = f"{TASK}        await session.rollback()\n".encode()
    program = engine.solve({**FILES, "task.py": edited_task}, edit=True)
    assert program.changed == {"task.py"}
    ended = [e for e in program.events("txn") if e.path == "task.py"]
    assert [(program.line_of(*e.site), e.name) for e in ended] == [(8, "rollback")]


def test_what_callers_elsewhere_see_has_the_program_solved(tmp_path):
    engine = solved(tmp_path)
    edited_service = SERVICE.replace("    await session.commit()\n", "").encode()
    program = engine.solve({**FILES, "service.py": edited_service}, edit=True)
    assert program.changed is None
    assert {name for path, _, name in effects(program) if path == "task.py"} == {"write"}


DECORATED = {
    "db.py": f"{DB}\n\ndef scope():\n    return maker()\n".encode(),
    "decorators.py": (
        b"import functools\n\nfrom db import scope\n\n\n"
        b"def scoped(fn):\n    @functools.wraps(fn)\n    async def wrapper(row):\n"
        b"        async with scope() as session:\n            async with session.begin_nested():\n"
        b"                return await fn(session, row)\n\n    return wrapper\n"
    ),
    "task.py": (
        b"import httpx\n\nfrom decorators import scoped\n\n\n"
        b"@scoped\nasync def job(session, row):\n    async with httpx.AsyncClient() as http:\n"
        b"        await http.get(row)\n"
    ),
}


def test_a_transaction_that_a_decorator_opens_is_seen_where_it_is_put_on(tmp_path):
    policy = Policy(root=tmp_path)
    engine = Engine(tmp_path, policy)
    before = check_program(engine.solve(DECORATED), policy, sorted(DECORATED))
    opened = {**DECORATED, "decorators.py": DECORATED["decorators.py"].replace(b"begin_nested()", b"begin()")}
    program = engine.solve(opened, edit=True)
    after = check_program(program, policy, sorted(opened), before=before.found)
    assert [(f.path, f.span.line) for f in before.report.findings if f.code == "TXN207"] == []
    assert [(f.path, f.span.line) for f in after.report.findings if f.code == "TXN207"] == [("task.py", 9)]


def test_a_function_that_only_others_ask_for_is_still_evaluated(tmp_path):
    engine = solved(tmp_path)
    program = engine.solve({**FILES, "service.py": ("# saving\n" + SERVICE).encode()}, edit=True)
    assert program.changed == {"service.py"}
    save = next(f for f in program.functions if f.name == "save")
    commit = next(e for e in save.summary.effects if e.name == "commit")
    assert [step.line for step in program.effect_trace(save, commit)] == [3]  # its number in the file before


def test_lines_put_in_above_are_no_difference_to_others(tmp_path):
    policy = Policy(root=tmp_path, layers={"service": ("service.py",)})
    engine = Engine(tmp_path, policy)
    before = check_program(engine.solve(FILES), policy, sorted(FILES))
    moved = {**FILES, "service.py": b"# saving\nimport zlib\n\n" + FILES["service.py"]}
    program = engine.solve(moved, edit=True)
    after = check_program(program, policy, sorted(moved), before=before.found)
    fresh = check_program(Engine(tmp_path, policy).solve(moved), policy, sorted(moved))
    assert program.changed == frozenset({"service.py"})
    assert [(f.code, f.span.line) for f in after.report.findings if f.path == "service.py"] == [("TXN201", 6)]
    assert after.report == fresh.report


def test_an_inner_function_of_an_edited_one_is_met_anew(tmp_path):
    nested = (
        b"from db import maker\n\n\ndef jobs():\n    async def first():\n        async with maker() as session:\n"
        b"            await session.commit()\n\n    return first\n"
    )
    policy = Policy(root=tmp_path, layers={"service": ("jobs.py",)})
    engine = Engine(tmp_path, policy)
    files = {"db.py": DB.encode(), "jobs.py": nested, "run.py": b"from jobs import jobs\n\nasync def go():\n    jobs\n"}
    before = check_program(engine.solve(files), policy, sorted(files))
    edited = {**files, "jobs.py": nested.replace(b"commit()", b"rollback()\n            await session.commit()")}
    program = engine.solve(edited, edit=True)
    after = check_program(program, policy, sorted(edited), before=before.found)
    fresh = check_program(Engine(tmp_path, policy).solve(edited), policy, sorted(edited))
    assert program.changed == frozenset({"jobs.py"})
    assert after.report == fresh.report != before.report


@pytest.mark.parametrize(
    "change",
    [
        {"task.py": b"", "service.py": b""},
        {"new.py": b"import db\n"},
        {"service.py": b"def save(\n"},
        {"service.py": b"from db import maker\n" + SERVICE.encode()},
    ],
    ids=["two files", "a file more", "a syntax error", "an import"],
)
def test_other_changes_have_the_program_solved(tmp_path, change):
    engine = solved(tmp_path)
    assert engine.solve({**FILES, **change}, edit=True).changed is None


STARTS = (
    b"from fastapi import FastAPI\nfrom work import run\napp = FastAPI()\n\n"
    b"@app.on_event('startup')\nasync def go():\n    await run()\n"
)


def test_an_edit_that_changes_what_runs_a_function_elsewhere_has_all_files_judged_again(tmp_path):
    work = b"from db import maker\n\n\nasync def run():\n    async with maker() as session:\n        pass\n"
    engine = Engine(tmp_path, Policy(root=tmp_path, layers={"service": ("work.py",)}))
    files = {"db.py": DB.encode(), "work.py": work, "main.py": STARTS}

    def runs_by_itself(program):
        return next(f in program.entries for f in program.functions if f.name == "run")

    assert runs_by_itself(engine.solve(files))
    program = engine.solve({**files, "main.py": STARTS.replace(b"@app.on_event('startup')", b"")}, edit=True)
    assert (runs_by_itself(program), program.changed) == (False, None)
    program = engine.solve({**files, "main.py": b"# more\n" + STARTS}, edit=True)
    assert (runs_by_itself(program), program.changed) == (True, None)
    program = engine.solve({**files, "main.py": b"# less\n" + STARTS}, edit=True)
    assert (runs_by_itself(program), sorted(program.changed or ())) == (True, ["main.py"])


def test_nothing_new_is_taken_as_it_is(tmp_path):
    engine = solved(tmp_path)
    assert engine.solve(dict(FILES), edit=True).changed == frozenset()


def test_after_an_edit_that_spoiled_the_solution_the_next_one_starts_from_a_sound_one(tmp_path):
    engine = solved(tmp_path)
    engine.solve({**FILES, "service.py": b"async def save(session, row):\n    pass\n"}, edit=True)
    program = engine.solve(FILES, edit=True)
    fresh = Engine(tmp_path, Policy(root=tmp_path)).solve(FILES)
    assert effects(program) == effects(fresh) != set()


def test_functions_that_stand_as_they_stood_are_not_evaluated_again(tmp_path):
    engine = solved(tmp_path)
    more = f"{SERVICE}\n\nasync def drop(session, row):\n    await session.delete(row)\n"
    engine.solve({**FILES, "service.py": more.encode()})
    before = engine.solve({**FILES, "service.py": more.replace("delete", "expire").encode()}, edit=True)
    evaluated = before.solver.memo.evaluated
    after = engine.solve({**FILES, "service.py": more.encode()}, edit=True)
    assert after.changed == {"service.py"}
    assert after.solver.memo.evaluated - evaluated == 1  # drop()


@pytest.mark.parametrize(
    ("before", "after"), [("echo = 0x01", "echo = True"), ("def run(echo=0x01): ...", "def run(echo=True): ...")]
)
def test_values_that_are_equal_and_not_the_same_are_an_edit(tmp_path, before, after):
    engine = Engine(tmp_path, Policy(root=tmp_path))
    text = "from db import maker\n\n\ndef outer(session):\n    {}\n    session.commit()\n"
    files = {"db.py": DB.encode(), "run.py": text.format(before).encode()}
    engine.solve(files)
    evaluated = engine._memo.evaluated
    program = engine.solve({**files, "run.py": text.format(after).encode()}, edit=True)
    assert program.changed == frozenset({"run.py"})
    assert engine._memo.evaluated > evaluated
