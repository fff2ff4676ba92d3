"""TXN905: the policy names a module, dependency, context, function, import root or layer that does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from sessionlint.globs import PathMatcher
from sessionlint.program.api import Program
from sessionlint.report import Finding, Span
from sessionlint.rules.base import Bad, Good, Rule

META = Rule(
    code="TXN905",
    name="policy-names-nothing",
    summary="The policy names a module, dependency, context, function, import root or layer that does not exist.",
    rationale="A policy that points at nothing approves nothing and forbids nothing: after a file is moved, the "
    "session module's own code is flagged, or a whole layer is no longer checked as one, and the run still looks like "
    "a gate.",
    remedy="Correct the path or name in the policy, or remove the entry.",
    not_flagged="Functions and classes of libraries, which a policy may name though no file here imports them. "
    "Layers that the preset brings along and the policy does not state, and policies that were inferred. "
    "Patterns of `exclude` and `per-file-ignores` that match no file here: a folder may be missing on one machine, and "
    "what they were to silence shows by itself. One that no file could ever match is a mistake in the policy.",
)


BAD = [
    Bad(
        source="""
# --- pyproject.toml
[tool.sessionlint]
preset = "scrapersky"
session-modules = ["app/session.py", "app/db/sesion.py"]  # TXN905@1
session-dependencies = ["app.session.get_db", "app.session.get_session_dependency"]  # TXN905@1
session-contexts = ["app.sessions.get_session"]  # TXN905@1
src = [".", "lib"]  # TXN905@1
network-calls = ["app.services.items.fetch", "acme.fetch"]  # TXN905@1
background-sinks = ["app.services.items.later"]  # TXN905@1
[tool.sessionlint.layers]
router = ["app/routers/**", "app/api/**"]  # TXN905@1
service = ["app/services/**"]
# --- app/routers/items.py
VERSION = 1
# --- app/services/items.py
VERSION = 1
""",
    ),
]

GOOD = [
    Good(
        source="""
# --- pyproject.toml
[tool.sessionlint]
preset = "scrapersky"
session-modules = ["app/session.py"]
session-dependencies = ["app.session.get_session_dependency", "app.database.Database.dependency"]
session-contexts = ["app.reexported.get_session"]
[tool.sessionlint.layers]
router = ["app/routers/**"]
test = ["tests/"]
# --- app/routers/items.py
VERSION = 1
# --- app/reexported.py
from app.session import get_session
# --- app/database.py
class Database:
    async def dependency(self):
        yield None
# --- tests/test_items.py
VERSION = 1
""",
    ),
    Good(
        source="""
# --- pyproject.toml
[tool.sessionlint]
src = ["./src"]
session-modules = ["src/shop/session.py"]
session-dependencies = ["shop.session.get_session_dependency"]
[tool.sessionlint.layers]
migration = ["migrations/**"]
test = ["tests/**"]
# --- src/shop/session.py
async def get_session_dependency():
    yield None
# --- migrations/env.py
VERSION = 1
# --- tests/test_items.py
VERSION = 1
""",
    ),
    Good(
        source="""
# --- pyproject.toml
[tool.sessionlint]
src = ["."]
session-contexts = ["ledgerkit.open_ledger"]
network-calls = ["jobs.balance", "jobs.client.send", "jobs.other.send", "jobs.Ledger.sync", "ledgerkit.Ledger.sync"]
# --- jobs.py
import ledgerkit
from ledgerkit import Client, open_ledger

client = Client()
other = client.settings["other"]


class Ledger(ledgerkit.Ledger):
    pass


async def balance(number):
    async with open_ledger() as session:
        session.add(number)
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every stated entry that nothing in the program answers to, at its key in the policy file."""
    policy = program.policy
    if policy.source in ("default", "inferred"):
        return
    paths = sorted({*program.solver.names.primary, *(e.path for e in program.errors)})
    for module in policy.session_modules:
        if module not in paths:
            yield _finding(program, "session-modules", f"{module!r} is no file of the project", module, paths)
    names = {
        "session-dependencies": (policy.session_dependencies, "dependency"),
        "session-contexts": (policy.session_contexts, "context manager"),
    }
    for key, (listed, what) in names.items():
        for name in listed:
            if not _exists(program, name):
                yield _finding(program, key, f"{name!r} is no {what} of the project", name, _functions(program))
    for folder in policy.src if "src" in policy.stated else ():
        if not _holds_code(folder, paths):
            yield _finding(program, "src", f"no Python file lies under {folder!r}", "", ())
    of_either = {
        "session-types": policy.session_types,
        "session-factories": policy.session_factories,
        "auth-dependencies": policy.auth_dependencies,
        "network-calls": policy.network_calls,
        "background-sinks": policy.background_sinks,
    }
    for key, listed in of_either.items():
        for name in listed:
            own = name.partition(".")[0] in program.shared(_roots)
            if own and not (_exists(program, name) or _is_partly_seen(program, name)):
                yield _finding(program, key, f"{name!r} is nothing in the project", name, _functions(program))
    for layer, patterns in policy.layers.items():
        key = f"layers.{layer}"
        if key not in policy.stated:
            continue
        for pattern in patterns:
            matcher = PathMatcher((pattern,))
            if not any(matcher.matches(path) for path in paths):
                yield _finding(program, key, f"the pattern {pattern!r} matches no file", "", ())


def _holds_code(folder: str, paths: Sequence[str]) -> bool:
    start = folder.removeprefix("./").rstrip("/")
    return start in ("", ".") or any(path.startswith(f"{start}/") for path in paths)


def _is_partly_seen(program: Program, name: str) -> bool:
    """Whether a name stands below an object or class of which the project does not show everything."""
    solver = program.solver
    owner, _, _ = name.rpartition(".")
    module, _, member = owner.rpartition(".")
    path = solver.names.path_of(module) if module else None
    if path is None or solver.names.path_of(owner) is not None:
        return False
    held = solver.member(path, member)
    classes = [atom.info for atom in held if atom.tag in ("cls", "inst")]
    if not held or len(classes) < len(held):
        return solver.mentions(path, member)
    return any(solver.external_bases(info) for info in classes)


def _exists(program: Program, name: str) -> bool:
    """Whether a dotted name is something a module of the project holds, members of classes included."""
    solver = program.solver
    module, _, member = name.rpartition(".")
    path = solver.names.path_of(module) if module else None
    if path is not None and solver.member(path, member):
        return True
    owner, _, cls = module.rpartition(".")
    path = solver.names.path_of(owner) if owner else None
    if path is None:
        return name in program.shared(_imported)
    classes = [a.info for a in solver.member(path, cls) if a.tag in ("cls", "inst")]
    return any(solver.method(info, member) is not None or solver.attribute(info, member) for info in classes)


def _imported(program: Program) -> frozenset[str]:
    """What files of the project import by name from libraries."""
    outside = (e for e in program.events("import") if e.text and e.name.partition(".")[0] not in program.shared(_roots))
    return frozenset(f"{e.name}.{e.text}" for e in outside)


def _roots(program: Program) -> frozenset[str]:
    """The topmost packages and modules of the project."""
    return frozenset(f.dotted.partition(".")[0] for f in program.functions)


def _functions(program: Program) -> list[str]:
    return [f.dotted for f in program.functions if f.name != "<module>"]


def _finding(program: Program, key: str, problem: str, wrong: str, valid: list[str] | tuple[()]) -> Finding:
    policy = program.policy
    line = policy.key_lines.get(key) or policy.key_lines.get(key.partition(".")[0]) or 1
    text = program.source_line(policy.source, line)
    close = get_close_matches(wrong, valid, n=1, cutoff=0.75) if wrong else []
    hint = f" Did you mean {close[0]!r}?" if close else " Correct it or remove it."
    return Finding(
        code=META.code,
        name=META.name,
        span=Span(policy.source, line, 1, line, max(2, len(text.rstrip()) + 1)),
        message=f"In {key}, {problem}.{hint}",
        severity=META.severity,
    )
