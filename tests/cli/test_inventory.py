"""``sessionlint inventory`` writes the audit of a whole project."""

import json

DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))


def get_db():
    with SessionLocal() as db:
        yield db
"""
MAIN = """\
from fastapi import Depends, FastAPI

from app.db import SessionLocal, get_db

app = FastAPI()


@app.get("/good")
def good(db=Depends(get_db)):
    return db.execute("select 1")


@app.get("/bad")
def bad():
    with SessionLocal() as db:
        return db.execute("select 1")
"""
FILES = {"pyproject.toml": '[project]\nname = "x"\n', "app/__init__.py": "", "app/db.py": DB, "app/main.py": MAIN}


def test_without_a_policy_the_tables_rest_on_an_inferred_one(tree, call):
    result = call("inventory", tree(FILES), "--no-cache")
    assert result.status == 0
    assert "| Main | `app/main.py` | 9 | `Depends(get_db)` | ✅ Correct | Uses the approved dependency. |" in result.out
    assert "| Main | `app/main.py` | 15 | `SessionLocal()` called directly | ❌ Fix Required |" in result.out
    assert result.err.startswith("session module app/db.py: the engine (line 4) and the session factory (line 4)")


def test_the_tables_go_to_a_file_in_the_format_asked_for(tree, call):
    root = tree(FILES)
    result = call("inventory", root, "--no-cache", "--format", "json", "--output-file", root / "audit.json")
    assert (result.status, result.out) == (0, "")
    document = json.loads((root / "audit.json").read_text())
    assert [u["status"] for u in document["usages"]] == ["fix required"]


def test_a_file_that_cannot_be_read_is_told_and_changes_the_status(tree, call):
    result = call("inventory", tree({**FILES, "app/broken.py": "def (sqlalchemy"}), "--no-cache")
    assert result.status == 2
    assert "app/broken.py:1: not checked:" in result.err
    assert "`app/main.py`" in result.out
