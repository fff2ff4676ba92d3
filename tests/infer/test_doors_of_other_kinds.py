"""Ways to sessions that are no context manager and no dependency, and what passes for one and is none."""

from __future__ import annotations

import pytest

MAKES = (
    "from contextlib import contextmanager\n\nfrom sqlalchemy import create_engine\n"
    "from sqlalchemy.orm import Session, sessionmaker\n\nfactory = sessionmaker(create_engine('postgresql://db/x'))\n\n\n"
    "def fresh() -> Session:\n    return factory()\n\n\n"
)
UNIT = "@contextmanager\ndef unit(session: Session{0}):\n    {1}\n    yield session\n    session.commit()\n"
UNIT_CLASS = (
    "class unit:\n    def __init__(self, session: Session):\n        self.session = session\n\n"
    "    def __enter__(self):\n        return self.session\n\n"
    "    def __exit__(self, *error):\n        self.session.commit()\n"
)
WORKS = (
    "from store import fresh, unit\n\n\ndef work(row):\n    session = fresh()\n    try:\n"
    "        with unit(session) as inner:\n            inner.add(row)\n    finally:\n        session.close()\n"
)


@pytest.mark.parametrize("unit", [UNIT.format("", "pass"), UNIT_CLASS], ids=["function", "class"])
def test_what_a_callers_session_is_run_through_is_no_context(infer, unit):
    assert infer({"store.py": MAKES + unit, "work.py": WORKS}).sessions == (("store.py",), (), ())


def test_what_opens_a_session_where_it_is_given_none_is_a_context(infer):
    unit = UNIT.format(" = None", "session = session or factory()")
    assert infer({"store.py": MAKES + unit, "work.py": WORKS}).sessions == (("store.py",), (), ("store.unit",))


DRIVER = (
    "import sqlite3\n\n\ndef fresh(path):\n    line = sqlite3.connect(path)\n"
    "    line.execute('pragma foreign_keys = on')\n    return line\n"
)
TAKES_LINE = (
    "from store import fresh\n\n\ndef {0}():\n    line = fresh('x')\n    line.execute('select 1')\n    line.close()\n"
)


def test_the_file_that_connects_for_others_is_the_session_module(infer):
    result = infer({"store.py": DRIVER, "work.py": TAKES_LINE.format("work"), "rest.py": TAKES_LINE.format("rest")})
    assert result.sessions == (("store.py",), (), ())
    assert result.notes == ("session module store.py: 2 functions in other files open connections from it.",)


def test_a_file_that_connects_for_itself_alone_is_none(infer):
    own = DRIVER + "\n\ndef work():\n    fresh('x').execute('select 1')\n"
    assert infer({"store.py": own, "other.py": own}).sessions == ((), (), ())


SHIP = (
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n\nclass {0}:\n"
    "    def __init__(self):\n        self.opened = async_sessionmaker(create_async_engine('postgresql+asyncpg://db/x'))\n\n"
    "    async def {1}(self):\n        async with self.opened() as session:\n"
    "            return await session.get(object, 1)\n"
)
DOCK = (
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n\ndef opener():\n"
    "    return async_sessionmaker(create_async_engine('postgresql+asyncpg://db/x'))\n\n\n"
    "async def docked():\n    async with opener()() as session:\n        yield session\n"
)
SCRIPT = (
    "from fleet.{0} import opener\n\n\nasync def run():\n    opened = opener()\n    async with opened() as session:\n"
    "        await session.get(object, 1)\n"
)


def test_of_two_that_the_application_leaves_alone_the_scripts_decide(infer):
    files = {"fleet/__init__.py": "", "fleet/anchor.py": SHIP.format("Anchor", "weigh"), "fleet/dock.py": DOCK}
    result = infer(files | {"scripts/one.py": SCRIPT.format("dock"), "scripts/two.py": SCRIPT.format("dock")})
    assert result.policy.session_modules == ("fleet/dock.py",)
    assert "and 2 scripts take it from there." in result.notes[0]


def test_who_imports_a_class_that_opens_sessions_for_itself_takes_nothing_from_it(infer):
    files = {"fleet/__init__.py": "", "fleet/anchor.py": SHIP.format("Anchor", "weigh"), "fleet/dock.py": DOCK}
    files["fleet/crew.py"] = "from fleet.anchor import Anchor\n\nanchor = Anchor()\n"
    result = infer(files | {"scripts/one.py": SCRIPT.format("dock")})
    assert result.policy.session_modules == ("fleet/dock.py",)


def test_who_builds_on_such_a_class_does(infer):
    files = {"fleet/__init__.py": "", "fleet/anchor.py": SHIP.format("Anchor", "weigh"), "fleet/dock.py": DOCK}
    files["fleet/crew.py"] = "from fleet.anchor import Anchor\n\n\nclass Heavy(Anchor):\n    pass\n"
    result = infer(files | {"scripts/one.py": SCRIPT.format("dock")})
    assert result.policy.session_modules == ("fleet/anchor.py",)


PANEL = (
    "from starlette.applications import Starlette\n\nfrom fleet.panel.anchor import Anchor\n\n"
    "panel = Starlette()\nanchor = Anchor()\n"
)


@pytest.mark.parametrize(
    ("main", "module"),
    [
        (
            "from litestar import Litestar\n\nfrom fleet.panel.app import panel\n\napp = Litestar([panel])\n",
            "fleet/dock.py",
        ),
        ("from litestar import Litestar\n\napp = Litestar([])\n", "fleet/panel/anchor.py"),
    ],
    ids=["mounted", "apart"],
)
def test_what_a_larger_application_mounts_is_part_of_it(infer, main, module):
    files = {"fleet/__init__.py": "", "fleet/panel/__init__.py": "", "fleet/dock.py": DOCK, "fleet/panel/app.py": PANEL}
    files |= {"fleet/panel/anchor.py": SHIP.format("Anchor", "weigh"), "fleet/main.py": main}
    assert module in infer(files | {"scripts/one.py": SCRIPT.format("dock")}).policy.session_modules


REGISTRY = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
    "from sqlalchemy.orm import scoped_session, sessionmaker\n\n\nclass Store:\n    def __init__(self, address):\n"
    "        self.kept = scoped_session(sessionmaker(create_engine(address)))\n"
    "        self.fresh = async_sessionmaker(create_async_engine(address))\n\n"
    "    @property\n    def session(self):\n        return self.kept()\n\n"
    "    def opened(self):\n        return self.fresh()\n\n\nstore = Store('postgresql://db/x')\n"
)
READS = "from store import store\n\n\ndef {0}():\n    return store.session.get(object, 1)\n"
OPENS = (
    "from store import store\n\n\nasync def {0}():\n    async with store.opened() as session:\n"
    "        return await session.get(object, 1)\n"
)


def test_where_most_take_what_a_registry_keeps_no_context_is_the_way(infer):
    files = {"store.py": REGISTRY, "a.py": READS.format("a"), "b.py": READS.format("b"), "c.py": OPENS.format("c")}
    result = infer(files)
    assert result.sessions == (("store.py",), (), ())
    assert result.notes[1] == (
        "not approved: opened() of store.py hands its sessions to 1 function, while 2 functions take the one that a "
        "scoped registry keeps."
    )


def test_where_few_do_the_context_is(infer):
    files = {"store.py": REGISTRY, "a.py": READS.format("a"), "b.py": OPENS.format("b"), "c.py": OPENS.format("c")}
    assert infer(files).sessions == (("store.py",), (), ("store.Store.opened",))


FLASK = (
    "from flask_sqlalchemy import SQLAlchemy\n\nstock = SQLAlchemy()\n\n\nclass Crate(stock.Model):\n"
    "    id = stock.Column(stock.Integer, primary_key=True)\n"
)
VIEW = (
    "from flask import Blueprint\n\nfrom depot.tables import Crate, stock\n\npages = Blueprint('{0}', __name__)\n\n\n"
    "@pages.route('/{0}')\ndef {0}():\n    stock.session.add(Crate())\n    return ''\n"
)
LONE = "from sqlalchemy import create_engine\n\nengine = create_engine('sqlite:///x')\nengine.connect()\n"


def test_the_sessions_of_a_library_are_the_way_and_a_lone_engine_is_none(infer):
    files = {"depot/__init__.py": "", "depot/tables.py": FLASK, "depot/views.py": VIEW.format("crates")}
    result = infer(files | {"ping.py": LONE})
    assert result.sessions == ((), (), ())
    assert "sessions come from Flask-SQLAlchemy" in result.notes[0]


KEPT = "from flask_sqlalchemy import SQLAlchemy\n\nstock = SQLAlchemy()\n\n\ndef save():\n    stock.session.commit()\n"
CRATES = FLASK.replace(
    "from flask_sqlalchemy import SQLAlchemy\n\nstock = SQLAlchemy()", "from depot.kept import stock"
)


def test_the_module_of_a_librarys_object_is_a_session_module_where_it_is_about_that_alone(infer):
    views = VIEW.format("crates").replace("import Crate, stock", "import Crate\nfrom depot.kept import stock")
    files = {"depot/__init__.py": "", "depot/kept.py": KEPT, "depot/tables.py": CRATES, "depot/views.py": views}
    result = infer(files)
    assert result.sessions == (("depot/kept.py",), (), ())
    assert result.notes[0] == (
        "session module depot/kept.py: 1 function in other files works with the session that is kept there."
    )
    assert result.layers["model"] == ("depot/tables.py",)


def test_a_librarys_object_that_only_its_own_module_works_with_makes_no_session_module(infer):
    assert infer({"depot/__init__.py": "", "depot/kept.py": KEPT}).sessions == ((), (), ())


def test_a_factory_that_many_use_beside_a_librarys_is_a_session_module(infer):
    files = {"depot/__init__.py": "", "depot/tables.py": FLASK, "depot/views.py": VIEW.format("crates")}
    made = {
        "store.py": MAKES,
        "work.py": WORKS.replace("with unit(session) as inner:", "if session:").replace("inner", "session"),
    }
    assert infer(files | made).policy.session_modules == ("store.py",)


PICKS = (
    "from functools import wraps\n\nfrom sqlalchemy.orm import Session\n\n{1}\n"
    "def pick(given):\n    for thing in given:\n"
    "        if isinstance(thing, Session):\n            return thing\n    {0}\n\n\n"
    "def saving(function):\n    @wraps(function)\n    def inner(*given):\n        session = pick(given)\n"
    "        done = function(session, *given[1:])\n        session.commit()\n        return done\n\n    return inner\n"
)
WEARS = (
    "from saving import saving\nfrom store import factory\n\n\n"
    "@saving\ndef keep(session, row):\n    session.add(row)\n\n\n"
    "def run(row):\n    with factory() as session:\n        keep(session, row)\n"
)


def test_a_decorator_that_looks_for_its_callers_session_makes_no_session_module_of_the_caller(infer):
    files = {"store.py": MAKES, "saving.py": PICKS.format("raise LookupError", ""), "run.py": WEARS}
    assert infer(files).policy.session_modules == ("store.py",)


def test_a_decorator_that_opens_one_where_it_finds_none_is_a_way(infer):
    opens = PICKS.format("return factory()", "from store import factory\n\n")
    result = infer({"store.py": MAKES, "saving.py": opens, "run.py": WEARS})
    assert any("saving() opens and hands in" in note for note in result.notes)
