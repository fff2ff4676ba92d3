"""Files that serve only tests, wherever they lie: what tests import, and where pytest is told to look for them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase

from sessionlint.infer.files import importers_of, imports, is_program, running, runs_as_script
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.importing import run_by
from sessionlint.program.model import ModuleInfo
from sessionlint.pytest_settings import PytestSettings, pytest_settings

#: ``integration_tests``, ``e2e-test``, ``tests_api``; not ``test_platform``, which may be about tests.
_TEST_FOLDERS = regex(r"\w[\w.-]*[_-]tests?|tests[_-][\w.-]+", re.I)
#: Those among them whose name will do, where nothing but tests asks for anything in them.
_OF_TESTS_ALONE = regex(r"\w[\w.-]*[_-]tests", re.I)
#: What tests are helped by, where they import it and nothing else does.
_HELPERS = regex(r"testing|test[_-]?(?:utils?|helpers?|support|lib|kit|tools?|fixtures?|base|suite)", re.I)
OF_TESTS = ("pytest", "pytest_asyncio", "_pytest", "factory", "polyfactory")
_CASE_PACKAGES = ("unittest", "django")
_CASES = regex(r"unittest\.(?:\w+\.)*\w*TestCase|django\.test\.(?:\w+\.)*\w+TestCase")
_NAMED_TESTS = regex(r"(?:\w+_)?tests(?:_\w+)?", re.I)
#: Letters of a pattern of names below which it says nothing (``*.py``).
_SAYING = 3


def test_support(program: Program) -> frozenset[str]:
    """Files outside the test folders that only serve tests: fixtures and factories, and what lies beside them.

    They import pytest or a factory library, or share the folder of a file that does, and no code but theirs and that
    of tests imports them. What something outside of the program runs, tasks and endpoints, is no support.
    """
    importers = program.shared(importers_of)
    layer_of = program.policy.layer_of
    run = {f.path for f in program.functions if f.routes or program.is_registered(f)}
    rest = [m for m in program.modules if layer_of(m.path) is None and m.path not in run and not runs_as_script(m)]
    found: set[str] = set()
    grown = True
    while grown:
        folders = {path.rpartition("/")[0] for path in found}
        more = {
            m.path
            for m in rest
            if all(i in found or layer_of(i) == "test" for i in importers.get(m.path, ()))
            and (m.path.rpartition("/")[0] in folders or any(imports(m, package) for package in OF_TESTS))
        }
        grown = not more <= found
        found |= more
    found |= {
        m.path
        for m in program.modules
        if layer_of(m.path) is None
        and _holds_tests(program, m)
        and all(i in found or layer_of(i) == "test" for i in importers.get(m.path, ()))
    }
    return frozenset((*found, *program.shared(helpers_of_tests), *program.shared(named_by_settings)))


def _holds_tests(program: Program, module: ModuleInfo) -> bool:
    """Whether a file that serves nobody holds tests: cases of unittest, or functions of tests where its name says so.

    What lies beside it in its folder may be what it tests.
    """
    if any(f.routes for f in module.functions):
        return False
    bases = (b for info in module.classes for b in program.solver.external_bases(info))
    if any(imports(module, package) for package in _CASE_PACKAGES) and any(_CASES.fullmatch(b) for b in bases):
        return True
    named = _NAMED_TESTS.fullmatch(module.path.rpartition("/")[2].removesuffix(".py"))
    return named is not None and any(f.parent is None and f.name.startswith("test_") for f in module.functions)


def helpers_of_tests(program: Program) -> dict[str, str]:
    """Files of no layer in a folder of tests, each with the outermost one; none that anything but tests imports.

    What makes an application or runs as a script is a program, whatever its folder is called, and so is what it
    imports.
    """
    layer_of = program.policy.layer_of
    rest = [m for m in program.modules if layer_of(m.path) is None]
    outermost = {m.path: folder for m in rest if (folder := _test_folder(m.path))}
    found: dict[str, str] = {}
    if outermost:
        tests = [path for path in program.solver.names.primary if layer_of(path) == "test"]
        holding = {f for f in {*outermost.values()} if any(path.startswith(f"{f}/") for path in tests)}
        found = {m.path: outermost[m.path] for m in rest if outermost.get(m.path) in holding and not is_program(m)}
        importers = program.shared(importers_of)
        while others := [
            p for p in found if any(i not in found and layer_of(i) != "test" for i in importers.get(p, ()))
        ]:
            for path in others:
                del found[path]
    return {**dict(_in_whole_places(program, [m for m in rest if m.path not in found])), **found}


def _in_whole_places(program: Program, rest: Collection[ModuleInfo]) -> Iterator[tuple[str, str]]:
    """Files in places that are all for tests, as nothing there is a program or asked for by anything but tests."""
    configured = program.shared(_settings).folders
    inside: dict[str, list[ModuleInfo]] = {}
    for module in rest:
        place = _place(module.path, configured)
        if place:
            inside.setdefault(place, []).append(module)
    places = {place: held for place, held in inside.items() if not any(_is_program(m, place) for m in held)}
    if not places:
        return
    importers = program.shared(running)
    asked_for = _asked_for_by_tests(program) if any(_is_of_helpers(place) for place in places) else frozenset()
    for place, held in places.items():
        inner = {m.path for m in held}
        if any(not _is_in(i, place) for path in inner for i in importers.get(path, ())):
            continue
        if (place in configured and len(inner) == len(rest)) or (_is_of_helpers(place) and inner.isdisjoint(asked_for)):
            continue
        yield from ((path, place if path != place else path.rpartition("/")[0]) for path in inner)


def _place(path: str, configured: Iterable[str]) -> str:
    """The outermost place around a file that tests may have for themselves: a folder, or the file; ``""`` for none."""
    parts = path.removesuffix(".py").split("/")
    for at, part in enumerate(parts):
        folder = "/".join(parts[: at + 1])
        last = at == len(parts) - 1
        if _HELPERS.fullmatch(part):
            return path if last else folder
        if not last and (folder in configured or _OF_TESTS_ALONE.fullmatch(part)):
            return folder
    return ""


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _is_program(module: ModuleInfo, place: str) -> bool:
    """Whether a file is one; what only tests import may make the application that they ask."""
    if _is_of_helpers(place):
        return runs_as_script(module) or any(f.routes for f in module.functions)
    return is_program(module)


def _is_of_helpers(place: str) -> bool:
    return _HELPERS.fullmatch(place.rpartition("/")[2].removesuffix(".py")) is not None


def _asked_for_by_tests(program: Program) -> frozenset[str]:
    tests = (path for path in program.solver.names.primary if program.policy.layer_of(path) == "test")
    return frozenset(imported for path in tests for imported in run_by(program, path))


def named_by_settings(program: Program) -> dict[str, str]:
    """Files that pytest is told to take for tests, by their names, and that nothing else asks for; with the pattern."""
    patterns = [
        p for p in program.shared(_settings).patterns if sum(map(str.isalpha, p[1].removesuffix(".py"))) >= _SAYING
    ]
    rest = [m for m in program.modules if program.policy.layer_of(m.path) is None] if patterns else []
    named = {m.path: p for m in rest for folder, p in patterns if _bears(m.path, folder, p) and not is_program(m)}
    importers = program.shared(running) if named else {}
    return {path: pattern for path, pattern in named.items() if importers.get(path, set()) <= named.keys()}


def _says_something(pattern: str) -> bool:
    return sum(map(str.isalpha, pattern.removesuffix(".py"))) >= _SAYING


def _bears(path: str, folder: str, pattern: str) -> bool:
    return (not folder or path.startswith(f"{folder}/")) and fnmatchcase(path.rpartition("/")[2], pattern)


def _settings(program: Program) -> PytestSettings:
    return pytest_settings(program.policy.root, program.solver.names.primary)


def _test_folder(path: str) -> str:
    """The outermost folder of a file that has such a name; ``""`` for none."""
    parts = path.split("/")[:-1]
    return next(("/".join(parts[: at + 1]) for at, part in enumerate(parts) if _TEST_FOLDERS.fullmatch(part)), "")
