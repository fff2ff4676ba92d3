"""How often functions are evaluated again: in an order that makes it seldom, and not for ever."""

from __future__ import annotations

from sessionlint.program.sweeps import Sweeps
from tests.program.support import solved


def listed(number: int) -> list[str]:
    """That many functions: to a work list, any names will do."""
    return [f"f{n}" for n in range(number)]


def all_of(sweeps: Sweeps[str]) -> list[str]:
    return [sweeps.take() for _ in range(len(sweeps))]


def begun(functions: list[str]) -> Sweeps[str]:
    """A work list on which the functions were done once, callees first."""
    sweeps: Sweeps[str] = Sweeps()
    for function in functions:
        sweeps.add(function)
    for function in all_of(sweeps):
        sweeps.done(function)
    return sweeps


def test_what_is_new_comes_first_in_the_order_it_is_met():
    known = listed(3)
    sweeps = begun(known)
    for function in (known[2], "new", "newer"):
        sweeps.add(function)
    assert all_of(sweeps) == ["new", "newer", "f2"]


def test_a_sweep_goes_up_the_calls():
    functions = listed(4)
    sweeps = begun(functions)
    for function in (functions[3], functions[1], functions[2]):
        sweeps.add(function)
    assert all_of(sweeps) == ["f1", "f2", "f3"]


def test_what_lies_behind_a_sweep_waits_for_the_next_one_which_goes_down():
    functions = listed(5)
    sweeps = begun(functions)
    sweeps.add(functions[2])
    assert sweeps.take() == "f2"
    for function in (functions[0], functions[4], functions[1]):
        sweeps.add(function)
    assert all_of(sweeps) == ["f4", "f1", "f0"]


def test_a_function_that_wants_itself_again_waits_for_the_next_sweep():
    functions = listed(3)
    sweeps = begun(functions)
    sweeps.add(functions[1])
    assert sweeps.take() == "f1"
    sweeps.add(functions[1])
    sweeps.add(functions[2])
    assert all_of(sweeps) == ["f2", "f1"]


def test_text_that_recursion_lengthens_settles():
    source = """
def label(session, group):
    session.commit()
    return f"{label(session, group.parent)}.{group.name}"
"""
    solver = solved({"app/services/groups.py": source})
    label = next(f for f in solver.functions if f.name == "label")
    assert label.visits < 9
    assert max(t.text.count("\\0") for t in label.summary.returns) <= 5


def test_an_object_that_goes_to_the_background_is_no_effect_of_those_who_are_above_its_owner():
    source = """
import dataclasses


@dataclasses.dataclass
class Call:
    number: int


def start(tasks, work, call):
    tasks.add_task(work, call)


def owner(background_tasks: "BackgroundTasks", session):
    background_tasks.add_task(session.commit)
    start(background_tasks, print, Call(1))


def above(background_tasks: "BackgroundTasks", session):
    owner(background_tasks, session)
"""
    source = "from fastapi import BackgroundTasks\n" + source
    solver = solved({"app/services/calls.py": source})
    effects = {
        f.name: {e.subject.tag for e in f.summary.effects if e.kind == "schedule" and e.subject is not None}
        for f in solver.functions
        if f.path == "app/services/calls.py"
    }
    assert effects["start"] == {"param"}
    assert "inst" not in effects["owner"] | effects["above"]
