"""What each file does, seen from its functions: the votes that decide which layer its folder is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from sessionlint.facts import ir
from sessionlint.infer.files import runs_as_script
from sessionlint.infer.jobs import background_places, is_place_of_work, jobs, takes_from_nobody
from sessionlint.infer.moving import migrations
from sessionlint.infer.places import is_exempt, migration_support
from sessionlint.infer.serving_tests import test_support
from sessionlint.patterns import regex
from sessionlint.program import knowledge
from sessionlint.program.api import Program
from sessionlint.program.entries import takes_session
from sessionlint.program.flask_views import is_view
from sessionlint.program.model import ClassInfo, FunctionInfo, ModuleInfo
from sessionlint.program.reached import anywhere, reached_from
from sessionlint.program.values import Value
from sessionlint.rules.answering_tasks import answering

#: Names that say "service" even of files that were not seen to take a session.
SERVICE_NAMES = regex(r"(?:services?|crud|repositor(?:y|ies)|repos?|dao|queries)\Z", re.I)
AUTH_NAMES = regex(r"(?:^|_)(?:auth\w*|jwt|oauth2?|permissions?|security|tokens?)(?:_|$)", re.I)
#: Decorators that say "this runs in the background", whatever project wraps the queue or scheduler.
_SCHEDULING = regex(
    r"(?:^|\.)(?:\w*scheduler\w*\.\w+|actor|shared_task|task|periodic_task|cron(?:_\w+)?|(?:scheduled_)?job|repeat_every"
    r"|background_(?:task|job)|scheduled_\w*task)(?:\(|\Z)"
)
#: They compare signatures, too: only the file's name tells whether they compare credentials.
_COMPARISONS = {"hmac.compare_digest", "secrets.compare_digest"}
_AUTH_FILE = regex(r"(?:^|[/_])(?:auth|authentication|security)(?:_\w+)?(?:\.py$|/)", re.I)
_ENCODERS = {"jwt.encode", "jose.jwt.encode", "joserfc.jwt.encode", "authlib.jose.jwt.encode"}
_MODEL_BASES = {
    "sqlalchemy.orm.DeclarativeBase",
    "sqlalchemy.orm.DeclarativeBaseNoMeta",
    "flask_sqlalchemy.SQLAlchemy().Model",
}
_COLUMNS = {
    "sqlalchemy.orm.Mapped",
    "sqlalchemy.Column()",
    "sqlalchemy.orm.mapped_column()",
    "sqlalchemy.orm.relationship()",
    *(f"flask_sqlalchemy.SQLAlchemy().{name}()" for name in ("Column", "mapped_column", "relationship")),
}
_TABLE_NAMES = ("__tablename__", "__table__")


@dataclass(frozen=True, slots=True)
class Vote:
    """One file's layer, with the number of things that speak for it (endpoints, functions, classes).

    ``alone`` tells that they are most of the file, so that it may be named without its folder; ``apart`` that the file
    alone is meant, of which its folder says nothing.
    """

    path: str
    layer: str
    count: int
    alone: bool = True
    apart: bool = False


def collect_votes(program: Program, application: frozenset[str], left_out: Collection[str]) -> dict[str, Vote]:
    """The votes of all application files; ``left_out`` (the files of the approved ways),
    applications and files that do nothing have none."""
    applications = {
        site[0] for site, entry in program.solver.routers.items() if entry.get("name") != "fastapi.APIRouter"
    }
    called = _called_from_endpoints(program)
    reached = _background_at_home(program)
    by_itself = program.shared(runs_apart)
    apart = by_itself | _without_requests(program, by_itself)
    before = _before_routes(program)
    holders = _holders({path.rpartition("/")[0] for path in applications & application})
    found: dict[str, Vote] = {}
    for module in program.modules:
        if module.path in application and module.path not in left_out and module.path not in applications:
            vote = _vote(module.path, _counts(program, module, called, reached, apart, before), holders)
            if vote is not None and vote.layer == "service" and _works_apart(program, module, by_itself):
                counts = _counts(program, module, called, reached | by_itself, apart, before)
                other = None if _is_called_service(module.path, holders) else _vote(module.path, counts, holders)
                if other is not None and other.layer == "background":
                    vote = replace(other, apart=True)
            if vote is not None:
                found[module.path] = vote
    return found


def script_votes(
    program: Program, application: frozenset[str], layer_of: Callable[[str], str | None]
) -> dict[str, Vote]:
    """Votes of the scripts that lie among files of another layer: whoever runs them has no session to hand in."""
    rest = (m for m in program.modules if m.path not in application and not is_exempt(program, m.path))
    scripts = [m for m in rest if layer_of(m.path) in ("router", "service") and runs_as_script(m)]
    by_itself = program.shared(runs_apart) if scripts else frozenset()
    working = (m for m in scripts if _works_apart(program, m, by_itself))
    return {m.path: Vote(m.path, "background", sum(f in by_itself for f in m.functions), apart=True) for m in working}


def _background_at_home(program: Program) -> frozenset[FunctionInfo]:
    """What only started work calls, in the place of background work that holds what was started; and jobs there."""
    own = jobs(program)
    started = (*program.background_functions, *own)
    homes = {home for f in (*started, *program.background_helpers) for home in background_places(f.path)}
    widely = reached_from(program, frozenset(started), anywhere)
    return frozenset(f for f in (*own, *widely) if any(home in homes for home in background_places(f.path)))


def runs_apart(program: Program) -> frozenset[FunctionInfo]:
    """What no request runs: work that is started, commands, the scripts of workers, and what they alone call."""
    scripts = (m.body for m in program.modules if runs_as_script(m))
    started = frozenset((*program.background_functions, *jobs(program), *program.entries, *scripts))
    return started | reached_from(program, started, anywhere)


def _without_requests(program: Program, by_itself: frozenset[FunctionInfo]) -> frozenset[FunctionInfo]:
    """Handlers of messages, and what they and work that no request runs alone call; everything, if there are none."""
    if not any(f.routes for f in program.functions):
        return frozenset(program.functions)
    handlers = program.message_handlers
    return handlers | reached_from(program, handlers | by_itself, anywhere) if handlers else handlers


def _before_routes(program: Program) -> frozenset[FunctionInfo]:
    """Middleware, to which nobody can hand a session, and what it alone calls."""
    middleware = frozenset(f for f in program.functions if "middleware" in f.registrations)
    return middleware | reached_from(program, middleware, anywhere) if middleware else middleware


def _works_apart(program: Program, module: ModuleInfo, by_itself: frozenset[FunctionInfo]) -> bool:
    """Whether functions of a file open sessions, and no request runs any of them."""
    opening = {outermost(f) for f in module.functions if _opens(f)}
    return bool(opening) and opening <= by_itself


def outermost(function: FunctionInfo) -> FunctionInfo:
    """The function that a function is written in, of no other one itself."""
    while function.parent is not None:
        function = function.parent
    return function


def _holders(applications: Collection[str]) -> frozenset[str]:
    """The folders that applications lie in, beside each other and in no larger one: whatever they are called, it is
    the name of no layer."""
    above = {f[:at] for f in applications for at, character in enumerate(f) if character == "/"}
    return frozenset(h for h in above if not any(not a or h == a or h.startswith(f"{a}/") for a in applications))


def _vote(path: str, counts: Counter[str], holders: Collection[str]) -> Vote | None:
    most = counts["functions"] / 2
    if counts["router"]:
        return Vote(path, "router", counts["router"], counts["router"] >= most)
    # what takes a session in a place named after services is at home there, whatever it decodes besides
    at_home = counts["service"] and _is_called_service(path, holders)
    if counts["auth"] and (_is_named_auth(path) or (counts["authenticating"] >= counts["service"] and not at_home)):
        return Vote(path, "auth", counts["auth"])
    # in a place named after services, work for endpoints keeps a file theirs unless most of it is started
    named = _is_called_service(path, holders)
    # in a place named after background work, what its steps take is no reason to think otherwise
    needed = 1 if counts["at work"] and not named else counts["service"] + (named and not background_places(path))
    if counts["background"] >= max(needed, 1) and (counts["background"] >= most or background_places(path)):
        return Vote(path, "background", counts["background"])
    if counts["model"] and counts["model"] >= counts["service"]:
        return Vote(path, "model", counts["model"])
    if counts["functions"] and _is_called_service(path, holders):
        return Vote(path, "service", counts["service"])
    # what the name says of functions that nobody was seen to hand a session weighs more than that they take one
    if counts["uncalled"] == counts["service"] and background_places(path):
        return None
    # a helper or two, of a file that does its work with sessions of its own, are not what it is there for
    if counts["service"] and counts["service"] >= counts["opening"]:
        return Vote(path, "service", counts["service"])
    return None


def _is_named_auth(path: str) -> bool:
    """Whether the file or a folder above it is called after authentication; one call does not make a file that."""
    return any(AUTH_NAMES.search(part) for part in path.removesuffix(".py").split("/"))


def _is_called_service(path: str, holders: Collection[str]) -> bool:
    """Whether the file or a folder above it has the name of a service layer, and holds no applications."""
    parts = path.removesuffix(".py").split("/")
    named = ("/".join(parts[: at + 1]) for at, part in enumerate(parts) if SERVICE_NAMES.match(part))
    return any(place not in holders for place in named)


def _counts(
    program: Program,
    module: ModuleInfo,
    called: frozenset[FunctionInfo],
    reached: frozenset[FunctionInfo],
    apart: frozenset[FunctionInfo],
    before: frozenset[FunctionInfo],
) -> Counter[str]:
    counts: Counter[str] = Counter()
    counts["at work"] = is_place_of_work(program, module.path)
    counts["model"] = sum(_is_mapped(program, info) for info in module.classes)
    for function in (module.body, *module.functions):
        calls = sum(e.kind == "external" and _authenticates(e.name, module.path) for e in function.events)
        counts["auth"] += calls
        counts["authenticating"] += calls > 0
        if function is module.body or function.name == "<lambda>":
            continue
        counts["functions"] += function.parent is None
        if function.routes or is_view(program.solver, function):
            counts["router"] += 1
        elif (
            _is_started(program, function)
            or any(_SCHEDULING.search(ir.text_of(d)) for d in function.decorators)
            or function in reached
        ):
            counts["background"] += 1
        elif (
            function.parent is None
            and function not in program.entries
            and function not in program.message_handlers
            and function not in before
            and (takes_session(program, function) or (function in called and _opens(function)))
            and not _only_carries(program, function)
        ):
            counts["service"] += 1
            counts["uncalled"] += takes_from_nobody(program, function)
        elif (function.parent is None and function in apart) or function in program.message_handlers:
            counts["opening"] += _opens(function)
    return counts


def _is_started(program: Program, function: FunctionInfo) -> bool:
    """Whether a function is background work, which is what its file is there for: not a part of the one around it."""
    if function not in program.background_functions or function in program.shared(answering):
        return False
    start = program.background_functions[function]
    return function.parent is None or start is None or outermost(start.function) is not outermost(function)


def _only_carries(program: Program, function: FunctionInfo) -> bool:
    """Whether a class keeps the session it is made with for others, and has nothing else that could work with it."""
    owner = function.class_info
    if owner is None or function.name != "__init__" or not _has_nothing_else(owner):
        return False
    worked_with = any(e.kind in ("use", "txn", "call", "obtain") for e in function.events if e.name != "__init__")
    below = (info for info in program.classes if info is not owner and owner in program.solver.mro(info))
    return not worked_with and all(map(_has_nothing_else, below))


def _has_nothing_else(info: ClassInfo) -> bool:
    return info.methods.keys() <= {"__init__"}


def authenticates(module: ModuleInfo) -> bool:
    """Whether a file handles credentials."""
    events = (e for f in (module.body, *module.functions) for e in f.events)
    return any(e.kind == "external" and _authenticates(e.name, module.path) for e in events)


def _authenticates(name: str, path: str) -> bool:
    if name in _COMPARISONS:
        return bool(_AUTH_FILE.search(path))
    return bool(
        name in _ENCODERS or knowledge.JWT_DECODERS.match(name) or knowledge.SECURITY_CLASSES.match(f"{name}()")
    )


def _opens(function: FunctionInfo) -> bool:
    return any(e.kind in ("create", "obtain") for e in function.events)


def _called_from_endpoints(program: Program) -> frozenset[FunctionInfo]:
    return frozenset(
        e.callee for f in program.functions if f.routes for e in f.events if e.kind == "call" and e.callee is not None
    )


def _is_mapped(program: Program, info: ClassInfo) -> bool:
    """Whether a class describes a table: it names one, or maps columns below a declarative base."""
    if any(name in info.attributes for name in _TABLE_NAMES):
        return True
    bases = program.solver.external_bases(info)
    if "sqlmodel.SQLModel" in bases:
        return any(name == "table" for name, _ in info.facts[4])
    # a method names the tables of the classes below, and its own only if that has columns
    declarative = any(n in info.methods for n in _TABLE_NAMES) or bool(bases & _MODEL_BASES)
    declarative = declarative or any(b.endswith(("declarative_base()", "generate_base()")) for b in bases)
    return declarative and any(
        _is_column(annotation, default) for _, annotation, default, _ in info.attributes.values()
    )


def _is_column(annotation: Value, default: Value) -> bool:
    mapped = [a.type for a in annotation if a.tag == "annotated"] or [annotation]
    names = {a.name for value in (*mapped, default) for a in value if a.tag == "ext"}
    return bool(names & _COLUMNS)


def exempt_files(program: Program) -> dict[str, str]:
    """Migrations and tests that the usual patterns do not name: file to layer."""
    found: dict[str, str] = {}
    support = program.shared(test_support)
    moving = program.shared(migrations) | program.shared(migration_support)
    for module in program.modules:
        if program.policy.layer_of(module.path) is None:
            if module.path in support:
                found[module.path] = "test"
            elif module.path in moving:
                found[module.path] = "migration"
    return found
