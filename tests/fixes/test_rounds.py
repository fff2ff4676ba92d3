"""Rounds: what fits together is made together, what does not stand the proof is left out with its reason."""

from __future__ import annotations

import pytest

from sessionlint.fixes.bench import Bench
from sessionlint.fixes.model import CannotFixError, refuse
from sessionlint.fixes.rounds import Options, repair
from sessionlint.rules import examples
from tests.fixes.stub import fixers, replacing
from tests.fixes.support import fixed

PATH = "app/services/scanning.py"
HEAD = """\
import asyncio

tasks = set()


async def scan(number):
    return number


"""
START = "    asyncio.create_task(scan({0}))\n"
KEPT = "    tasks.add(asyncio.create_task(scan({0})))\n"
KEEP = replacing("asyncio.create_task(", "tasks.add(asyncio.create_task(")


def starting(*numbers: int, kept: tuple[int, ...] = ()) -> str:
    parts = [
        f"async def start_{n}():\n" + (KEPT if n in kept else START).format(n) for n in numbers
    ]  # fmt: skip
    return HEAD + "\n\n".join(parts)


def keep(context, finding):
    """Keeps the task of any finding."""
    proposal = KEEP(context, finding)
    text = proposal.changes[PATH].split("\n")
    text[finding.span.line - 1] += ")"
    return type(proposal)(finding, "Keep the task", "safe", {PATH: "\n".join(text)})


def test_all_findings_of_a_file_are_mended_in_one_round(monkeypatch):
    with fixers(monkeypatch, {"TXN605": keep}):
        result = fixed({PATH: starting(1, 2, 3)}, select=("TXN605",))
    assert result.files[PATH] == starting(1, 2, 3, kept=(1, 2, 3))
    assert len(result.applied) == 3
    assert (list(result.findings), list(result.refused)) == ([], [])


def test_a_fix_that_does_not_stand_the_proof_is_left_out_and_the_others_are_made(monkeypatch):
    def some(context, finding):
        return KEEP(context, finding) if finding.qualname == "start_2" else keep(context, finding)

    with fixers(monkeypatch, {"TXN605": some}):
        result = fixed({PATH: starting(1, 2, 3, 4)}, select=("TXN605",))
    assert result.files[PATH] == starting(1, 2, 3, 4, kept=(1, 3, 4))
    assert result.reasons == [
        f"TXN605 {PATH}:15: the result would not be valid: is not valid Python: '(' was never closed"
    ]


def test_a_fix_that_leaves_the_finding_is_refused(monkeypatch):
    with fixers(monkeypatch, {"TXN605": replacing("scan(1)", "scan(2)")}):
        result = fixed({PATH: starting(1)}, select=("TXN605",))
    assert result.files[PATH] == starting(1)
    assert result.reasons == [f"TXN605 {PATH}:11: the finding would still be there"]


def test_a_fix_that_brings_another_finding_is_refused(monkeypatch):
    table = {"TXN605": replacing("asyncio.create_task(scan(1))", "await (Session()).commit()")}
    text = starting(1).replace("import asyncio\n", "import asyncio\n\nfrom sqlalchemy.orm import Session\n")
    with fixers(monkeypatch, table):
        result = fixed({PATH: text}, select=("TXN605",))
    assert result.files[PATH] == text
    assert len(result.reasons) == 1
    assert result.reasons[0].startswith(f"TXN605 {PATH}:13: the result would have a new finding, TXN101: ")


def test_a_fix_that_uses_a_name_nothing_binds_is_refused(monkeypatch):
    with fixers(monkeypatch, {"TXN605": replacing("asyncio.create_task(scan(1))", "await keep(scan(1))")}):
        result = fixed({PATH: starting(1)}, select=("TXN605",))
    assert result.reasons == [f"TXN605 {PATH}:11: the result would use keep, which nothing binds"]


def test_a_fix_that_closes_a_circle_of_imports_is_refused(monkeypatch):
    others = {PATH: ("asyncio.create_task(scan(1))", "await stop(scan(1))")}
    table = {"TXN605": replacing("", "", others=others)}
    stopping = "from app.services.scanning import scan\n\n\nasync def stop(work):\n    await work\n    scan(1)\n"

    def fix(context, finding):
        proposal = table["TXN605"](context, finding)
        text = proposal.changes[PATH].replace(
            "import asyncio\n", "import asyncio\n\nfrom app.services.stopping import stop\n"
        )
        return type(proposal)(finding, "Await it", "safe", {PATH: text})

    with fixers(monkeypatch, {"TXN605": fix}):
        result = fixed({PATH: starting(1), "app/services/stopping.py": stopping}, select=("TXN605",))
    assert result.reasons == [
        f"TXN605 {PATH}:11: the result would not import: importing app/services/stopping.py would close a circle of "
        "imports: app/services/scanning.py -> app/services/stopping.py -> app/services/scanning.py"
    ]


def test_a_name_another_file_needs_must_not_go(monkeypatch):
    def fix(context, finding):
        proposal = keep(context, finding)
        text = proposal.changes[PATH].replace("tasks = set()", "kept = set()").replace("tasks.add", "kept.add")
        return type(proposal)(finding, "Keep it", "safe", {PATH: text})

    files = {PATH: starting(1), "app/services/ending.py": "from app.services.scanning import tasks\n\nprint(tasks)\n"}
    with fixers(monkeypatch, {"TXN605": fix}):
        result = fixed(files, select=("TXN605",))
    assert result.reasons == [f"TXN605 {PATH}:11: app/services/ending.py:1 needs tasks, which the result no longer has"]


def test_a_change_of_several_files_is_made_whole_or_not_at_all(monkeypatch):
    other = "app/services/other.py"
    good, bad = ("A = 1", "A = 2"), ("A = 1", "A = B")

    def fix_with(change):
        def fix(context, finding):
            proposal = keep(context, finding)
            changes = {**proposal.changes, other: context.text(other).replace(*change)}
            return type(proposal)(finding, "Keep it", "safe", changes)

        return fix

    for change, text in ((good, "A = 2\n"), (bad, "A = 1\n")):
        with fixers(monkeypatch, {"TXN605": fix_with(change)}):
            result = fixed({PATH: starting(1), other: "A = 1\n"}, select=("TXN605",))
        assert result.files[other] == text
        assert (result.files[PATH] == starting(1, kept=(1,))) is (change is good)


def test_a_fix_that_waits_for_another_is_made_in_a_later_round(monkeypatch):
    def one_after_another(context, finding):
        number = int(finding.qualname.removeprefix("start_"))
        if number > 1 and START.format(number - 1) in context.text(PATH):
            refuse(f"start_{number - 1} comes first")
        return keep(context, finding)

    with fixers(monkeypatch, {"TXN605": one_after_another}):
        result = fixed({PATH: starting(1, 2, 3)}, select=("TXN605",))
    assert result.files[PATH] == starting(1, 2, 3, kept=(1, 2, 3))
    assert result.refused == ()


def test_unsafe_fixes_are_held_back_unless_asked_for(monkeypatch):
    def unsafe(context, finding):
        return type(p := keep(context, finding))(finding, p.title, "unsafe", p.changes)

    with fixers(monkeypatch, {"TXN605": unsafe}):
        result = fixed({PATH: starting(1)}, select=("TXN605",), unsafe=False)
        assert [proposal.title for proposal in result.outcome.held] == ["Keep the task"]
        assert result.files[PATH] == starting(1)
        assert fixed({PATH: starting(1)}, select=("TXN605",)).files[PATH] == starting(1, kept=(1,))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CannotFixError("no way back"), "no way back"),
        (ValueError("oops"), "the fixer of TXN605 failed (ValueError: oops); this is a defect, please report it"),
        (RecursionError(), "the code nests too deeply to be rewritten"),
    ],
)
def test_a_fixer_that_fails_is_a_refusal_with_its_reason(monkeypatch, error, reason):
    def failing(context, finding):
        raise error

    with fixers(monkeypatch, {"TXN605": failing}):
        result = fixed({PATH: starting(1)}, select=("TXN605",))
    assert result.reasons == [f"TXN605 {PATH}:11: {reason}"]


def test_an_import_left_without_use_goes_with_the_fix(monkeypatch):
    text = HEAD.replace("tasks = set()", "from app.settings import settings\n\ntasks = set()")
    text += "async def start():\n    asyncio.create_task(scan(settings))\n"
    with fixers(monkeypatch, {"TXN605": replacing("asyncio.create_task(scan(settings))", "await scan(1)")}):
        result = fixed({PATH: text}, select=("TXN605",))
    assert result.files[PATH].startswith("tasks = set()\n\n\nasync def scan(number):")


def test_an_import_of_a_function_goes_and_the_same_one_at_the_top_stays(monkeypatch):
    text = HEAD.replace("tasks = set()", "from app.settings import settings\n\ntasks = set([settings])")
    text += "async def start():\n    from app.settings import settings\n\n    asyncio.create_task(scan(settings))\n"
    with fixers(monkeypatch, {"TXN605": replacing("asyncio.create_task(scan(settings))", "await scan(1)")}):
        result = fixed({PATH: text}, select=("TXN605",))
    assert result.files[PATH].endswith("async def start():\n    await scan(1)\n")
    assert result.files[PATH].count("from app.settings import settings\n") == 1


def test_an_import_that_goes_leaves_the_comments_around_it_as_they_stand(monkeypatch):
    text = HEAD.replace(
        "tasks = set()", "# one day:\n# import json\nfrom app.settings import settings\n\ntasks = set()"
    )
    text = text.replace("import asyncio\n", "import asyncio\n\n", 1)
    text += "async def start():\n    asyncio.create_task(scan(settings))\n"
    text += "\n\nasync def stop():\n    await asyncio.sleep(1)\n"
    with fixers(monkeypatch, {"TXN605": replacing("asyncio.create_task(scan(settings))", "await scan(1)")}):
        result = fixed({PATH: text}, select=("TXN605",))
    assert result.files[PATH].startswith("import asyncio\n\n")
    assert "# one day:\n# import json\n\ntasks = set()" in result.files[PATH]


def test_a_suppression_of_several_rules_keeps_those_that_still_answer(monkeypatch):
    comment = "# sessionlint: ignore[TXN605, TXN201] until=2099-01-01 -- it is short"
    policy = {"select": ["TXN605", "TXN201", "TXN903"], "suppressions": "allow"}
    call = "asyncio.create_task(scan(await session.commit()))"
    text = HEAD + f"async def start(session: AsyncSession):\n    {comment}\n    {call}\n"
    text = text.replace("import asyncio\n", "import asyncio\n\nfrom sqlalchemy.ext.asyncio import AsyncSession\n", 1)
    with fixers(monkeypatch, {"TXN605": replacing(call, f"tasks.add({call})")}):
        sources = {path: data.encode() for path, data in {**examples.SUPPORT, PATH: text}.items()}
        bench = Bench(examples.policy_for(policy).root, examples.policy_for(policy))
        outcome = repair(bench, bench.state(sources), Options(include_suppressed=True))
    left = "    # sessionlint: ignore[TXN201] until=2099-01-01 -- it is short\n    tasks.add("
    assert left in outcome.after.sources[PATH].decode()


def test_an_import_that_alone_loads_a_module_of_the_project_stays(monkeypatch):
    text = HEAD.replace("tasks = set()", "from app.hooks import hook\n\ntasks = set()")
    text += "async def start():\n    asyncio.create_task(scan(hook))\n"
    with fixers(monkeypatch, {"TXN605": replacing("asyncio.create_task(scan(hook))", "await scan(1)")}):
        result = fixed({PATH: text, "app/hooks.py": "hook = 1\n"}, select=("TXN605",))
    assert result.files[PATH].startswith("from app.hooks import hook\n")
    assert "asyncio" not in result.files[PATH]


def test_changes_of_the_same_lines_are_made_one_after_the_other(monkeypatch):
    text = HEAD + "async def start():\n    asyncio.create_task(scan(1)); asyncio.create_task(scan(2))\n"
    solved = []
    state = Bench.state

    def counted(bench, sources, **known):
        solved.append(sources)
        return state(bench, sources, **known)

    def first_of_the_line(context, finding):
        number = "1" if finding.span.column == 5 else "2"
        return replacing(f"asyncio.create_task(scan({number}))", f"tasks.add(scan({number}))")(context, finding)

    monkeypatch.setattr(Bench, "state", counted)
    with fixers(monkeypatch, {"TXN605": first_of_the_line}):
        result = fixed({PATH: text}, select=("TXN605",))
    assert "    tasks.add(scan(1)); tasks.add(scan(2))\n" in result.files[PATH]
    # the beginning, and one state for each change: nothing was tried that could not work
    assert len(solved) == 3


def test_what_failed_is_tried_again_when_the_program_has_changed(monkeypatch):
    def needing_each_other(context, finding):
        if finding.qualname == "start_1":
            made = replacing("asyncio.create_task(scan(1))", "await keep(1)")(context, finding)
            old, new = "tasks = set()", "tasks = set()  # all"
        else:
            made = replacing("asyncio.create_task(scan(2))", "await scan(2)")(context, finding)
            old, new = "tasks = set()", "keep = scan\ntasks = set()"
        return type(made)(finding, made.title, "safe", {PATH: made.changes[PATH].replace(old, new)})

    text = HEAD.replace("async def scan(number):\n    return number\n\n\n", "").replace(
        "tasks = set()", "from app.services.work import scan\n\ntasks = set()"
    )
    text += "\n\n" + starting(1, 2).removeprefix(HEAD)
    files = {PATH: text, "app/services/work.py": "async def scan(number):\n    return number\n"}
    with fixers(monkeypatch, {"TXN605": needing_each_other}):
        result = fixed(files, select=("TXN605",))
    assert result.reasons == []
    assert "keep = scan\ntasks = set()  # all\n" in result.files[PATH]
