"""What functions do decides which layer their folder is."""

from __future__ import annotations

import pytest

from sessionlint.infer.inference import layer_note
from sessionlint.infer.votes import Vote
from sessionlint.policy import Policy
from sessionlint.policy_file import read_policy
from sessionlint.policy_text import render

DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(bind=create_engine("postgresql://db/app"))


def get_db():
    with SessionLocal() as db:
        yield db
"""
ROUTER = """\
from fastapi import APIRouter, Depends

from app.db import get_db

router = APIRouter()


@router.get("/")
def read(db=Depends(get_db)):
    return db.execute("select 1")
"""
SERVICE = """\
from sqlalchemy.orm import Session


def read(session: Session):
    return session.execute("select 1")
"""
MODEL = """\
from sqlalchemy.orm import DeclarativeBase, Mapped


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int]
"""
TASK = """\
from app.db import SessionLocal
from app.queue import celery


@celery.task
def sweep():
    with SessionLocal() as session:
        session.execute("select 1")
"""
TOKENS = """\
import jwt
from sqlalchemy.orm import Session


def user_of(token):
    return jwt.decode(token, "key", algorithms=["HS256"])


def grants(session: Session):
    return session.execute("select 1")
"""
MAIN = "from fastapi import FastAPI\n\napp = FastAPI()\n"
BASE = {"app/__init__.py": "", "app/db.py": DB, "app/main.py": MAIN}


def test_folders_become_layers_by_what_most_of_their_files_do(infer):
    result = infer(
        BASE
        | {f"app/api/v1/endpoints/{name}.py": ROUTER for name in ("items", "users")}
        | {"app/logic/items.py": SERVICE, "app/logic/users.py": SERVICE}
        | {"app/models/item.py": MODEL, "app/tasks/sweep.py": TASK, "app/security/tokens.py": TOKENS}
    )
    assert result.layers == {
        "router": ("app/api/v1/endpoints/**",),
        "service": ("app/logic/**",),
        "background": ("app/tasks/**",),
        "auth": ("app/security/**",),
        "model": ("app/models/**",),
    }
    assert [note for note in result.notes if " layer " in note] == [
        "router layer app/api/v1/endpoints/**: 2 files there hold 2 endpoints.",
        "service layer app/logic/**: 2 files there hold 2 functions that take a session.",
        "background layer app/tasks/**: 1 file there holds 1 function that runs in the background.",
        "auth layer app/security/**: 1 file there holds 1 place that handles credentials.",
        "model layer app/models/**: 1 file there holds 1 table.",
    ]


def test_file_names_that_recur_become_layers_in_a_project_of_packages(infer):
    result = infer(
        BASE
        | {
            f"app/{domain}/{name}.py": text
            for domain in ("items", "users", "orders")
            for name, text in (("views", ROUTER), ("service", SERVICE), ("models", MODEL), ("tasks", TASK))
        }
    )
    assert result.layers == {
        "router": ("app/**/views.py",),
        "service": ("app/**/service.py",),
        "background": ("app/**/tasks.py",),
        "model": ("app/**/models.py",),
    }
    assert result.policy.layer_of("app/users/views.py") == "router"


def test_files_beside_the_application_are_named_one_by_one(infer):
    result = infer(
        BASE | {"app/crud.py": SERVICE, "app/models.py": MODEL, "app/api.py": ROUTER, "app/queries.py": SERVICE}
    )
    assert result.layers == {
        "router": ("app/api.py",),
        "service": ("app/crud.py", "app/queries.py"),
        "model": ("app/models.py",),
    }
    assert result.policy.layer_of("app/main.py") is None


def test_a_folder_called_services_is_one_though_its_functions_take_no_session(infer):
    opens = "from app.db import SessionLocal\n\n\nclass Items:\n    def read(self):\n        return SessionLocal()\n"
    result = infer(BASE | {"app/services/items.py": opens, "app/routers/items.py": ROUTER})
    assert result.layers == {"router": ("app/routers/**",), "service": ("app/services/**",)}


WORKS = "from app.db import open_unit\n\n\nclass Press:\n    def turn(self):\n        return open_unit()\n"


def test_a_folder_of_applications_is_no_layer_whatever_it_is_called(infer):
    files = {"app/__init__.py": "", "app/db.py": BASE["app/db.py"], "app/crud/words.py": WORKS}
    files |= {"services/desk/main.py": MAIN, "services/press/work.py": WORKS, "services/press/crud/two.py": WORKS}
    assert infer(files).layers == {"service": ("app/crud/**", "services/press/crud/**")}


def test_an_application_inside_of_one_does_not_turn_the_layer_around_it(infer):
    files = {"app/db.py": BASE["app/db.py"], "app/main.py": MAIN, "app/services/press.py": WORKS}
    assert infer(files | {"app/services/admin/main.py": MAIN}).layers == {"service": ("app/services/press.py",)}


def test_one_file_of_another_kind_does_not_turn_a_folder(infer):
    result = infer(
        BASE
        | {f"app/logic/{name}.py": SERVICE for name in "abcd"}
        | {"app/logic/e.py": MODEL, "app/logic/f.py": TOKENS}
    )
    assert result.layers == {
        "service": ("app/logic/**",), "auth": ("app/logic/f.py",), "model": ("app/logic/e.py",),
    }  # fmt: skip
    assert [result.policy.layer_of(f"app/logic/{name}.py") for name in "aef"] == ["service", "model", "auth"]


def test_data_access_in_a_folder_of_endpoints_is_named_by_itself(infer):
    result = infer(
        BASE
        | {f"app/orders/{name}.py": ROUTER for name in ("router", "router_lines", "router_prices")}
        | {"app/orders/db/api.py": SERVICE}
    )
    assert result.layers == {"router": ("app/orders/**",), "service": ("app/orders/db/api.py",)}


def test_functions_that_take_a_session_are_at_home_in_folders_of_models_authentication_and_tasks(infer):
    result = infer(
        BASE
        | {"app/models/item.py": MODEL, "app/models/user.py": MODEL, "app/models/queries.py": SERVICE}
        | {"app/security/tokens.py": TOKENS, "app/security/rights.py": SERVICE}
        | {"app/tasks/sweep.py": TASK, "app/tasks/steps.py": SERVICE}
    )
    assert result.layers == {
        "background": ("app/tasks/**",), "model": ("app/models/**",), "auth": ("app/security/**",),
    }  # fmt: skip


def test_what_lies_below_a_folder_of_authentication_belongs_to_it_unless_it_holds_data_access(infer):
    def providers(folder):
        files = {f"app/security/{folder}/{name}.py": SERVICE for name in ("ldap", "local", "remote")}
        return files | {f"app/security/{folder}/base.py": TOKENS}

    files = BASE | {"app/security/tokens.py": TOKENS}
    assert infer(files | providers("providers")).layers == {"auth": ("app/security/**",)}
    without_credentials = {path: source for path, source in providers("people").items() if source is SERVICE}
    others = infer(files | providers("repositories") | without_credentials)
    assert others.layers["service"] == ("app/security/people/**", "app/security/repositories/**")


COMMAND = """\
import typer

from app.db import SessionLocal

app = typer.Typer()


def add(session, name):
    session.execute("insert", name)


@app.command()
def create(name: str):
    with SessionLocal() as session:
        add(session, name)
"""


def test_a_file_of_commands_and_what_they_alone_call_is_no_service(infer):
    result = infer(BASE | {"app/cli/users.py": COMMAND, "app/cli/items.py": COMMAND, "app/logic/a.py": SERVICE})
    assert result.layers == {"service": ("app/logic/a.py",)}


def test_one_decoded_token_does_not_turn_a_service_into_an_auth_file(infer):
    decodes = SERVICE + "\n\ndef sneak(token):\n    import jwt\n\n    return jwt.decode(token, 'key')\n"
    more = "".join(f"\n\ndef read_{n}(session: Session):\n    return session.get(int, {n})\n" for n in range(2))
    result = infer(BASE | {"app/services/a.py": SERVICE, "app/services/b.py": decodes + more})
    assert result.layers == {"service": ("app/services/**",)}
    named = infer(BASE | {"app/services/a.py": SERVICE, "app/services/user_auth.py": decodes + more})
    assert named.layers == {"service": ("app/services/**",), "auth": ("app/services/user_auth.py",)}


def test_a_function_that_is_started_once_does_not_make_its_file_a_background_file(infer):
    mixed = ("import asyncio\n\nfrom sqlalchemy.orm import Session\n\n\nasync def log():\n    pass\n\n\n"
"async def read(session: Session):\n    asyncio.create_task(log())\n"
"    return session.execute('select 1')\n\n\ndef write(session: Session):\n"
"    session.execute('select 1')\n")  # fmt: skip
    assert infer(BASE | {"app/stream.py": mixed}).layers == {"service": ("app/stream.py",)}


def test_a_file_named_a_service_stays_one_when_one_of_its_functions_is_started_and_one_is_called(infer):
    moor = (
        "from app.db import SessionLocal\n\n\n"
        "def moor(key):\n    with SessionLocal() as db:\n        db.get(int, key)\n"
    )
    count = moor.partition("\n\n\n")[2].replace("moor(key)", "count()").replace("key", "1")
    router = (
        "from fastapi import APIRouter, BackgroundTasks\n\nfrom app.services import boats\n\nrouter = APIRouter()\n\n\n"
        "@router.get('/boats')\ndef boat(tasks: BackgroundTasks):\n    tasks.add_task(boats.moor, 1)\n"
    )
    asked = router + "    return boats.count()\n"
    files = BASE | {"app/api/boats.py": asked, "app/services/boats.py": f"{moor}\n\n{count}"}
    assert infer(files).layers["service"] == ("app/services/**",)
    alone = infer(BASE | {"app/api/boats.py": router, "app/services/boats.py": moor})
    assert alone.layers["background"] == ("app/services/boats.py",)


def test_what_workers_call_in_a_folder_of_background_work_belongs_to_it(infer):
    worker = ("from abc import ABC, abstractmethod\n\n\nclass Worker(ABC):\n    async def start(self):\n"
"        await self.process()\n\n    @abstractmethod\n    async def process(self): ...\n")  # fmt: skip
    volumes = ("from app.background.base import Worker\nfrom app.background.steps import first\n"
"from app.jobs.work import plan\n\n\nclass Volumes(Worker):\n    async def process(self):\n"
"        await first(None)\n        await plan(None)\n")  # fmt: skip
    service = "from sqlalchemy.orm import Session\n\n\nasync def {}(db: Session):\n    return db.execute('select 1')\n"
    start = ("import asyncio\n\nfrom app.background.base import Worker\n\n\ndef start(workers: list[Worker]):\n"
"    return [asyncio.create_task(w.start()) for w in workers]\n")  # fmt: skip
    result = infer(
        BASE
        | {"app/background/base.py": worker, "app/background/volumes.py": volumes, "app/start.py": start}
        | {"app/background/steps.py": service.format("first"), "app/jobs/work.py": service.format("plan")}
    )
    assert result.layers == {"background": ("app/background/**",), "service": ("app/jobs/work.py",)}


def test_migrations_in_an_unusual_folder_are_found_by_what_they_import(infer):
    environment = (
        "from alembic import context\nfrom sqlalchemy import engine_from_config\n\nengine = engine_from_config({})\n"
    )
    revision = "from alembic import op\n\n\ndef upgrade():\n    op.execute('select 1')\n"
    result = infer(
        BASE
        | {"app/database/revisions/env.py": environment, "app/api/items.py": ROUTER}
        | {f"app/database/revisions/versions/{number}.py": revision for number in range(2)}
    )
    assert result.layers["migration"] == ("app/database/revisions/**",)
    assert result.policy.layer_of("app/database/revisions/versions/1.py") == "migration"


GATE = DB + "\n\ndef add_index(name):\n    op.execute(name)\n"
GATE = "from alembic import op\n" + GATE.replace("SessionLocal =", "engine = create_engine('x')\nSessionLocal =")
ENVIRONMENT = "from alembic import context\nfrom sqlalchemy import create_engine\n\nengine = create_engine('x')\n"


def test_a_helper_for_migrations_does_not_turn_the_file_that_requests_get_their_session_from(infer):
    files = {"app/main.py": MAIN, "app/api/items.py": ROUTER.replace("app.db", "app.store.gate")}
    result = infer(files | {"app/store/gate.py": GATE, "app/store/versions/one.py": REVISION.format("first_rows")})
    assert (result.policy.layer_of("app/store/gate.py"), result.policy.layer_of("app/store/versions/one.py")) == (
        None, "migration",
    )  # fmt: skip
    assert result.sessions == (("app/store/gate.py",), ("app.store.gate.get_db",), ())


def test_an_engine_that_the_application_takes_is_no_migration_s_and_one_that_only_its_own_file_uses_is(infer):
    user = (
        "from app.store.gate import engine\n\n\ndef read():\n    with engine.connect() as c:\n        c.execute('x')\n"
    )
    files = BASE | {"app/api/items.py": ROUTER, "app/store/gate.py": ENVIRONMENT}
    assert infer(files).policy.layer_of("app/store/gate.py") == "migration"
    assert infer(files | {"app/reads.py": user}).policy.layer_of("app/store/gate.py") is None


def test_an_environment_of_migrations_does_not_turn_what_the_application_imports_from_beside_it(infer):
    router = "from app.store.items import read\n" + ROUTER
    files = BASE | {"app/api/items.py": router, "app/store/env.py": ENVIRONMENT, "app/store/items.py": SERVICE}
    policy = infer(files).policy
    assert (policy.layer_of("app/store/env.py"), policy.layer_of("app/store/items.py")) == ("migration", "service")


def test_what_an_environment_of_migrations_has_beside_it_belongs_to_them_when_nobody_imports_it(infer):
    result = infer(BASE | {"app/store/env.py": ENVIRONMENT, "app/store/then.py": MODEL})
    assert result.layers["migration"] == ("app/store/**",)


ROWS = "from sqlalchemy.orm import Session\n\n\ndef fill(session: Session):\n    session.execute('insert')\n"
REVISION = "from alembic import op\nfrom app.{} import fill\n\n\ndef upgrade():\n    fill(op.get_bind())\n"


@pytest.mark.parametrize("folder", ["alembic/versions", "app/database/revisions"], ids=["usual folder", "own folder"])
def test_what_only_migrations_import_is_part_of_them(infer, folder):
    result = infer(
        BASE
        | {f"{folder}/one.py": REVISION.format("first_rows"), f"{folder}/two.py": REVISION.format("crud.shared")}
        | {"app/first_rows.py": "from app.rows import fill\n" + ROWS, "app/rows.py": ROWS}
        | {"app/crud/shared.py": ROWS, "app/api/items.py": "from app.crud.shared import fill\n" + ROUTER}
    )
    assert [result.policy.layer_of(f"app/{name}.py") for name in ("first_rows", "rows", "crud/shared", "main")] == [
        "migration", "migration", "service", None,
    ]  # fmt: skip
    assert result.policy.layer_of(f"{folder}/one.py") == "migration"


HELPERS = {
    "app/settings.py": "import os\n\nURL = os.environ['DATABASE_URL']\nPOOL_SIZE = 5\nTABLES = 'sqlalchemy.Table'\n",
    "app/storage/__init__.py": "from sqlalchemy import MetaData\n\nmetadata = MetaData()\n",
    "app/storage/rows.py": ROWS,
    "app/keys.py": "from sqlalchemy import text\n\n\ndef made():\n    return text('select 1')\n",
}


def test_settings_and_tools_that_migrations_import_are_no_migrations_themselves(infer):
    environment = (
        "from alembic import context\nfrom app import keys, settings\nfrom app.storage import metadata\n\n"
        "context.configure(url=settings.URL, target_metadata=metadata)\n"
    )
    policy = infer(BASE | HELPERS | {"alembic/env.py": environment}).policy
    assert [policy.layer_of(path) for path in HELPERS] == [None, None, "service", None]


def test_a_file_of_a_package_that_others_import_is_not_for_migrations_alone(infer):
    revision = "from alembic import op\nfrom app.storage import fill\n\n\ndef upgrade():\n    fill(op.get_bind())\n"
    files = BASE | {"alembic/versions/one.py": revision, "app/storage/__init__.py": ROWS}
    assert infer(files).policy.layer_of("app/storage/__init__.py") == "migration"
    more = {"app/storage/words.py": "WORDS = []\n", "app/jobs.py": "from app.storage.words import WORDS\n"}
    assert infer(files | more).policy.layer_of("app/storage/__init__.py") != "migration"


def test_what_an_environment_of_migrations_imports_stays_part_of_the_application(infer):
    environment = "from alembic import context\nfrom app import db, main, models\nfrom app.api import items\n"
    routers = {"app/api/items.py": ROUTER, "app/api/users.py": ROUTER}
    result = infer(BASE | routers | {"alembic/env.py": environment, "app/models.py": MODEL})
    assert result.layers == {"router": ("app/api/**",), "model": ("app/models.py",)}
    assert result.policy.session_modules == ("app/db.py",)


def test_fixtures_and_what_lies_beside_them_are_tests_when_only_tests_import_them(infer):
    fixtures = ("import pytest\n\nfrom app.testing.rows import fill\n\n\n@pytest.fixture\ndef filled(session):\n"
"    fill(session)\n")  # fmt: skip
    rows = "from sqlalchemy.orm import Session\n\n\ndef fill(session: Session):\n    session.commit()\n"
    files = BASE | {"app/testing/fixtures.py": fixtures, "app/testing/rows.py": rows}
    files |= {
        "tests/test_items.py": "from app.testing.rows import fill\n\n\ndef test_items(session):\n    fill(session)\n"
    }
    assert infer(files).policy.layers["test"][-1] == "app/testing/**"
    used = files | {"app/seeding.py": "from app.testing.rows import fill\n\n\ndef seed(session):\n    fill(session)\n"}
    policy = infer(used).policy
    assert (policy.layer_of("app/testing/fixtures.py"), policy.layer_of("app/testing/rows.py")) == ("test", "service")


def test_registered_tasks_beside_a_file_of_fixtures_are_no_tests(infer):
    fixtures = "import pytest\n\n\n@pytest.fixture\ndef filled():\n    return []\n"
    task = "from celery import shared_task\n\nfrom app.db import SessionLocal\n\n\n@shared_task\ndef fill():\n"
    task += "    with SessionLocal() as session:\n        session.commit()\n"
    policy = infer(BASE | {"app/filling/fixtures.py": fixtures, "app/filling/rows.py": task}).policy
    assert policy.layer_of("app/filling/rows.py") == "background"


def test_a_folder_named_like_something_aside_belongs_to_the_application_that_imports_it(infer):
    router = "from fastapi import APIRouter\n\nrouter = APIRouter()\n\n\n@router.get('/')\ndef read():\n    pass\n"
    main = "from fastapi import FastAPI\nfrom app.api.notebooks import views\napp = FastAPI()\n"
    main += "app.include_router(views.router)\n"
    files = BASE | {"app/api/notebooks/views.py": router, "notebooks/views.py": router, "app/start.py": main}
    policy = infer(files).policy
    assert policy.layer_of("app/api/notebooks/views.py") == "router"
    assert policy.layer_of("notebooks/views.py") is None


def test_the_usual_folders_of_tests_and_migrations_need_no_word(infer):
    result = infer(BASE | {"tests/test_items.py": SERVICE, "alembic/env.py": "from alembic import context\n"})
    assert result.layers == {}
    assert (result.policy.layer_of("tests/test_items.py"), result.policy.layer_of("alembic/env.py")) == (
        "test",
        "migration",
    )


def test_the_written_policy_is_the_inferred_one_and_says_why(infer, tmp_path):
    inferred = infer(BASE | {"app/routers/items.py": ROUTER, "app/services/items.py": SERVICE})
    path = tmp_path / "sessionlint.toml"
    text = render(inferred.policy, inferred.notes)
    path.write_text(text)
    lines = text.splitlines()
    assert lines[lines.index('session-modules = ["app/db.py"]') - 1].startswith("# session module app/db.py: ")
    router = next(number for number, line in enumerate(lines) if line.startswith("router = "))
    assert lines[router - 1] == "# router layer app/routers/**: 1 file there holds 1 endpoint."
    written = read_policy(path)
    assert (written.session_modules, written.session_dependencies, written.session_contexts) == inferred.sessions
    assert dict(written.layers) == dict(inferred.policy.layers)


SWEEPING = """\
from app.db import SessionLocal


def remove(session, day):
    session.execute("delete from readings where day < :day", {"day": day})


def count(session):
    return session.execute("select count(*) from readings")


def sweep_readings(day):
    with SessionLocal() as session:
        remove(session, day)
        count(session)
"""


@pytest.mark.parametrize("path", ["app/workers/readings.py", "app/jobs.py", "app/consumers/readings.py"])
def test_a_job_that_something_outside_runs_makes_its_place_one_of_background_work(infer, path):
    result = infer(BASE | {path: SWEEPING, "app/api/items.py": ROUTER})
    assert result.policy.layer_of(path) == "background"


def test_a_file_about_tasks_whose_functions_requests_call_stays_a_service(infer):
    called = ROUTER + "\n\n@router.post('/')\ndef tidy():\n    sweep_readings(1)\n"
    called = "from app.tasks.readings import sweep_readings\n" + called
    result = infer(BASE | {"app/tasks/readings.py": SWEEPING, "app/api/items.py": called})
    assert result.policy.layer_of("app/tasks/readings.py") == "service"
    beside = infer(BASE | {"app/tasks/readings.py": SWEEPING, "app/tasks/api.py": ROUTER})
    assert beside.policy.layer_of("app/tasks/readings.py") == "service"


RUN_IN = """\
from app.db import SessionLocal


def run_in(function, *args):
    with SessionLocal() as session:
        return function(session, *args)


def given(function):
    def inner(*args):
        with SessionLocal() as session:
            return function(session, *args)

    return inner
"""
NIGHTLY = """\
from app.runs import run_in


def remove(session, day):
    session.execute("delete from readings where day < :day", {"day": day})


def nightly(day):
    run_in(remove, day)
"""
DECORATED = """\
from app.runs import given


@given
def nightly(session, day):
    session.execute("delete from readings where day < :day", {"day": day})
"""
UNCALLED = SERVICE.replace("def read(session: Session)", "def nightly(session: Session, day)")
ASKED = """\
from app.tasks.readings import nightly


@router.post("/night")
def night(db=Depends(get_db)):
    nightly(db, 1)
"""


@pytest.mark.parametrize(
    ("text", "layer"),
    [(NIGHTLY, "background"), (DECORATED, "background"), (UNCALLED, None)],
    ids=["opened by what it calls", "handed in by a decorator", "taken from nobody in sight"],
)
def test_the_name_of_background_work_weighs_more_than_functions_that_take_a_session_from_nobody(infer, text, layer):
    files = BASE | {"app/runs.py": RUN_IN, "app/api/items.py": ROUTER, "app/tasks/readings.py": text}
    assert infer(files).policy.layer_of("app/tasks/readings.py") == layer
    elsewhere = BASE | {"app/runs.py": RUN_IN, "app/api/items.py": ROUTER, "app/shore/readings.py": text}
    assert infer(elsewhere).policy.layer_of("app/shore/readings.py") == "service"
    served = files | {"app/tasks/api.py": ROUTER}
    assert infer(served).policy.layer_of("app/tasks/readings.py") == "service"
    if text is UNCALLED:
        asked = files | {"app/api/items.py": ROUTER + ASKED}
        assert infer(asked).policy.layer_of("app/tasks/readings.py") == "service"


TIDES = """\
from app.db import SessionLocal


def reading(session, day):
    return session.execute("select 1", {"day": day})


def keep(session, level):
    session.execute("insert", {"level": level})


def record(level):
    with SessionLocal() as session:
        keep(session, level)
"""
LISTENER = """\
from broker import Stream

from app.shore.tides import record


def listen():
    for level in Stream("tides"):
        record(level)


if __name__ == "__main__":
    listen()
"""
READS = ROUTER.replace('db.execute("select 1")', "reading(db, 1)")
READS = "from app.shore.tides import reading\n" + READS


def test_a_file_whose_sessions_only_the_script_of_a_worker_opens_is_one_of_background_work(infer):
    files = BASE | {"app/shore/tides.py": TIDES, "app/shore/listener.py": LISTENER, "app/api/tides.py": READS}
    files |= {"app/shore/boats.py": SERVICE, "app/shore/crews.py": SERVICE}
    result = infer(files)
    assert result.layers == {
        "router": ("app/api/**",), "service": ("app/shore/**",), "background": ("app/shore/tides.py",),
    }  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {
            "app/api/levels.py": "from app.shore.tides import record\n"
            + ROUTER
            + "\n\n@router.post('/')\ndef add():\n    record(1)\n"
        },
        {"app/deps.py": "from app.shore.tides import record\n\n\ndef passed_by():\n    record(1)\n"},
        {
            "app/shore/tides.py": TIDES
            + "\n\ndef latest():\n    with SessionLocal() as session:\n        return reading(session, 1)\n"
        },
        {"app/shore/listener.py": LISTENER.partition("\n\nif ")[0]},
    ],
    ids=["an endpoint calls it, too", "who calls it is not known", "another opens one", "nobody runs the worker"],
)
def test_a_file_whose_sessions_requests_may_open_stays_a_service(infer, more):
    files = BASE | {"app/shore/tides.py": TIDES, "app/shore/listener.py": LISTENER, "app/api/tides.py": READS}
    assert infer(files | more).policy.layer_of("app/shore/tides.py") == "service"


FILLS = """\
import asyncio

from sqlalchemy.orm import Session

from app.db import SessionLocal


def keep(session: Session, level):
    session.execute("select 1")


async def fill():
    with SessionLocal() as session:
        keep(session, 1)
{0}

def main():
    asyncio.run(fill())
"""


@pytest.mark.parametrize(
    ("file", "more", "layer"),
    [
        ("", "", None),
        ("\n\nasync def others():\n    await fill()\n", "", "service"),
        ("", "\n\n@router.post('/')\ndef again():\n    main()\n", "service"),
    ],
    ids=["nobody else", "a function that others may call", "an endpoint runs it, too"],
)
def test_what_is_run_in_a_loop_of_its_own_makes_no_service_of_its_file(infer, file, more, layer):
    api = "from app.shore.fills import main\n" + ROUTER if more else ROUTER
    files = BASE | {"app/shore/fills.py": FILLS.format(file), "app/api/tides.py": api + more}
    assert infer(files).policy.layer_of("app/shore/fills.py") == layer


def test_a_file_called_a_service_stays_one_though_only_a_worker_opens_its_sessions(infer):
    listener = LISTENER.replace("app.shore", "app.services")
    files = BASE | {"app/services/tides.py": TIDES, "app/listener.py": listener}
    assert infer(files).policy.layer_of("app/services/tides.py") == "service"


BOT = (
    "from aiogram import Router\nfrom sqlalchemy.orm import Session\n\nrouter = Router()\n\n\n"
    "{}async def answer(message, session: Session):\n    session.execute('select 1')\n"
)


@pytest.mark.parametrize(
    ("decorator", "layer"), [("@router.message()\n", None), ("", "service")], ids=["a handler", "called by somebody"]
)
def test_what_a_dispatcher_of_messages_calls_is_no_service_though_it_takes_a_session(infer, decorator, layer):
    assert infer(BASE | {"app/talk/answers.py": BOT.format(decorator)}).policy.layer_of("app/talk/answers.py") == layer


SERVED = (
    "from litestar import post\nfrom sqlalchemy.orm import Session\n\n\n{}\n"
    "def add(db: Session) -> None:\n    db.execute('select 1')\n"
)


@pytest.mark.parametrize(
    ("decorator", "layer"), [("@post('/x')", "router"), ("", "service")], ids=["a handler", "called by somebody"]
)
def test_what_litestar_calls_is_an_endpoint(infer, decorator, layer):
    assert infer(BASE | {"app/shelves/items.py": SERVED.format(decorator)}).policy.layer_of("app/shelves/items.py") == (
        layer
    )


def test_a_layer_whose_files_are_another_layers_by_the_policy_is_not_counted_as_none(tmp_path):
    policy = Policy(root=tmp_path, layers={"auth": ("app/auth/**",), "router": ("app/auth/login.py",)})
    note = layer_note("auth", ("app/auth/**",), {}, policy)
    assert note == "auth layer app/auth/**: the name says so, nothing that was read there does."


def test_a_layer_of_which_only_the_name_is_known_is_told_with_its_article(tmp_path):
    policy = Policy(root=tmp_path, layers={"auth": ("app/auth/**",)})
    votes = {"app/auth/codes.py": Vote("app/auth/codes.py", "auth", 0)}
    note = layer_note("auth", ("app/auth/**",), votes, policy)
    assert note == "auth layer app/auth/**: 1 file there holds nothing but the name of an auth layer."


HELPER = """\
from sqlalchemy import create_engine


def fill():
    with create_engine("postgresql://db/app").connect() as connection:
        connection.execute("insert into berths default values")
"""


def test_what_lies_beside_tests_in_a_folder_named_after_a_kind_of_tests_serves_them(infer):
    files = {
        "app/db.py": DB,
        "app/api.py": ROUTER,
        "harbour_tests/test_berths.py": "from harbour_tests.steps.filling import fill\n",
        "harbour_tests/steps/filling.py": HELPER,
    }
    assert infer(files).layers["test"] == ("test_*.py", "harbour_tests/**")


@pytest.mark.parametrize(
    "files",
    [
        {"harbour_tests/filling.py": HELPER, "app/more.py": "from harbour_tests.filling import fill\n"},
        {"harbour_tests/filling.py": HELPER + '\n\nif __name__ == "__main__":\n    fill()\n'},
        {
            "harbour_tests/filling.py": HELPER,
            "harbour_tests/main.py": "from fastapi import FastAPI\n\nfrom harbour_tests.filling import fill\n\n"
            "app = FastAPI()\n\n\n@app.get('/')\ndef read():\n    fill()\n",
        },
        {"tests_of_sailors/unused.py": HELPER},
    ],
    ids=["the application imports it", "a script", "an application", "no tests there"],
)
def test_a_program_in_a_folder_named_after_tests_is_none(infer, files):
    given = {"app/db.py": DB, "app/api.py": ROUTER, "harbour_tests/test_berths.py": "import pytest\n", **files}
    assert not any("tests" in pattern for pattern in infer(given).layers.get("test", ()))


FERRY = """\
from aiogram import Dispatcher

from app.db import SessionLocal


def count(session):
    return session.execute("select 1")


def sail(message):
    with SessionLocal() as session:
        count(session)


def dock(message):
    with SessionLocal() as session:
        session.execute("select 2")


def made():
    dispatcher = Dispatcher()

    async def on_sail(message):
        sail(message)

    async def on_dock(message):
        dock(message)

    dispatcher.message.register(on_sail)
    dispatcher.message.register(on_dock)
    return dispatcher
"""


@pytest.mark.parametrize(
    "files",
    [{"app/api.py": ROUTER, "app/ferry.py": FERRY}, {"app/ferry.py": FERRY.partition("def made")[0]}],
    ids=["beside endpoints", "no endpoint anywhere"],
)
def test_a_helper_that_takes_a_session_makes_no_service_layer_of_handlers(infer, files):
    assert "service" not in infer({"app/db.py": DB, **files}).layers


def test_a_file_in_which_requests_have_sessions_opened_is_of_the_service_layer(infer):
    router = ROUTER.replace('return db.execute("select 1")', "return sail(1), dock(2)")
    router = router.replace("from app.db", "from app.ferry import dock, sail\nfrom app.db")
    files = {"app/db.py": DB, "app/api.py": router, "app/ferry.py": FERRY.partition("def made")[0]}
    assert infer(files).layers["service"] == ("app/ferry.py",)


def test_a_file_named_after_services_is_one_whatever_opens_sessions_there(infer):
    files = {"app/db.py": DB, "app/api.py": ROUTER, "app/services/ferry.py": FERRY}
    assert infer(files).layers["service"] == ("app/services/**",)


DECODES = """\
import jwt


def told(token):
    return jwt.decode(token, "key", algorithms=["HS256"])
"""


@pytest.mark.parametrize(
    ("path", "source", "layer"),
    [
        ("app/services/vouchers.py", f"{DECODES}\n\n{SERVICE}", "service"),
        ("app/services/vouchers.py", DECODES, "auth"),
        ("app/services/auth.py", f"{DECODES}\n\n{SERVICE}", "auth"),
        ("app/vouchers.py", f"{DECODES}\n\n{SERVICE}", "auth"),
    ],
    ids=["takes a session", "takes none", "named after authentication", "in no place of services"],
)
def test_a_service_that_decodes_a_token_and_takes_a_session_stays_one(infer, path, source, layer):
    files = {"app/db.py": DB, "app/api.py": ROUTER, "app/services/items.py": SERVICE, path: source}
    assert infer(files).policy.layer_of(path) == layer


ASKING = """\
import asyncio


async def ask(bird):
    return await bird.weight()


async def heaviest(birds):
    asked = [asyncio.create_task(ask(bird)) for bird in birds]
    return max(await asyncio.gather(*asked))
"""


def test_tasks_whose_results_their_starter_takes_make_no_background_file(infer):
    result = infer({"app/db.py": DB, "app/router.py": ROUTER, "app/birds.py": ASKING})
    assert "background" not in result.layers
    left = ASKING.replace("return max(await asyncio.gather(*asked))", "await asyncio.gather(*asked)")
    result = infer({"app/db.py": DB, "app/router.py": ROUTER, "app/birds.py": left})
    assert result.layers["background"] == ("app/birds.py",)


def test_middleware_and_its_helpers_make_no_service_of_their_file(infer):
    door = """\
from starlette.middleware.base import BaseHTTPMiddleware

from app.db import SessionLocal


class Door(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        with SessionLocal() as session:
            known(session)
        return await call_next(request)


def known(session: Session):
    return session.execute("select 1")
"""
    main = """\
from fastapi import FastAPI

from app.doors.door import Door
from app.routes.items import router

app = FastAPI()
app.include_router(router)
app.add_middleware(Door)
"""
    files = {
        "app/db.py": DB,
        "app/routes/items.py": ROUTER,
        "app/doors/door.py": "from sqlalchemy.orm import Session\n" + door,
        "app/main.py": main,
    }
    assert "service" not in infer(files).layers
    files["app/doors/reads.py"] = SERVICE
    assert "service" in infer(files).layers


TOOLS = """\
from fastmcp import FastMCP
from sqlalchemy.orm import Session

from app.db import SessionLocal


def count(session):
    return session.execute("select 1")


def made():
    server = FastMCP("ferry")

    @server.tool
    def sail():
        with SessionLocal() as session:
            return count(session)

    @server.resource("ferry://docks")
    def dock():
        with SessionLocal() as session:
            return count(session)

    return server
"""
WEIGHS = """

def weigh(session: Session):
    return session.execute("select 2")


def load(session: Session):
    return count(session), weigh(session)


def unload(session: Session):
    return load(session)
"""


@pytest.mark.parametrize(
    ("more", "layers"),
    [("", []), (WEIGHS, ["app/ferry.py"])],
    ids=["a helper", "most take one"],
)
def test_tools_for_models_that_a_function_defines_make_its_file_no_service(infer, more, layers):
    inferred = infer({"app/db.py": DB, "app/api.py": ROUTER, "app/ferry.py": TOOLS + more})
    assert list(inferred.layers.get("service", ())) == layers


STARTING = """\
import asyncio

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Buoy(Base):
    __tablename__ = "buoys"
    id: Mapped[int] = mapped_column(primary_key=True)


async def ring(key):
    await asyncio.sleep(key)


def sink(key):
    async def toll():
        await asyncio.sleep(key)

    return asyncio.get_running_loop().create_task({})
"""


@pytest.mark.parametrize(("started", "layer"), [("toll()", "model"), ("ring(key)", "background")])
def test_work_that_a_function_starts_of_what_it_defines_makes_its_file_no_background(infer, started, layer):
    inferred = infer({"app/db.py": DB, "app/api.py": ROUTER, "app/buoys.py": STARTING.format(started)})
    assert inferred.layers.get(layer) == ("app/buoys.py",)


def test_views_of_flask_are_a_router_layer(infer):
    views = (
        "from flask import Blueprint\n\nfrom boats.ext import db\n\nbp = Blueprint('b', __name__)\n\n\n"
        "@bp.route('/a')\ndef one():\n    return db.session.get(str, 1)\n\n\n"
        "@bp.post('/b')\ndef two():\n    return db.session.get(str, 2)\n"
    )
    ext = "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n"
    result = infer({"boats/__init__.py": "", "boats/ext.py": ext, "boats/views.py": views})
    assert dict(result.policy.layers)["router"] == ("boats/views.py",)


WORK = """\
from app.db import in_transaction


def add(session, name):
    session.execute("insert into items values (1)")


def remove(session, name):
    session.execute("delete from items")


def work(name):
    in_transaction(add, name)
    in_transaction(remove, name)
"""
IN_TRANSACTION = """

def in_transaction(do, *args):
    with SessionLocal() as session, session.begin():
        do(session, *args)
"""


@pytest.mark.parametrize(
    ("more", "layer"),
    [({}, "background"), ({"app/tasks/api.py": ROUTER}, "service")],
    ids=["a folder of background work", "a folder about tasks, with endpoints"],
)
def test_what_the_steps_of_a_job_take_makes_its_file_no_service(infer, more, layer):
    files = {
        "app/db.py": DB + IN_TRANSACTION,
        "app/api.py": ROUTER,
        "app/tasks/work.py": WORK,
        "app/names/given.py": "from app.db import in_transaction\nfrom app.tasks.work import add\n\n\n"
        "def given(name):\n    in_transaction(add, name)\n",
        **more,
    }
    assert infer(files).policy.layer_of("app/tasks/work.py") == layer
