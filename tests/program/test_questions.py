"""Whoever asks something of the cells is evaluated again when the answer changes, and not before."""

import pytest

from sessionlint.engine import Engine
from sessionlint.policy_model import Policy
from tests.program.support import solved

KEEP = """
import lib
from sqlalchemy.orm import Session


class Row:
    pass


class Label:
    pass


def keep(thing):
    lib.take(thing)


def with_row(session):
    session.commit()
    keep(Row())


def with_label(session: Session):
    session.commit()
    keep({given})
"""


def keeping(given):
    solver = solved({"app/services/keeping.py": KEEP.format(given=given)})
    keep = next(f for f in solver.functions if f.name == "keep")
    return solver, keep


def test_one_more_object_that_is_no_session_changes_no_answer():
    solver, keep = keeping("Label()")
    passed = solver.peek(("param", keep, "thing"))
    assert ([a.info.name for a in passed], keep.visits) == (["Row", "Label"], 1)


def test_a_session_among_the_arguments_is_another_answer():
    solver, keep = keeping("session")
    escaped = next(a for e in keep.events if e.kind == "external" for a in e.args[0])
    assert (solver.kind_of(escaped), keep.visits) == ("session", 2)


FILES = {
    "db.py": b"from sqlalchemy.orm import Session\n\n\nclass Row:\n    pass\n\n\nclass Label:\n    pass\n",
    "keeping.py": b"import lib\n\n\ndef keep(session, thing):\n    session.commit()\n    lib.take(thing)\n",
    "task.py": (
        b"from db import Label, Row, Session\nfrom keeping import keep\n\n\n"
        b"def job(session: Session):\n    keep(session, Row())\n"
    ),
}


@pytest.mark.parametrize(
    ("given", "taken"), [(b"Label()", True), (b"Session()", False)], ids=["same answer", "other answer"]
)
def test_an_edit_is_taken_when_it_changes_no_answer_elsewhere(tmp_path, given, taken):
    engine = Engine(tmp_path, Policy(root=tmp_path))
    engine.solve(FILES)
    edited = FILES["task.py"].replace(b"Row())", given + b")")
    program = engine.solve({**FILES, "task.py": edited}, edit=True)
    assert (program.changed is not None) is taken


def test_what_was_asked_on_the_way_to_a_difference_is_remembered_with_the_rest(tmp_path):
    ends = b"def ends(session):\n    session.rollback()\n"
    keep = b"import lib\nfrom ends import ends\n\n\ndef keep(session, thing):\n    lib.take(thing)\n    ends(session)\n"
    first = {**FILES, "keeping.py": keep, "ends.py": ends}
    second = {**first, "ends.py": ends.replace(b"rollback", b"commit")}
    third = {**second, "task.py": FILES["task.py"].replace(b"Row())", b"Session())")}
    warm = Engine(tmp_path, Policy(root=tmp_path))
    for sources in (first, second):
        warm.solve(sources)
    fresh = Engine(tmp_path, Policy(root=tmp_path))
    assert facts(warm.solve(third)) == facts(fresh.solve(third))


def facts(program):
    return [(f.dotted, e.kind, e.name, e.span) for f in program.functions for e in f.events] + [
        (f.dotted, e.kind, e.name) for f in program.functions for e in f.summary.effects
    ]
