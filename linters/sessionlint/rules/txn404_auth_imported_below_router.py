"""TXN404: services, models or the session module import the auth layer."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.asked_modules import asked_for
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.walking import nodes_below

META = Rule(
    code="TXN404",
    name="auth-imported-below-router",
    summary="Services, models or the session module import the auth layer.",
    rationale=(
        "Authentication stops at the router. A service that imports it pulls token and request handling into jobs and "
        "tests, and the session module that does so starts to decide who may connect."
    ),
    remedy="Move the check to a dependency of the route; pass the plain id or fact into the service.",
    not_flagged="Imports under `TYPE_CHECKING`; imports by routers, by the auth layer itself, by tests and migrations.",
    presets=("scrapersky",),
)

BAD = [
    Bad(
        source="""
# --- app/auth/__init__.py
from .security import get_current_user
# --- app/auth/permissions.py
def allowed(user):
    return True
# --- app/security.py
from app.auth.permissions import allowed
# --- app/services/jobs.py
import importlib

import app.auth.permissions  # TXN404@1
from app import auth  # TXN404@1
from app.auth.security import get_current_user  # TXN404@1
from app.security import allowed  # TXN404@1
from ..auth import permissions  # TXN404@1


async def run(session):
    from app.auth.permissions import allowed as check  # TXN404@5

    return check(None), importlib.import_module("app.auth.security")  # TXN404@25
# --- app/models/user.py
from app.auth.permissions import *  # TXN404@1
"""
    ),
    Bad(
        source="""
# --- app/session.py
try:
    from app.auth import security  # TXN404@5
except ImportError:
    security = None
""",
        policy=(("session-dependencies", []), ("session-contexts", [])),
    ),
    Bad(
        source="""
security = __import__("app.auth.security")  # TXN404@12
"""
    ),
    Bad(
        source="""
# --- app/services/ferries.py
from importlib import import_module
from importlib import import_module as fetch

HARBOUR = "app.auth" + ".security"


def dock():
    return import_module("app.auth.security")  # TXN404@12


def moor():
    return fetch(HARBOUR)  # TXN404@12
"""
    ),
    Bad(
        source="""
# --- app/auth/rights.py
def may_land(user):
    return True
# --- app/common.py
from app.auth.rights import may_land

DEPTH = 4
# --- app/services/berths.py
from app.common import *  # TXN404@1


async def berth(session, user):
    return may_land(user)
"""
    ),
    Bad(
        source="""
# --- app/services/lines.py
from importlib import import_module

first = import_module(".security", "app.auth")  # TXN404@9
second = import_module("..auth.security", package="app.services")  # TXN404@10
"""
    ),
    Bad(
        source="""
# --- app/auth/rights.py
def may(user):
    return True
# --- app/shared/texts.py
def shown(user):
    return user
# --- app/models/role.py
from app import auth  # TXN404@1
from app import shared
# --- app/services/role.py
import app.auth  # TXN404@1
import app.shared
import app


def rank(user):
    return app.auth.rights.may(user), app.shared.texts.shown(user)
"""
    ),
    Bad(
        """
# --- app/auth/callers.py
import jwt


def caller_of(request):
    return jwt.decode(request.headers["authorization"], "key", algorithms=["HS256"])["sub"]
# --- app/common.py
from app.auth.callers import caller_of

__all__ = ["caller_of", "page"]


def page():
    return 1
# --- app/services/reading.py
from app import common


def read(request):
    return common.caller_of(request), common.page()  # TXN404@12
""",
    ),
]

GOOD = [
    Good(
        source="""
# --- app/services/jobs.py
from __future__ import annotations

import typing
from typing import TYPE_CHECKING

import authlib
from app import settings
from app.services import authors

if TYPE_CHECKING:
    from app.auth.security import get_current_user
if typing.TYPE_CHECKING:
    import app.auth.security
# --- app/services/authors.py
AUTH = "app.auth.security"
# --- app/routers/jobs.py
from app.auth.security import get_current_user
# --- app/auth/helpers.py
from app.auth.security import get_current_user
# --- tests/services/test_jobs.py
from app.auth.security import get_current_user
"""
    ),
    Good(
        source="""
# --- app/services/ferries.py
from importlib import import_module as fetch

HARBOUR = "app.harbours" + ".security"


def dock():
    return fetch("app.harbours.north")


def moor(name):
    return fetch(HARBOUR), fetch(f"app.harbours.{name}")
"""
    ),
    Good(
        source="""
# --- app/auth/rights.py
def may_land(user):
    return True
# --- app/common.py
from app.auth.rights import may_land

DEPTH = 4
# --- app/services/berths.py
from app.common import *


async def berth(session):
    return DEPTH
# --- app/services/piers.py
from app.common import *


def may_land(user):
    return user is not None


async def pier(session, user):
    return may_land(user)
"""
    ),
    Good(
        source="""
# --- app/services/lines.py
from importlib import import_module

first = import_module(".item", "app.models")
second = import_module(".security", package=__package__)
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Import statements whose module (or member) lies in the auth layer."""
    seen: set[object] = set()
    for event in program.events("import", "external"):
        if event.kind == "external" and event.name != "importlib.import_module":
            continue
        if event.site in seen or "typing" in event.flags or not _is_below(program, event.path):
            continue
        target = _auth_target(program, event)
        if target is None:
            continue
        seen.add(event.site)
        yield program.finding(
            META,
            event,
            f"{target} belongs to authentication, which ends at the router. Check in a dependency of the route "
            "and pass "
            "plain ids down.",
        )
    told: set[object] = set()
    for function, span, target in _through_modules(program):
        if (function.path, span) not in told:
            told.add((function.path, span))
            yield program.finding(
                META,
                (function, span),
                f"{target} belongs to authentication, which ends at the router. Check in a dependency of the route "
                "and pass plain ids down.",
            )


def _through_modules(program: Program) -> Iterator[tuple[FunctionInfo, ir.Span4, str]]:
    """What is read of a module that has it from the auth layer: ``facade.get_current_user``."""
    known = program.shared(_auth_names)
    for module in program.modules:
        if not known or not _is_below(program, module.path):
            continue
        for function in (module.body, *module.functions):
            for node in nodes_below(function.body):
                if node[0] != "a" or len(node) != 4 or node[3] not in known or node[2][0] != "n":
                    continue
                for atom in program.solver.member(module.path, node[2][2]):
                    found = _of_auth(program, atom.name, node[3], module.path) if atom.tag == "mod" else None
                    if found is not None:
                        yield function, node[1], found


def _of_auth(program: Program, module: str, name: str, path: str) -> str | None:
    """The dotted name of what a module outside of the auth layer has from there."""
    where = program.solver.names.path_of(module, path)
    if where is None or program.policy.layer_of(where) == "auth":
        return None  # its import is told
    for atom in program.solver.member(where, name):
        if atom.tag in ("fn", "cls") and program.policy.layer_of(atom.info.path) == "auth":
            return str(atom.info.dotted)
    return None


def _auth_names(program: Program) -> frozenset[str]:
    """The names of the functions and classes of the auth layer."""
    functions = [f.name for f in program.functions if program.policy.layer_of(f.path) == "auth"]
    return frozenset(functions + [c.name for c in program.classes if program.policy.layer_of(c.path) == "auth"])


def _is_below(program: Program, path: str) -> bool:
    return program.policy.is_session_module(path) or program.policy.layer_of(path) in ("service", "model")


def _auth_target(program: Program, event: Event) -> str | None:
    """The dotted name an import takes from the auth layer, through re-exports."""
    names = program.solver.names
    dotted, member = event.name, event.text
    if event.kind == "external":
        dotted, member = asked_for(names, event.path, list(event.args), dict(event.keywords)) or "", ""
    if member:
        below = names.path_of(f"{dotted}.{member}", event.path)
        if below is not None:
            return f"{dotted}.{member}" if program.policy.layer_of(below) == "auth" else None
        if _is_auth_folder(program, f"{dotted}.{member}"):
            return f"{dotted}.{member}"
    path = names.path_of(dotted, event.path)
    if path is None:
        return dotted if not member and _is_auth_folder(program, dotted) else None
    if program.policy.layer_of(path) == "auth":
        return f"{dotted}.{member}" if member and member != "*" else dotted
    star = member == "*"
    for name in _used_names(program, event.path) if star else [member] if member else []:
        for atom in program.solver.member(path, name):
            if star and atom not in program.solver.member(event.path, name):
                continue
            info = getattr(atom, "info", None)
            if info is not None and atom.tag in ("fn", "cls") and program.policy.layer_of(info.path) == "auth":
                return str(info.dotted)
    return None


def _is_auth_folder(program: Program, name: str) -> bool:
    """Whether a package without a file of its own has nothing but files of the auth layer."""
    inside = program.solver.names.inside(name)
    return bool(inside) and all(program.policy.layer_of(path) == "auth" for path in inside)


def _used_names(program: Program, path: str) -> list[str]:
    """The names that a file uses, which a star may have brought: none that begins with an underscore."""
    module = program.solver.modules.get(path)
    found: dict[str, None] = {}
    for function in (module.body, *module.functions) if module is not None else ():
        parts = (function.body, function.decorators, function.params)
        for node in (n for part in parts for n in nodes_below(part)):
            if node[0] == "n" and len(node) == 3 and isinstance(node[2], str) and not node[2].startswith("_"):
                found[node[2]] = None
    return list(found)
