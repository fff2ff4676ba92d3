"""A package in a folder that is a package, too, is known by the name that the program imports it by."""

import pytest

from sessionlint.engine import Engine
from sessionlint.facts.lower import lower_module
from sessionlint.facts.packing import pack
from sessionlint.facts.source import parse
from sessionlint.policy import Policy, load_policy
from sessionlint.program.build import module_names

DB = "from sqlalchemy import create_engine\n\n\ndef get_session():\n    return create_engine('sqlite://')\n"
SOURCES = {
    "src/__init__.py": "",
    "src/shop/__init__.py": "",
    "src/shop/db.py": DB,
    "src/shop/routers/__init__.py": "",
    "src/shop/routers/orders.py": "from shop.db import get_session\n",
}


def names_of(files, src=(".",)):
    blobs = {path: pack(lower_module(parse(text.encode(), path).tree, text)) for path, text in files.items()}
    return module_names(blobs, Policy(src=src))


def test_a_package_below_a_source_folder_that_is_a_package_has_both_names():
    names = names_of(SOURCES)
    assert names.path_of("shop.db", "src/shop/routers/orders.py") == "src/shop/db.py"
    assert names.path_of("src.shop.db", "src/shop/routers/orders.py") == "src/shop/db.py"
    assert names.path_of("shop.db", "tests/test_orders.py") == "src/shop/db.py"
    assert names.primary["src/shop/db.py"] == "src.shop.db"
    assert names.is_namespace("shop.routers")


def test_what_nobody_imports_by_its_own_name_has_none():
    names = names_of({**SOURCES, "src/shop/routers/orders.py": "from src.shop.db import get_session\n"})
    assert names.path_of("shop.db") is None
    assert names.path_of("src.shop.db") == "src/shop/db.py"
    assert names_of(SOURCES).path_of("routers.orders") is None


def test_a_single_module_beside_the_application_is_known_by_what_it_binds():
    files = {"src/__init__.py": "", "src/database.py": DB, "src/main.py": "from database import get_session\n"}
    assert names_of(files).path_of("database", "src/main.py") == "src/database.py"
    assert names_of({**files, "src/main.py": "from database import connect\n"}).path_of("database") is None
    assert names_of({**files, "src/main.py": "import database\n"}).path_of("database") is None


@pytest.mark.parametrize(
    "files",
    [
        {"app/pusher.py": "from pusher import Pusher\n", "app/main.py": "from pusher import Pusher\n"},
        {"app/pusher/__init__.py": "import pusher\n", "app/pusher/client.py": "", "app/x.py": "import pusher.client\n"},
        {"app/redis/__init__.py": "", "app/redis/client.py": "", "app/x.py": "from redis.client import Redis\n"},
        {"app/json/__init__.py": "", "app/json/decoder.py": "", "app/x.py": "import json.tool\nimport json.decoder\n"},
        {
            "app/alembic/env.py": "from alembic import context\nfrom alembic.config import Config\n",
            "app/alembic/context.py": "",
        },
    ],
    ids=["module that wraps it", "package that wraps it", "known library", "standard library", "more is not there"],
)
def test_a_library_is_not_taken_for_a_module_of_the_same_name(files):
    library = min(files).split("/")[1].removesuffix(".py")
    names = names_of({"app/__init__.py": "", **files})
    assert (names.path_of(library), names.is_namespace(library)) == (None, False)


def test_two_services_of_one_layout_each_import_their_own_package():
    services = ("billing", "mail")
    names = names_of({f"{service}/{path}": text for service in services for path, text in SOURCES.items()})
    for service in services:
        assert names.path_of("shop.db", f"{service}/src/shop/routers/orders.py") == f"{service}/src/shop/db.py"


def test_a_package_inside_another_is_imported_by_that_one_only():
    files = {"app/__init__.py": "", "desk/main.py": "", **{f"app/{path}": text for path, text in SOURCES.items()}}
    names = names_of(files)
    assert names.path_of("shop.db", "app/src/shop/routers/orders.py") == "app/src/shop/db.py"
    assert names.path_of("shop.db", "desk/main.py") is None


def test_a_namespace_folder_is_known_by_the_root_that_its_packages_lie_under():
    files = {"bricks/north/store/__init__.py": "", "bricks/north/store/db.py": DB, "bricks/north/mail/__init__.py": ""}
    names = names_of(files)
    assert names.path_of("north.store.db", "bricks/north/mail/__init__.py") == "bricks/north/store/db.py"
    assert names.primary["bricks/north/store/db.py"] == "bricks.north.store.db"
    nearer = names_of({**files, "north/store/db.py": DB})
    assert nearer.path_of("north.store.db", "main.py") == "north/store/db.py"


ADAPTERS = {
    "adapters/sqlalchemy/__init__.py": "",
    "adapters/sqlalchemy/db.py": "from sqlalchemy import create_engine\n",
    "main.py": "from sqlalchemy import text\nfrom adapters.sqlalchemy.db import create_engine\n",
}


def test_a_folder_called_like_a_library_does_not_hide_it():
    names = names_of(ADAPTERS)
    assert names.path_of("sqlalchemy", "main.py") is None
    assert names.path_of("sqlalchemy.db", "adapters/sqlalchemy/db.py") is None
    assert names.path_of("adapters.sqlalchemy.db", "main.py") == "adapters/sqlalchemy/db.py"
    without_init = names_of({"adapters/redis/db.py": DB, "main.py": "import redis\n"})
    assert not without_init.is_namespace("redis")
    alone = names_of({"adapters/celery/__init__.py": "", "main.py": "from celery import Celery\n"})
    assert alone.path_of("celery", "main.py") is None


def test_a_module_called_like_a_library_that_imports_find_is_the_projects():
    files = {
        "worker/queue.py": "def put(item):\n    pass\n",
        "worker/run.py": "from queue import put\n",
        "web/a.py": "from queue import Empty\n",
        "web/b.py": "from queue import Queue\n",
    }
    assert names_of(files).path_of("queue", "worker/run.py") == "worker/queue.py"
    own = {"src/flask/__init__.py": "class Flask:\n    pass\n", "tests/test_app.py": "from flask import Flask\n"}
    assert names_of(own).path_of("flask", "tests/test_app.py") == "src/flask/__init__.py"


ENDPOINT = """\
from fastapi import APIRouter, Depends
from shop.db import get_session
router = APIRouter()

@router.get("/")
def read(db=Depends(get_session)):
    db.commit()
"""
SESSION = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")

def get_session():
    with Session(engine) as session:
        yield session
"""
POLICY = '[tool.sessionlint]\nsession-modules = ["src/shop/db.py"]\nsession-dependencies = ["shop.db.get_session"]\n'


GONE = "import sqlalchemy\n\ndef later():\n    import shop.gone\n    import shop.lost\n"


def test_an_edit_of_imports_that_tells_names_of_other_files_has_the_program_solved(tmp_path):
    (tmp_path / "pyproject.toml").write_text(POLICY)
    engine = Engine(tmp_path, load_policy(tmp_path))
    orders = "src/shop/routers/orders.py"
    files = {**SOURCES, "src/shop/db.py": SESSION, orders: ENDPOINT, "src/shop/later.py": GONE}
    before = {path: text.encode() for path, text in files.items()}
    after = {**before, "src/shop/later.py": b"import sqlalchemy\n\ndef later():\n    pass\n"}
    assert _commits(engine.solve(before)) == []
    program = engine.solve(after, edit=True)
    assert (program.changed, _commits(program)) == (None, [orders])
    assert _commits(engine.solve(before, edit=True)) == []


def _commits(program):
    return [e.path for e in program.events("txn") if e.name == "commit" and program.sessions(e.subject)]
