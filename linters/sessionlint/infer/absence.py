"""What to tell a user in whose project no session module was found."""

from __future__ import annotations

from sessionlint.infer.doors import find_doors
from sessionlint.infer.files import imports
from sessionlint.infer.libraries import keepers
from sessionlint.infer.survey import Survey
from sessionlint.infer.words import joined
from sessionlint.program.api import Program

_TOOLKITS = {"sqlalchemy": "SQLAlchemy", "sqlmodel": "SQLModel"}
_OTHERS = {
    "flask_sqlalchemy": "Flask-SQLAlchemy", "django": "Django", "tortoise": "Tortoise ORM", "peewee": "Peewee",
    "pony": "Pony", "motor": "Motor", "pymongo": "PyMongo", "beanie": "Beanie", "fastapi_async_sqlalchemy":
    "fastapi-async-sqlalchemy", "advanced_alchemy": "Advanced Alchemy", "dishka": "dishka", "piccolo": "Piccolo",
    "gino": "GINO", "ormar": "Ormar", "prisma": "Prisma",
}  # fmt: skip
_ELSEWHERE = ("test", "migration")
_NAME_ONE = "Name the session module yourself: run 'sessionlint init' and fill in session-modules"


def explain(program: Program, survey: Survey) -> list[str]:
    """One or two sentences: why nothing is approved, and what to do."""
    modules = [m for m in program.modules if m.path in survey.included]
    others = [name for package, name in _OTHERS.items() if any(imports(m, package) for m in modules)]
    made = sorted({site[0] for _, site in survey.makers})
    if made and not (others and keepers(survey)):
        files = joined([*made[:4], f"{len(made) - 4} more files"] if len(made) > 4 else made)
        make = "each make" if len(made) > 1 else "makes"
        doors = find_doors(survey)
        why = "hardly any other file uses it" if any(door.takers for door in doors) else "no other file uses it"
        why = "it is not clear which is the one" if any(door.users for door in doors) else why
        return [f"no session module: {files} {make} an engine or session factory of its own, and {why}. {_NAME_ONE}."]
    if others:
        elsewhere = f"sessions come from {joined(others)}, whose own session handling is not followed"
        return [f"no session module: {elsewhere}. {_NAME_ONE}."]
    if any(imports(m, package) for m in modules for package in _TOOLKITS):
        return [f"no session module: no engine and no session factory is made in the files read. {_NAME_ONE}."]
    users = sorted({e.path for e in program.events("create") if program.policy.layer_of(e.path) not in _ELSEWHERE})
    if users:
        files = joined([*users[:4], f"{len(users) - 4} more files"] if len(users) > 4 else users)
        connect = "each connect to a database by themselves" if len(users) > 1 else "connects to a database by itself"
        return [f"no session module: {files} {connect}, and no file was found that does it for others. {_NAME_ONE}."]
    return ["no session module: nothing here uses SQLAlchemy or a database driver, so there is nothing to approve."]
