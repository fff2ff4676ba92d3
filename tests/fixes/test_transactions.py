"""Commits by hand become blocks of the owner; what a block would save otherwise is refused by name."""

import textwrap

import pytest

from tests.fixes.support import fixed

HEAD = """\
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import get_current_user
from app.models.item import Item
from app.services import items
from app.session import get_session, get_session_dependency

router = APIRouter(dependencies=[Depends(get_current_user)])


"""
ENDPOINT = """\
@router.post("/items")
async def create(name: str, session: AsyncSession = Depends(get_session_dependency)):
"""
SERVICES = """\
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def store(session: AsyncSession, name: str) -> None:
    session.add(Item(name=name))
    await session.commit()
"""
LINE = len((HEAD + ENDPOINT).splitlines())


def endpoint(body: str, services: str = "") -> dict[str, str]:
    text = HEAD + ENDPOINT + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"
    return {"app/routers/items.py": text, "app/services/items.py": services}


def result(body: str) -> str:
    """The endpoint's statements after the fix of everything about transactions."""
    done = fixed(endpoint(body), select=("TXN20",))
    text = done.files["app/routers/items.py"]
    assert done.reasons == []
    return textwrap.dedent(text[text.index("dependency)):\n") + len("dependency)):\n") :])


def test_comments_of_the_unit_stay_and_those_about_the_commit_go() -> None:
    before = """
        # the new row
        session.add(Item(name=name))  # pending

        # Commit it all
        await session.commit()  # commit
        # told to nobody
        return name
    """
    assert result(before) == textwrap.dedent("""\
        # the new row
        async with session.begin():
            session.add(Item(name=name))  # pending
        # told to nobody
        return name
    """)


def test_each_commit_ends_a_block_of_its_own() -> None:
    before = """
        item = Item(name=name)
        session.add(item)
        await session.commit()
        print("first")
        item.name = "second"
        await session.commit()
        return item
    """
    assert result(before) == textwrap.dedent("""\
        item = Item(name=name)
        async with session.begin():
            session.add(item)
        print("first")
        async with session.begin():
            item.name = "second"
        return item
    """)


def test_a_commit_at_the_end_of_a_try_becomes_a_flush_when_the_session_was_used_before() -> None:
    before = """
        item = await session.get(Item, name)
        try:
            item.name = name
            await session.commit()
        except ValueError:
            await session.rollback()
            raise
        return item
    """
    assert result(before) == textwrap.dedent("""\
        async with session.begin():
            item = await session.get(Item, name)
            try:
                item.name = name
                await session.flush()
            except ValueError:
                raise
        return item
    """)


def test_a_service_flushes_and_its_owners_and_tests_commit() -> None:
    files = endpoint(
        """
        await items.store(session, name)
        return name
    """,
        SERVICES,
    )
    files["tests/test_items.py"] = (
        "from app.services.items import store\n\n\n"
        "async def test_store(db):\n    await store(db, name='a')\n    assert db\n"
    )
    done = fixed(files, select=("TXN201",))
    assert done.reasons == []
    assert done.files["app/services/items.py"].endswith("    session.add(Item(name=name))\n    await session.flush()\n")
    assert (
        "    async with session.begin():\n        await items.store(session, name)\n    return name\n"
        in (done.files["app/routers/items.py"])
    )
    assert done.files["tests/test_items.py"].endswith(
        "    await store(db, name='a')\n    await db.commit()\n    assert db\n"
    )
    assert [change.title for change in done.applied] == ["Leave the transaction to the owner of the session"]
    assert [change.safety for change in done.applied] == ["unsafe"]


def test_commits_are_not_touched_without_unsafe() -> None:
    files = endpoint("session.add(Item(name=name))\nawait session.commit()\n")
    done = fixed(files, select=("TXN201",), unsafe=False)
    assert done.files == files
    assert len(done.outcome.held) == 1


REFUSED = {
    "an early return after a change": (
        """
        session.add(Item(name=name))
        if not name:
            return None
        await session.commit()
        """,
        (3, "the function leaves here without the commit, after the change on line {1}"),
    ),
    "a commit on one path only": (
        """
        item = await session.get(Item, name)
        item.name = name
        if name:
            item.status = "x"
            await session.commit()
        """,
        (2, "what line {2} changes is committed on some paths only"),
    ),
    "a loop of commits on a session in use": (
        """
        found = (await session.scalars(select(Item))).all()
        for item in found:
            item.name = name
            await session.commit()
        """,
        (2, "every round of the loop commits on its own, and the session is used before it"),
    ),
    "a session used again in the next round": (
        """
        for each in name:
            item = Item(name=each)
            session.add(item)
            await session.commit()
            await session.refresh(item)
        """,
        (1, "the session is used after the commit, and again in the next round of the loop"),
    ),
    "work that follows the commit in its try": (
        """
        item = await session.get(Item, name)
        try:
            item.name = name
            await session.commit()
            router.told(name)
        except ValueError:
            raise HTTPException(409)
        """,
        (5, "this runs after a commit, and would undo it when it fails in one block with it"),
    ),
    "a handler that goes on inside the unit": (
        """
        item = await session.get(Item, name)
        try:
            item.name = name
            await session.commit()
        except ValueError:
            print(name)
        """,
        (5, "the handler goes on after the commit has failed"),
    ),
    "a handler that saves what the try began": (
        """
        item = Item(name=name)
        try:
            session.add(item)
            await session.commit()
        except ValueError:
            item.status = "failed"
            await session.commit()
        """,
        (5, "what the try did before its error is saved after this handler"),
    ),
    "a commit in finally": (
        """
        try:
            session.add(Item(name=name))
        finally:
            await session.commit()
        """,
        (3, "the commit stands in finally, where errors pass by"),
    ),
    "a rollback in the middle": (
        """
        session.add(Item(name=name))
        await session.rollback()
        return name
        """,
        (2, "the function goes on after its rollback"),
    ),
    "a commit in a larger statement": (
        """
        session.add(Item(name=name))
        done = await session.commit()
        """,
        (2, "the commit is part of a larger statement"),
    ),
    "a begin whose name is used for more": (
        """
        begun = await session.begin()
        session.add(Item(name=name))
        print(begun)
        await session.commit()
        """,
        (3, "begun is used for more than its end"),
    ),
}


@pytest.mark.parametrize(("body", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_one_block_would_change_is_refused(body: str, expected: tuple[int, str]) -> None:
    files = endpoint(body)
    line, reason = expected
    done = fixed(files, select=("TXN20",))
    assert done.files["app/routers/items.py"] == files["app/routers/items.py"]
    wanted = f"app/routers/items.py:{LINE + line}: {reason.format(*range(LINE, LINE + 20))}"
    assert wanted in [refusal.partition(" ")[2] for refusal in done.reasons]


OWNERS = {
    "passed on": (
        "from app.services.items import store\n\nHANDLERS = [store]\n",
        "app/owner.py:3: store() is passed on without being called",
    ),
    "swallowing": (
        """\
from app.services.items import store
from app.session import get_session


async def middle(session, name):
    try:
        await store(session, name)
    except ValueError:
        return None


async def owner():
    async with get_session() as session:
        await middle(session, "a")
""",
        "app/owner.py:8: the handler goes on after the commit has failed",
    ),
}


@pytest.mark.parametrize(("owner", "reason"), OWNERS.values(), ids=OWNERS)
def test_a_service_keeps_its_commit_when_an_owner_cannot_take_it(owner: str, reason: str) -> None:
    files = {"app/services/items.py": SERVICES, "app/owner.py": owner}
    done = fixed(files, select=("TXN201",))
    assert [refusal.partition(" ")[2] for refusal in done.reasons] == [reason]
    assert done.files == files


BATCHES = """\
async def fill(session: AsyncSession, names) -> None:
    done = 0
    for name in names:
        session.add(Item(name=name))
        done += 1
        if done % 2 == 0:
            await session.commit()
    await session.commit()
"""
EACH = """\
async def fill(session: AsyncSession, names) -> None:
    return [await store(session, name) for name in names]
"""
UNTIL = """\
async def fill(session: AsyncSession, names) -> None:
    for name in names:
        if name:
            session.add(Item(name=name))
            await session.commit()
            return name
"""


@pytest.mark.parametrize(("service", "line", "rounds"), [(BATCHES, 13, "loop"), (EACH, 12, "comprehension")])
def test_a_service_that_commits_in_batches_keeps_them(service: str, line: int, rounds: str) -> None:
    files = endpoint("await items.fill(session, name)\n", f"{SERVICES}\n\n{service}")
    done = fixed(files, select=("TXN201",))
    reason = f"every round of the {rounds} commits on its own, and in one block an error would undo those before it"
    assert [r for r in done.reasons if rounds in r][-1].partition(" ")[2] == f"app/services/items.py:{line}: {reason}"
    assert done.files == files


def test_an_endpoint_that_saves_each_in_a_comprehension_keeps_it_so() -> None:
    files = endpoint("return [await items.store(session, each) for each in name]\n", SERVICES)
    reason = "every round of the comprehension commits on its own, and in one block an error would undo those before it"
    done = fixed(files, select=("TXN201",))
    assert done.reasons == [f"TXN201 app/routers/items.py:{LINE + 1}: {reason}"]
    assert done.files == files


def test_a_loop_that_ends_with_its_commit_is_left_to_the_owner() -> None:
    head = SERVICES.partition("async def")[0]
    files = endpoint("await items.fill(session, name)\n", head + UNTIL)
    done = fixed(files, select=("TXN201",))
    assert done.reasons == []
    assert "commit()" not in done.files["app/services/items.py"]


def test_a_service_that_nobody_calls_keeps_its_commit() -> None:
    done = fixed({"app/services/items.py": SERVICES}, select=("TXN201",))
    assert done.reasons == [
        "TXN201 app/services/items.py:6: nothing in the program calls store(), so nobody would commit"
    ]


def test_an_authentication_that_uses_the_same_session_stands_against_a_block() -> None:
    files = endpoint("session.add(Item(name=name))\nawait session.commit()\n")
    text = files["app/routers/items.py"].replace("name: str, session", "name: str, user=Depends(user), session")
    user = "async def user(db=Depends(get_session_dependency)):\n    return await db.scalar(select(Item))\n\n\n"
    files["app/routers/items.py"] = text.replace("@router.post", user + "@router.post")
    reason = "the dependency user() uses the same session first; give it a short one of its own"
    assert fixed(files, select=("TXN201",)).reasons == [f"TXN201 app/routers/items.py:{LINE + 4}: {reason}"]


def test_what_is_read_again_after_the_commit_is_not_left_to_an_owner_that_forgets_it() -> None:
    from sessionlint.rules import examples

    services = SERVICES + "    await session.refresh(Item(name=name))\n"
    files = endpoint("await items.store(session, name)\n", services)
    files["app/session.py"] = examples.SESSION_MODULE.replace(", expire_on_commit=False", "")
    reason = "the owner's commit would forget what is read here (some factory lacks expire_on_commit=False)"
    assert fixed(files, select=("TXN201",)).reasons == [f"TXN201 app/services/items.py:9: {reason}"]


def test_a_savepoint_that_is_not_ended_by_its_try_is_refused() -> None:
    done = fixed(
        endpoint("""
        async with session.begin():
            point = await session.begin_nested()
            session.add(Item(name=name))
            await point.commit()
        """),
        select=("TXN203",),
    )
    assert done.reasons == [
        f"TXN203 app/routers/items.py:{LINE + 2}: no try right below it commits the savepoint and rolls it back"
    ]


def test_a_commit_inside_a_block_goes_or_becomes_a_flush() -> None:
    before = """
        async with session.begin():
            session.add(Item(name=name))
            await session.commit()
            print(name)
        async with session.begin():
            session.add(Item(name=name))
            await session.commit()
        return name
    """
    assert result(before) == textwrap.dedent("""\
        async with session.begin():
            session.add(Item(name=name))
            await session.flush()
            print(name)
        async with session.begin():
            session.add(Item(name=name))
        return name
    """)
