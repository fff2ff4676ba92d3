"""Which files are part of the application, which serve it from the side, and what modules are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Set

from sessionlint.infer.beside import programs_beside
from sessionlint.infer.files import importers_of, imports, makes_application, running, runs_as_script
from sessionlint.infer.moving import migrations
from sessionlint.infer.serving_tests import OF_TESTS, test_support
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.entries import takes_session
from sessionlint.program.importing import run_by
from sessionlint.program.model import ModuleInfo
from sessionlint.program.values import ENGINE, FACTORY, POOL

_ASIDE_FOLDERS = regex(
    r"(?:scripts?|notebooks?|seeds?|seeders?|fixtures?|docs?|documentation|examples?|samples?|demos?|bench(?:marks?)?"
    r"|tools?|tooling|devtools|bin|hack|contrib|archived?|archive[._-].*|attic|old|backups?|playground|sandbox|experiments?"
    r"|debug|smoke(?:[_-]?tests?)?|load[_-]?tests?|locust|templates?|cookiecutter.*|\{\{.*|\..*)\Z",
    re.I,
)
_ASIDE_FILES = regex(
    r"(?:seeds?(?:_\w+)?|\w+_seeds?|seeder|populate(?:_\w+)?|debug_\w+|setup|noxfile|tasks_dev)\.py\Z", re.I
)
_EXEMPT = ("test", "migration")
_IN_TESTS = (*OF_TESTS, "unittest", "fastapi.testclient", "starlette.testclient", "hypothesis")


def application_files(program: Program) -> frozenset[str]:
    """The files that make up the application: no tests, migrations, scripts, seeds, notebooks, documents.

    Examples that are applications of their own are taken for that. In a project that is nothing but scripts, the
    scripts are the application.
    """
    support = program.shared(test_support) | program.shared(migration_support)
    candidates = [m for m in program.modules if not is_exempt(program, m.path) and m.path not in support]
    importers = program.shared(importers_of)
    application = frozenset(m.path for m in candidates if not _is_aside(m, importers))
    application |= _asked_for(application, candidates, importers)
    everything = frozenset(m.path for m in candidates)
    if any(_works_with_databases(program, path) for path in application):
        return application | programs_beside(program, application, everything - application)
    return everything


def is_exempt(program: Program, path: str) -> bool:
    """Whether a file is a test or belongs to migrations, by its place or by what it imports."""
    if program.policy.layer_of(path) in _EXEMPT:
        return path not in program.shared(misnamed)
    return path in program.shared(migrations)


def misnamed(program: Program) -> frozenset[str]:
    """Files with the name or place of tests that the application imports: they run, or keep, tests of its users."""
    named = [m for m in program.modules if program.policy.layer_of(m.path) == "test" and not _tests(m)]
    if not named:
        return frozenset()
    importers = program.shared(importers_of)
    moving = program.shared(migrations)
    rest = (m for m in program.modules if program.policy.layer_of(m.path) is None and m.path not in moving)
    application = frozenset(m.path for m in rest if not _is_aside(m, importers) and not _tests(m))
    found = _asked_for(application, named, importers) - application
    packages = {path.rpartition("/")[0] + "/__init__.py" for path in found}
    return found | (packages & program.solver.names.primary.keys())


def _tests(module: ModuleInfo) -> bool:
    """Whether a file uses what only tests do."""
    return module.path.endswith("conftest.py") or any(imports(module, package) for package in _IN_TESTS)


def _works_with_databases(program: Program, path: str) -> bool:
    module = program.solver.modules[path]
    return any(
        e.kind in ("create", "obtain", "inject", "use") for f in (module.body, *module.functions) for e in f.events
    )


def _is_aside(module: ModuleInfo, importers: Mapping[str, Set[str]]) -> bool:
    name = module.path.rpartition("/")[2]
    if _in_folder_aside(module) or _ASIDE_FILES.match(name):
        return True
    return not importers.get(module.path) and runs_as_script(module) and not makes_application(module)


def _in_folder_aside(module: ModuleInfo) -> bool:
    return any(_ASIDE_FOLDERS.match(folder) for folder in module.path.split("/")[:-1])


def _asked_for(
    application: frozenset[str], candidates: Iterable[ModuleInfo], importers: Mapping[str, Set[str]]
) -> frozenset[str]:
    """Files with the place or name of scripts that the application imports: ``app/api/notebooks`` may be about
    notebooks, and ``app/db/setup.py`` set up the database."""
    found = set(application)
    rest = [m for m in candidates if m.path not in application]
    grown = True
    while grown:
        more = {m.path for m in rest if m.path not in found and importers.get(m.path, set()) & found}
        found |= more
        grown = bool(more)
    return frozenset(found)


def migration_support(program: Program) -> frozenset[str]:
    """Files that only migrations import and that do their work on the database, such as rows for the first start.

    Tests may import them, too. What makes the application, its tables, engines or endpoints is none, for migrations
    may be all that imports it; nor are settings and tools, which are nobody's in particular.
    """
    moving = {path for path in program.solver.names.primary if program.policy.layer_of(path) == "migration"}
    moving |= program.shared(migrations)
    rest = [m for m in program.modules if program.policy.layer_of(m.path) is None and m.path not in moving]
    rest = [m for m in rest if _works_on_given(program, m) and not _is_of_application(program, m)]
    asked_for = {imported for path in moving for imported in run_by(program, path)} if rest else set()
    seen = program.shared(importers_of)
    # to read the imports of all files takes long: only where nothing that was read speaks against it
    possible = any(m.path in asked_for and seen.get(m.path, set()) <= moving for m in rest)
    importers = program.shared(running) if possible else {}
    found: set[str] = set()
    grown = True
    while grown:
        more = {m.path for m in rest if importers.get(m.path) and importers[m.path] <= moving | found}
        grown = not more <= found
        found |= more
    return frozenset(found)


def _works_on_given(program: Program, module: ModuleInfo) -> bool:
    """Whether functions of a file take a session, or work with one."""
    return any(
        takes_session(program, f) or any(e.kind in ("create", "obtain", "use", "txn") for e in f.events)
        for f in module.functions
    )


def _is_of_application(program: Program, module: ModuleInfo) -> bool:
    if makes_application(module) or runs_as_script(module) or any(map(program.solver.is_model, module.classes)):
        return True
    functions = (module.body, *module.functions)
    made = any(e.kind == "create" and e.name in (ENGINE, FACTORY, POOL) for f in functions for e in f.events)
    return made or any(f.routes or f.registrations for f in functions)


def names_in_use(program: Program) -> Mapping[str, str]:
    """Every file's dotted name: the one that most imports use, else one like those of its package, else the longest
    it has, without ``src.`` if that is only a folder."""
    names = program.solver.names
    counts: dict[str, Counter[str]] = {}
    for module in program.modules:
        for name in _absolute_imports(module):
            path = names.path_of(name, module.path)
            if path is not None and names.by_name.get(name) == path:
                counts.setdefault(path, Counter())[name] += 1
    found = {path: _without_source_folder(program, name) for path, name in names.primary.items()}
    known = {path: max(sorted(used), key=used.__getitem__) for path, used in counts.items()}
    packages = _packages(known)
    for path in found.keys() - known.keys():
        usual = (name for name in _from_packages(path, packages) if names.by_name.get(name) == path)
        found[path] = next(usual, found[path])
    return {**found, **known}


def _packages(names: Mapping[str, str]) -> Counter[str]:
    """Folders of packages that absolute imports name, with how many of their files are imported so."""
    counts: Counter[str] = Counter()
    for path, name in names.items():
        module = path.removesuffix(".py").removesuffix("/__init__")
        root = module.removesuffix(name.replace(".", "/"))
        if root != module:
            counts[root + name.partition(".")[0]] += 1
    return counts


def _from_packages(path: str, packages: Mapping[str, int]) -> list[str]:
    """What a file is called by those who import its package, the most usual name first."""
    above = [package for package in packages if path.startswith(f"{package}/")]
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return [module[len(p.rpartition("/")[0]) :].lstrip(".") for p in sorted(above, key=lambda p: (-packages[p], p))]


def _absolute_imports(module: ModuleInfo) -> list[str]:
    """Names that absolute imports at the top of a file may mean a module by."""
    found: list[str] = []
    for statement in module.body.facts[4]:
        if statement[0] == "imp":
            found.extend(name for name, _ in statement[2])
        elif statement[0] == "from" and not statement[3]:
            found.append(statement[2])
            found.extend(f"{statement[2]}.{name}" for name, _ in statement[4])
    return found


def _without_source_folder(program: Program, name: str) -> str:
    head, _, rest = name.partition(".")
    names = program.solver.names
    is_package = f"{head}/__init__.py" in names.packages
    return rest if head == "src" and not is_package and rest in names.by_name else name
