"""What lists and tuples give back is what was put into them."""

import pytest

from tests.program.support import findings

HEAD = "import itertools\n\nfrom sqlalchemy.orm import Session\n\n\n"


def found(body):
    return findings("# --- app/services/x.py\n" + HEAD + body, "2")


@pytest.mark.parametrize(
    "body",
    [
        "def end(session: Session):\n    kept = [None]\n    kept[0] = session\n    kept[0].commit()\n",
        "def end(session: Session):\n    kept = [None, None]\n    kept[-1] = session\n    kept[1].commit()\n",
        "def end(pair: tuple[int, Session]):\n    _, session = pair\n    session.commit()\n",
        "def end(session: Session):\n    for one in itertools.repeat(session, 1):\n        one.commit()\n",
        "def end(session: Session):\n    for one in itertools.chain([1], [session]):\n        one.commit()\n",
    ],
)
def test_a_session_that_is_taken_out_again_is_that_session(body):
    lines = (HEAD + body).splitlines()
    number = next(i for i, line in enumerate(lines, 1) if ".commit()" in line)
    assert found(body) == [f"app/services/x.py:{number} TXN201"]


@pytest.mark.parametrize(
    "body",
    [
        "def end(session: Session, git):\n    kept = [session]\n    kept[0] = git\n    kept[0].commit()\n",
        "def end(session: Session, git):\n    kept = [session, None]\n    kept[1] = git\n    kept[1].commit()\n",
        "def end(pair: tuple[Session, object]):\n    session, other = pair\n    other.commit()\n    return session\n",
    ],
)
def test_what_stands_at_another_place_is_something_else(body):
    assert found(body) == []
