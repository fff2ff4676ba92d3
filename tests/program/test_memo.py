"""A solution with a memo is the one without it: only sooner."""

import ast
import pickle
import random
from pathlib import Path

import pytest

from sessionlint.engine import Engine
from sessionlint.gate.suppressing import COMMENT_CODES
from sessionlint.policy import load_policy
from sessionlint.policy_model import Policy
from sessionlint.program import build
from sessionlint.program import memo as memory
from sessionlint.program.build import read_program, solve_part
from sessionlint.program.memo import Memo
from sessionlint.program.memo_store import MemoStore
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules
from sessionlint.run import check_rules
from tests.support.marked import SHAPES
from tests.support.shares import share_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "noncompliant"
COMPLIANT = EXAMPLE.parent / "compliant"


def sources_of(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*.py"))}


def found(program):
    rules = [r for r in all_rules() if r.META.code not in COMMENT_CODES and program.policy.enabled(r.META.code)]
    findings, crashes = check_rules(program, rules)
    assert not crashes
    return sorted(findings, key=lambda finding: (finding.sort_key, finding.trace))


def statements(source):
    return [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.stmt) and not isinstance(n, ast.ClassDef)]


def removed(source, rng):
    """The source with one statement gone."""
    gone = rng.choice(statements(source))
    lines = source.split("\n")
    head = lines[gone.lineno - 1]
    lines[gone.lineno - 1 : gone.end_lineno] = [head[: len(head) - len(head.lstrip())] + "pass"]
    return "\n".join(lines)


def edited(source, rng):
    """One edit as a developer makes it: a line on top, a definition twice or moved to the end, a statement gone."""
    kind = rng.choice(["line", "twice", "moved", "gone", "gone", "gone", "gone"])
    functions = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = source.split("\n")
    if kind == "line" or (kind != "gone" and not functions):
        return "import os\n" + source
    if kind == "gone":
        return removed(source, rng) if statements(source) else source
    chosen = rng.choice(functions)
    start = min([chosen.lineno, *(d.lineno for d in chosen.decorator_list)]) - 1
    block = lines[start : chosen.end_lineno]
    if kind == "moved":
        lines[start : chosen.end_lineno] = []
    return "\n".join([*lines, "", *block, ""])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("root", [EXAMPLE, COMPLIANT], ids=["noncompliant", "compliant"])
def test_after_any_edit_the_findings_are_those_of_a_fresh_run(root, seed):
    rng = random.Random(seed)
    policy = load_policy(root)
    original = sources_of(root)
    engine = Engine(root, policy)
    engine.solve(original)
    current = dict(original)
    for step in range(8):
        if rng.random() < 0.4:
            current = dict(original)  # an edit is undone
        path = rng.choice(sorted(current))
        try:
            text = edited(current[path].decode(), rng)
            ast.parse(text)
        except SyntaxError:
            continue
        current[path] = text.encode()
        if rng.random() < 0.15:
            del current[rng.choice(sorted(current))]
        if rng.random() < 0.15:
            current[f"src/added_{step}.py"] = rng.choice(sorted(original.values()))
        warm, cold = engine.solve(current), Engine(root, policy).solve(current)
        assert found(warm) == found(cold), (seed, step, path)
        assert warm.statistics == cold.statistics


SESSIONS = (
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
    "engine = create_async_engine('postgresql+asyncpg://u@localhost/db')\n"
    "maker = async_sessionmaker(engine)\n"
)
SERVICE = "async def save(session, row):\n    session.add(row)\n    await session.commit()\n"
TASK = (
    "from db import maker\nfrom service import save\n\n\n"
    "async def job(row):\n    async with maker() as session:\n        await save(session, row)\n"
)


def evaluations(engine):
    return engine._memo.evaluated, engine._memo.recalled


def test_an_edit_of_one_function_evaluates_that_file_and_what_reads_a_change_in_it(tmp_path):
    engine = Engine(tmp_path, Policy(root=tmp_path))
    sources = {"db.py": SESSIONS.encode(), "service.py": SERVICE.encode(), "task.py": TASK.encode()}
    engine.solve(sources)
    first = evaluations(engine)
    engine.solve(sources)
    assert first[1] == 0
    assert evaluations(engine) == (0, first[0])
    engine.solve({**sources, "task.py": TASK.encode() + b"\n\ndef idle(session):\n    session.flush()\n"})
    evaluated, recalled = evaluations(engine)
    assert 0 < evaluated <= 4
    assert recalled > 0


def test_what_a_callee_no_longer_does_is_gone_at_its_callers(tmp_path):
    engine = Engine(tmp_path, Policy(root=tmp_path))
    sources = {"db.py": SESSIONS.encode(), "service.py": SERVICE.encode(), "task.py": TASK.encode()}
    before = {(e.path, e.name) for e in engine.solve(sources).events("effect")}
    sources["service.py"] = SERVICE.replace("    await session.commit()\n", "").encode()
    after = {(e.path, e.name) for e in engine.solve(sources).events("effect")}
    assert ("task.py", "commit") in before
    assert ("task.py", "commit") not in after


OPTIONS = "    def options(self):\n        return {'pool_size': self.pool_size}\n"
FIELDS = f"class Pool:\n    pool_size: int = 9\n    pool_more: int = 9\n\n{OPTIONS}"
ASSIGNED = (
    "class Pool:\n    def __init__(self, pool_size, pool_more=1):\n"
    f"        self.pool_size = pool_size\n        self.pool_more = pool_more\n\n{OPTIONS}"
)
POOLED = (
    "from sqlalchemy import create_engine\nfrom pools import Pool\n\n"
    "engine = create_engine('postgresql://u@localhost/db', **Pool(1, 20).options())\n"
)


@pytest.mark.parametrize("pools", [FIELDS, ASSIGNED], ids=["fields", "assigned by __init__"])
def test_what_a_method_gives_for_one_object_changes_with_its_body(tmp_path, pools):
    engine = Engine(tmp_path, Policy(root=tmp_path))
    sources = {"pools.py": pools.encode(), "db.py": POOLED.encode()}
    assert "TXN505" in {f.code for f in found(engine.solve(sources))}
    sources["pools.py"] = pools.replace("size': self.pool_size", "size': self.pool_more").encode()
    assert "TXN505" not in {f.code for f in found(engine.solve(sources))}


def stored(tmp_path):
    """A store that holds the memo of a solved program, and the number of its functions."""
    policy = Policy(root=tmp_path)
    engine = Engine(tmp_path, policy)
    engine.solve({"db.py": SESSIONS.encode(), "service.py": SERVICE.encode(), "task.py": TASK.encode()})
    store = MemoStore(tmp_path, policy)
    store.save(engine._memo)
    return store, len(engine._memo.state[1])


def test_a_stored_memo_comes_back(tmp_path):
    store, functions = stored(tmp_path)
    assert functions == 5  # two functions, three module bodies
    assert len(store.load().state[1]) == functions


def test_after_a_memo_went_to_the_disk_and_back_nothing_is_evaluated_again(tmp_path):
    """Holds every kind of value to being stored: the example project has all of them."""
    policy = load_policy(EXAMPLE)
    assert policy is not None
    sources = sources_of(EXAMPLE)
    engine = Engine(EXAMPLE, policy)
    fresh = found(engine.solve(sources))
    store = MemoStore(tmp_path, policy)
    store.save(engine._memo)
    engine._memo = store.load()
    assert found(engine.solve(sources)) == fresh
    assert engine._memo.evaluated == 0
    assert engine._memo.recalled > 50


def all_examples():
    for rule in all_rules():
        yield from [(bad.source, bad.path, bad.policy) for bad in rule.BAD]
        yield from [(good.source, good.path, good.policy) for good in rule.GOOD]
    yield from [(shape.source, "app/services/example.py", ()) for shape in SHAPES]


def test_the_memo_of_any_example_comes_back_from_the_disk(tmp_path):
    for number, (source, path, overrides) in enumerate(share_of(all_examples(), 31)):
        files = examples.split(source, path)
        policy = examples.policy_for(dict(overrides), files)
        engine = Engine(tmp_path, policy)
        engine.solve({path: text.encode() for path, text in files.items()})
        store = MemoStore(tmp_path, policy, str(number))
        store.save(engine._memo)
        assert [entry[0] for entry in store.load().state[1]] == sorted(f.key for f in engine._memo.functions), source


@pytest.mark.parametrize("harm", ["cut", "empty", "flipped", "other policy"])
def test_a_damaged_or_foreign_memo_counts_as_absent(tmp_path, harm):
    store, _ = stored(tmp_path)
    path = next(tmp_path.glob("memo-*.bin"))
    data = path.read_bytes()
    if harm == "other policy":
        policy = Policy(root=tmp_path, session_modules=("db.py",))
        other = MemoStore(tmp_path, policy)
        path.rename(other._file._path)
        store = other
    else:
        flipped = bytes([*data[:-29], data[-29] ^ 255, *data[-28:]])
        path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "flipped": flipped}[harm])
    assert store.load().state == Memo().state


class Attack:
    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))


def test_a_memo_made_by_an_attacker_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store, _ = stored(tmp_path)
    path = next(tmp_path.glob("memo-*.bin"))
    part = pickle.dumps(({}, [Attack()], []))
    body = len(part).to_bytes(8, "little") + part
    hasher = store._file._hasher()
    hasher.update(body)
    path.write_bytes(path.read_bytes()[:8] + body + hasher.digest())
    assert store.load().state == Memo().state
    assert not Path("pwned").exists()


RECORD = (
    "from dataclasses import dataclass\nfrom db import maker\n\n\n@dataclass\nclass Repo:\n    session: object\n\n"
    "    async def save(self, row):\n        self.session.add(row)\n        await self.session.commit()\n"
)
USES = "from db import maker\nfrom repo import Repo\n\n\nasync def job(row):\n    await Repo(maker()).save(row)\n"


def test_what_data_classes_were_given_comes_back_from_the_disk(tmp_path):
    """A module that is evaluated more than once makes one constructor for its class, not one each time."""
    policy = Policy(root=tmp_path)
    # a name that a function sets later has the module of the class evaluated again
    again = "\n\ndef start():\n    global CLIENT\n    CLIENT = maker()\n\n\nKEPT = [CLIENT]\n"
    record = ("CLIENT = None\n" + RECORD + again).encode()
    sources = {"db.py": SESSIONS.encode(), "repo.py": record, "uses.py": USES.encode()}
    engine = Engine(tmp_path, policy)
    fresh = found(engine.solve(sources))
    assert [f.key for f in engine._memo.functions if f.name == "__init__"] == [("repo.py", "Repo.__init__", 0)]
    store = MemoStore(tmp_path, policy)
    store.save(engine._memo)
    engine._memo = store.load()
    assert found(engine.solve(sources)) == fresh
    assert engine._memo.evaluated == 0
    edited = {**sources, "uses.py": USES.encode() + b"\n\nasync def more(row):\n    await Repo(maker()).save(row)\n"}
    assert found(engine.solve(edited)) == found(Engine(tmp_path, policy).solve(edited))
    assert [f.path for f in fresh if f.code == "TXN201"] == ["repo.py"]


def test_imports_that_are_called_like_nodes_are_met_again(tmp_path):
    """``from aiogram import F``: a name, not a function of the facts."""
    letters = "from magic import F, C, lam\n\n\ndef listen(router):\n    from magic import F as C\n"
    inner = "    @router.on(F.text)\n    async def heard(session):\n        await session.commit()\n"
    engine = Engine(tmp_path, Policy(root=tmp_path))
    sources = {"bot.py": (letters + inner).encode(), "uses.py": b"from bot import listen\n"}
    engine.solve(sources)
    store = MemoStore(tmp_path, engine.policy)
    store.save(engine._memo)
    engine._memo = store.load()
    engine.solve({**sources, "uses.py": b"from bot import listen\nx = 1\n"})
    assert (engine._memo.evaluated, engine._memo.recalled) == (0, 3)


def test_a_memo_that_leads_nowhere_is_given_up(tmp_path, monkeypatch):
    for path, data in sources_of(EXAMPLE).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    policy = Policy(root=tmp_path)
    monkeypatch.setattr(build, "_DRIFT", 0)
    files = sorted(sources_of(EXAMPLE))
    (tmp_path / "cache").mkdir()
    cold = read_program(tmp_path, files, policy)
    expected = solve_part(cold, policy, tmp_path / "cache")

    load = MemoStore.load

    def spoiled(store):
        found = load(store)
        for function in found.functions:
            function.traces = [t._replace(operations=[(memory.READ, [], None)]) for t in function.traces]
        return found

    monkeypatch.setattr(MemoStore, "load", spoiled)
    solved = solve_part(read_program(tmp_path, files, policy), policy, tmp_path / "cache")
    assert solved.statistics["memos of an earlier run that were given up"] == 1
    events = [[(f.dotted, e.kind, e.span) for f in s.functions for e in f.events] for s in (solved, expected)]
    assert events[0] == events[1] != []
