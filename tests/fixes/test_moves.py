"""Statements replaced, removed, inserted, wrapped and unwrapped, with their comments."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import libcst as cst
import pytest

from sessionlint.fixes.model import CannotFixError
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.source import Source
from tests.fixes.support import context_of

PATH = "app/services/example.py"


def moved(text: str, move: Callable[[Edit, Source], object]) -> str:
    """The text after one or more moves."""
    context = context_of({PATH: textwrap.dedent(text).lstrip("\n")})
    edit = context.edit()
    move(edit, context.source(PATH))
    return edit.changes().get(PATH, context.text(PATH))


def statement(source: Source, code: str) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
    """The innermost statement that begins with some code."""
    line = next(n for n, text in enumerate(source.text.split("\n"), 1) if text.strip().startswith(code))
    column = source.text.split("\n")[line - 1].index(code) + 1
    return next(
        node
        for node in source.walk()
        if isinstance(node, cst.SimpleStatementLine | cst.BaseCompoundStatement)
        and source.span(node)[:2] == (line, column)
    )


def expect(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def test_a_removed_statement_leaves_its_comments_above_what_follows():
    before = """
        async def save(session):
            session.add(1)
            # rows are kept for a year
            await session.commit()  # at once
            return 1
    """
    after = """
        async def save(session):
            session.add(1)
            # rows are kept for a year
            # at once
            return 1
    """
    assert moved(before, lambda edit, source: edit.remove(PATH, statement(source, "await"))) == expect(after)


def test_a_removed_last_statement_leaves_its_comments_at_the_end_of_the_block():
    before = """
        async def save(session):
            session.add(1)
            # kept
            await session.commit()


        def other():
            pass
    """
    after = """
        async def save(session):
            session.add(1)
            # kept


        def other():
            pass
    """
    assert moved(before, lambda edit, source: edit.remove(PATH, statement(source, "await"))) == expect(after)


def test_directives_about_a_removed_statement_go_with_it():
    before = """
        async def save(session):
            session.add(1)
            # sessionlint: ignore[TXN201] -- legacy
            await session.commit()  # noqa: TXN201
            return 1
    """
    after = """
        async def save(session):
            session.add(1)
            return 1
    """
    assert moved(before, lambda edit, source: edit.remove(PATH, statement(source, "await"))) == expect(after)


def test_a_block_that_loses_its_only_statement_holds_pass():
    before = """
        def save(session):
            # for now
            session.commit()
    """
    after = """
        def save(session):
            # for now
            pass
    """
    assert moved(before, lambda edit, source: edit.remove(PATH, statement(source, "session"))) == expect(after)


def test_a_removed_module_statement_leaves_its_comments():
    before = """
        A = 1
        # the second
        B = 2
        C = 3
    """
    after = """
        A = 1
        # the second
        C = 3
    """
    assert moved(before, lambda edit, source: edit.remove(PATH, statement(source, "B"))) == expect(after)


def test_one_of_two_statements_on_a_line_goes_alone():
    before = "def f(s):\n    a = 1; s.commit()\n    return a\n"

    def move(edit: Edit, source: Source) -> None:
        small = next(n for n in source.walk() if isinstance(n, cst.Expr))
        edit.change(PATH, small, lambda _: cst.RemovalSentinel.REMOVE)

    assert moved(before, move) == "def f(s):\n    a = 1; \n    return a\n"


def test_a_block_takes_the_place_of_its_with_statement_and_keeps_every_comment():
    before = """
        async def load(key):
            key = str(key)

            # open it
            async with factory() as session:  # a new one
                # read
                row = await session.get(
                    Item,  # the model
                    key,
                )
                text = '''
        not indented
        '''
                # after the row
            # after the block
            return row, text
    """
    after = """
        async def load(key):
            key = str(key)

            # open it
            # a new one
            # read
            row = await session.get(
                Item,  # the model
                key,
            )
            text = '''
        not indented
        '''
            # after the row
            # after the block
            return row, text
    """

    def move(edit: Edit, source: Source) -> None:
        compound = statement(source, "async with")
        assert isinstance(compound, cst.With)
        edit.unwrap(PATH, compound)

    assert moved(before, move) == expect(after)


def test_statements_are_wrapped_and_indented_with_their_comments():
    before = """
        async def save(session, rows):
            # first
            session.add(rows[0])
            for row in rows:
                # each
                session.add(
                    row,
                )
            return rows
    """
    after = """
        async def save(session, rows):
            # first
            async with session.begin():
                session.add(rows[0])
                for row in rows:
                    # each
                    session.add(
                        row,
                    )
            return rows
    """

    def move(edit: Edit, source: Source) -> None:
        edit.wrap(PATH, statement(source, "session.add(rows"), statement(source, "for"), "async with session.begin():")

    assert moved(before, move) == expect(after)


def test_moves_of_parts_and_of_the_whole_are_made_together():
    before = """
        async def save(rows):
            async with factory() as session:
                session.add(rows)
                await session.commit()
            return rows
    """
    after = """
        async def save(rows):
            async with session.begin():
                store.add(rows)
            return rows
    """

    def move(edit: Edit, source: Source) -> None:
        compound = statement(source, "async with")
        assert isinstance(compound, cst.With)
        edit.replace(PATH, next(n for n in source.walk(compound.body) if isinstance(n, cst.Name)), "store")
        edit.remove(PATH, statement(source, "await"))
        edit.unwrap(PATH, compound)
        edit.wrap(PATH, compound, compound, "async with session.begin():")

    assert moved(before, move) == expect(after)


def test_an_inserted_statement_stands_above_the_comments_of_the_next():
    before = "def f():\n    a = 1\n    # two\n    b = 2\n"

    def move(edit: Edit, source: Source) -> None:
        edit.insert_before(PATH, statement(source, "b"), "x = 0")
        edit.insert_after(PATH, statement(source, "b"), "# last\ny = 0")

    assert moved(before, move) == "def f():\n    a = 1\n    x = 0\n    # two\n    b = 2\n    # last\n    y = 0\n"


def test_a_replaced_statement_keeps_the_comments_around_it():
    before = "def f(s):\n    # why\n    s.commit()  # how\n    return 1\n"

    def move(edit: Edit, source: Source) -> None:
        edit.replace_statement(PATH, statement(source, "s.commit"), "s.flush()\ns.close()")

    assert moved(before, move) == "def f(s):\n    # why\n    s.flush()  # how\n    s.close()\n    return 1\n"


def test_a_file_without_a_line_end_at_its_end_stays_so():
    def move(edit: Edit, source: Source) -> None:
        edit.replace_statement(PATH, statement(source, "b"), "c = 3")

    assert moved("a = 1\nb = 2", move) == "a = 1\nc = 3"


def test_a_block_on_the_line_of_its_with_is_refused():
    def move(edit: Edit, source: Source) -> None:
        compound = statement(source, "with")
        assert isinstance(compound, cst.With)
        edit.unwrap(PATH, compound)

    with pytest.raises(CannotFixError, match="stands on the line of what holds it"):
        moved("def f():\n    with a(): b()\n", move)


def test_an_untouched_file_is_not_among_the_changes():
    context = context_of({PATH: "a = 1\n"})
    edit = context.edit()
    edit.replace(PATH, context.source(PATH).nodes_in((1, 5, 1, 6), cst.Integer)[0], "1")
    assert edit.changes() == {}
