"""The layers of tests and migrations, stated only where the usual patterns do not say what a project shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sessionlint.globs import has_wildcard
from sessionlint.infer.files import importers_of
from sessionlint.infer.moving import migrations, runners
from sessionlint.infer.places import misnamed
from sessionlint.infer.serving_tests import helpers_of_tests, named_by_settings
from sessionlint.infer.votes import exempt_files
from sessionlint.layers import LayerMap
from sessionlint.policy import DEFAULT_LAYERS
from sessionlint.program.api import Program


def exempt_layers(program: Program) -> dict[str, tuple[str, ...]]:
    """Migration and test layers: the usual patterns with what they do not name, or without what they should not."""
    extra: dict[str, set[str]] = {}
    files = exempt_files(program)
    named = program.shared(named_by_settings)
    for path, layer in files.items():
        folder = program.shared(helpers_of_tests).get(path, path.rpartition("/")[0])
        if path in program.shared(runners):
            pattern = path
        elif path in named and _means_only(program, named[path], files):
            pattern = named[path]
        else:
            whole = _is_whole(program, folder, files, layer) or _holds_migrations(program, folder, files, path)
            pattern = f"{folder}/**" if whole else path
        extra.setdefault(layer, set()).add(pattern)
    found: dict[str, tuple[str, ...]] = {}
    for layer, added in extra.items():
        usual = [p for p in DEFAULT_LAYERS[layer] if _matches(program, layer, p)]
        found[layer] = (*usual, *_without_inner(added))
    others = program.shared(misnamed)
    if others:
        more = [p for p in found.get("test", ()) if p not in DEFAULT_LAYERS["test"]]
        found["test"] = (*_narrowed(program, others), *more)
    return found


def _means_only(program: Program, pattern: str, files: Mapping[str, str]) -> bool:
    """Whether a pattern of names takes in nothing but tests."""
    layer_of = program.policy.layer_of
    taken = (p for p in program.solver.names.primary if _takes_in(pattern, p))
    return all(files.get(p, layer_of(p)) == "test" for p in taken)


def _narrowed(program: Program, others: Collection[str]) -> list[str]:
    """The usual patterns of tests, those that take in ``others`` spelled out for the tests that they mean."""
    kept = [p for p in DEFAULT_LAYERS["test"] if not any(_takes_in(p, other) for other in others)]
    left = LayerMap({"test": kept})
    tests = (p for p in program.solver.names.primary if program.policy.layer_of(p) == "test" and p not in others)
    return [*kept, *sorted({_own_pattern(p, others) for p in tests if left.layer_of(p) is None})]


def _own_pattern(path: str, others: Collection[str]) -> str:
    """A pattern for a test: the folder of tests that it lies in, its like in the folder, or the file alone."""
    parts = path.split("/")
    for at in range(1, len(parts)):
        folder = "/".join(parts[:at])
        named = any(_takes_in(p, f"{parts[at - 1]}/x.py") for p in DEFAULT_LAYERS["test"] if not has_wildcard(p))
        if named and not any(other.startswith(f"{folder}/") for other in others):
            return f"{folder}/**"
    beside = f"{path.rpartition('/')[0]}/test_*.py".lstrip("/")
    if _takes_in(beside, path) and not any(_takes_in(beside, other) for other in others):
        return beside
    return path


def _takes_in(pattern: str, path: str) -> bool:
    return LayerMap({"test": (pattern,)}).layer_of(path) is not None


def _is_whole(program: Program, folder: str, files: Mapping[str, str], layer: str) -> bool:
    """Whether all that was read of a folder is found to be tests, or migrations."""
    return bool(folder) and all(
        files.get(m.path, program.policy.layer_of(m.path)) == layer
        for m in program.modules
        if m.path.startswith(f"{folder}/")
    )


def _holds_migrations(program: Program, folder: str, files: Mapping[str, str], path: str) -> bool:
    """Whether a migration lies among files that serve no others, whatever they do: tables as they were, for example."""
    if not folder or path not in program.shared(migrations):
        return False
    importers = program.shared(importers_of)
    inside = (m.path for m in program.modules if m.path.startswith(f"{folder}/") and m.path not in files)
    return all(
        i.startswith(f"{folder}/") or program.policy.layer_of(i) in ("migration", "test") or i in files
        for path in inside
        for i in importers.get(path, ())
    )


def _matches(program: Program, layer: str, pattern: str) -> bool:
    layer_map = LayerMap({layer: (pattern,)})
    return any(layer_map.layer_of(path) for path in program.solver.names.primary)


def _without_inner(added: set[str]) -> list[str]:
    """The folder patterns that lie below no other one."""
    folders = {pattern.removesuffix("**") for pattern in added if pattern.endswith("/**")}
    return sorted(p for p in added if not any(p != f"{f}**" and p.startswith(f) for f in folders))
