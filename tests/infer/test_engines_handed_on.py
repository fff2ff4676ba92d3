"""An engine that a function makes and hands to who makes the factory: the application's, a command's."""

from __future__ import annotations

import pytest

BERTHS = """\
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

state = {}


def moor(sea: Engine) -> None:
    state["berths"] = sessionmaker(sea)


@contextmanager
def berth():
    with state["berths"]() as session:
        yield session
"""
HARBOUR = """\
from fastapi import FastAPI
from sqlalchemy import create_engine

from harbour.berths import berth, moor


def build() -> FastAPI:
    sea = create_engine("postgresql://db/x")
    moor(sea)
    return FastAPI()
"""
RUNS = """\
from sqlalchemy import create_engine

from harbour.berths import berth, moor


def {0}():
    moor(create_engine("postgresql://db/x"))
    with berth() as session:
        session.execute("select 1")
"""
USES = """\
from harbour.berths import berth


def {0}():
    with berth() as session:
        session.execute("select 2")
"""
BASE = {
    "harbour/__init__.py": "",
    "harbour/berths.py": BERTHS,
    "harbour/sails.py": USES.format("sails"),
    "harbour/masts.py": USES.format("masts"),
}


@pytest.mark.parametrize(
    ("files", "modules"),
    [
        ({"harbour/main.py": HARBOUR}, ("harbour/berths.py", "harbour/main.py")),
        (
            {"harbour/main.py": HARBOUR, "harbour/night.py": RUNS.format("night")},
            ("harbour/berths.py", "harbour/main.py"),
        ),
        ({"harbour/night.py": RUNS.format("night")}, ("harbour/berths.py", "harbour/night.py")),
        ({f"harbour/{name}.py": RUNS.format(name) for name in ("night", "day")}, ("harbour/berths.py",)),
    ],
    ids=["the application", "beside a command", "the only one", "several commands"],
)
def test_the_file_whose_function_makes_the_engine_of_the_application_is_a_session_module(infer, files, modules):
    assert infer(BASE | files).sessions == (modules, (), ("harbour.berths.berth",))
