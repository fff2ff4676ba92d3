"""How TXN207 tells of a query that sends what waited to be written, and of the wait that finds the transaction open."""

from __future__ import annotations

from sessionlint.rules import examples, txn207_network_io_in_transaction

SOURCE = """
import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.item import Item


def load(session: Session):
    return session.scalars(select(Item)).all()


def tell(session: Session):
    for item in load(session):
        httpx.post("https://desk.example", json=item.name)


def tell_all(session: Session):
    tell(session)


def rename(session: Session, key):
    item = session.get(Item, key)
    item.name = "a"
    tell_all(session)


def rename_each(session: Session, keys):
    for key in keys:
        tell(session)
        item = session.get(Item, key)
        item.name = "a"


def look(session: Session):
    session.add(Item())
    for item in session.query(Item):
        print(item)
    httpx.post("https://desk.example")
"""


def told() -> dict[int, tuple[str, list[str]]]:
    """What is said of each line: the first sentence, and the steps."""
    files = examples.split(SOURCE, "app/helpers.py")
    program = examples.program_for(files, examples.policy_for({}, files))
    found = txn207_network_io_in_transaction.check(program)
    return {f.span.line: (f.message.partition(". ")[0], [f"{s.line} {s.note}" for s in f.trace]) for f in found}


def test_a_call_that_asks_and_waits_is_told_with_the_write_that_its_query_sends():
    message, steps = told()[24]
    assert message == (
        "`tell_all(…)` waits on the network while the transaction in which its own query sends what `item.name = …` "
        "on line 23 left to be written is open"
    )
    assert steps == [
        "23 item.name = … leaves something to be written",
        "24 tell_all(…) is called",
        "18 tell(…) is called here",
        "13 load(…) is called here",
        "9 session.scalars(…) sends what waits to be written",
        "14 httpx.post() waits here",
    ]


def test_in_a_loop_the_write_may_be_that_of_the_round_before():
    message, _ = told()[29]
    assert message.endswith("what `item.name = …` on line 31 left to be written in the round before is open")


def test_going_through_a_query_is_named_as_such():
    message, steps = told()[38]
    assert message.endswith("while the transaction that `for … in query` on line 36 opened is open")
    assert steps[-1] == "36 for … in query sends what waits to be written"
