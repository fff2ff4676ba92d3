"""States of a program, asked in any order."""

from __future__ import annotations

from sessionlint.fixes.bench import Bench, State
from sessionlint.rules import examples

JOB = "app/jobs/scanning.py"
SCAN = "async def scan(session): ...\n"
LOWER = f"import asyncio\n\n\n\n{SCAN}"
ANOTHER = "async def sweep(session): ...\n"


def definitions(state: State) -> list[tuple[str, int]]:
    return [(f.name, f.header[0]) for f in state.context.program.functions if f.path == JOB and f.name != "<module>"]


def test_a_state_is_told_as_it_was_made_after_others_were_solved() -> None:
    policy = examples.policy_for({})
    bench = Bench(policy.root, policy)
    support = {path: text.encode() for path, text in examples.SUPPORT.items()}
    one, two, three = (bench.state({**support, JOB: text.encode()}) for text in (SCAN, LOWER, ANOTHER))
    assert [definitions(state) for state in (one, two, three, one)] == [
        [("scan", 1)], [("scan", 5)], [("sweep", 1)], [("scan", 1)],
    ]  # fmt: skip


def test_an_edit_is_checked_like_any_state_after_another_one_was_asked() -> None:
    policy = examples.policy_for({"select": ["TXN605"]})
    support = {path: text.encode() for path, text in examples.SUPPORT.items()}
    dropping = "import asyncio\n\n\nasync def scan():\n    asyncio.create_task(scan())\n"
    sources = [{**support, JOB: text.encode()} for text in (dropping, dropping * 2, f"\n{dropping}")]
    bench = Bench(policy.root, policy)
    first = bench.state(sources[0])
    bench.state(sources[1])
    assert definitions(first) == [("scan", 4)]
    edited = bench.state(sources[2], edit=True)
    assert edited.report == Bench(policy.root, policy).state(sources[2]).report
    assert [(finding.code, finding.span.line) for finding in edited.findings] == [("TXN605", 6)]


def test_fixers_see_a_state_with_the_numbers_of_its_own_lines() -> None:
    policy = examples.policy_for({"select": ["TXN605"]})
    support = {path: text.encode() for path, text in examples.SUPPORT.items()}
    dropping = "import asyncio\n\n\nasync def scan():\n    asyncio.create_task(scan())\n"
    bench = Bench(policy.root, policy)
    bench.state({**support, JOB: dropping.encode()})
    lower = bench.state({**support, JOB: f"# more\n{dropping}".encode()}, edit=True)
    assert definitions(lower) == [("scan", 5)]
    lowest = {**support, JOB: f"# more\n\n{dropping}".encode()}
    edited = bench.state(lowest, edit=True)
    assert edited.report == Bench(policy.root, policy).state(lowest).report
    assert definitions(edited) == [("scan", 6)]
