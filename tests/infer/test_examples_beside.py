"""Applications of their own in folders of examples, and what only uses the application that they lie beside."""

from __future__ import annotations

import pytest

STORE = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
    "opened = sessionmaker(create_engine('sqlite:///{0}.db'))\n\n\n"
    "def injected():\n    with opened() as db:\n        yield db\n"
)
SERVER = (
    "from fastapi import Depends, FastAPI\n\nfrom {0} import injected\n\napp = FastAPI()\n\n\n"
    "@app.get('/')\ndef read(db=Depends(injected)):\n    return db.get(object, 1)\n"
)
OWN = {"dock/__init__.py": "", "dock/store.py": STORE.format("dock"), "dock/main.py": SERVER.format("dock.store")}


@pytest.mark.parametrize("folder", ["examples/raft", "demo", "contrib/raft", "docs/code/raft", "sandbox/raft", "ships"])
@pytest.mark.parametrize("name", ["store", "{0}.store"])
def test_an_application_that_stands_for_itself_is_approved_whatever_its_folder_is_called(infer, folder, name):
    module = name.format(folder.replace("/", "."))
    more = {f"{folder}/store.py": STORE.format("raft"), f"{folder}/main.py": SERVER.format(module)}
    result = infer({**OWN, **more})
    assert result.policy.session_modules == tuple(sorted(("dock/store.py", f"{folder}/store.py")))
    assert len(result.policy.session_dependencies) == 2


def test_an_example_that_makes_an_engine_for_the_application_is_none_of_its_own(infer):
    server = SERVER.format("store").replace("from store", "from dock.main import app as other\nfrom store")
    more = {"examples/raft/store.py": STORE.format("raft"), "examples/raft/main.py": server}
    assert infer({**OWN, **more}).policy.session_modules == ("dock/store.py",)


def test_a_script_with_an_engine_of_its_own_is_no_application(infer):
    script = STORE.format("raft") + "\n\nwith opened() as db:\n    db.get(object, 1)\n"
    assert infer({**OWN, "examples/raft/once.py": script}).policy.session_modules == ("dock/store.py",)


@pytest.mark.parametrize("folder", ["old", "archive/2019", "dock/backup"])
def test_an_application_that_was_put_away_is_none_of_its_own(infer, folder):
    more = {f"{folder}/store.py": STORE.format("raft"), f"{folder}/main.py": SERVER.format("store")}
    assert infer({**OWN, **more}).policy.session_modules == ("dock/store.py",)
