"""What a function returns goes on with what that call was given: inner functions, bound methods."""

from tests.program.support import marked

SHARED = """
# --- app/repo.py
from sqlalchemy.orm import Session


def deferred(session: Session):
    def end():
        session.commit()  # TXN201

    return end


def saver(session):
    def save(row):
        session.add(row)

    return save


def reader(session):
    def read(key):
        return session.get(object, key)

    return read


class Repo:
    def __init__(self, session):
        self.session = session

    def save(self, row):
        self.session.add(row)


def bound(session):
    return Repo(session).save
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.repo import bound, deferred, reader, saver
from app.session import get_session_dependency

router = APIRouter()

"""


def agree(endpoints):
    found, expected = marked(SHARED + endpoints)
    assert found == expected


def test_a_returned_function_ends_the_transaction_of_the_session_it_closes_over():
    agree("""
@router.post("/ended")
def ended(session=Depends(get_session_dependency)):
    end = deferred(session)
    with session.begin():
        end()  # TXN205
""")


def test_what_a_returned_function_writes_is_committed_where_it_is_called_or_lost():
    agree("""
@router.post("/lost")
def lost(row: dict, session=Depends(get_session_dependency)):
    save = saver(session)
    save(row)  # TXN209


@router.post("/kept")
def kept(row: dict, session=Depends(get_session_dependency)):
    save = saver(session)
    with session.begin():
        save(row)


@router.get("/read")
def read(session=Depends(get_session_dependency)):
    return reader(session)(1)
""")


def test_a_returned_method_works_with_the_session_its_object_was_made_with():
    agree("""
@router.post("/lost")
def lost(row: dict, session=Depends(get_session_dependency)):
    bound(session)(row)  # TXN209


@router.post("/kept")
def kept(row: dict, session=Depends(get_session_dependency)):
    with session.begin():
        bound(session)(row)
""")
