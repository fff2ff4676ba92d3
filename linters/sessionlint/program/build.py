"""From files to a solved program."""

from __future__ import annotations

import linecache
import marshal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessionlint.collector import without_collector
from sessionlint.facts import screen
from sessionlint.facts.cache import FactsCache
from sessionlint.facts.extract import extract
from sessionlint.facts.lower import lower_module
from sessionlint.facts.source import with_deep_stack
from sessionlint.program.api import Program
from sessionlint.program.evaluate import evaluate_function, sign_function
from sessionlint.program.model import ModuleInfo
from sessionlint.program.modules import ModuleNames
from sessionlint.program.solver import Solver

if TYPE_CHECKING:
    from sessionlint.policy import Policy


def build_program(
    root: Path,
    files: Sequence[str],
    policy: Policy,
    *,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Program:
    """Reads the files (paths relative to ``root``) and solves the program.

    ``cache_dir`` holds facts between runs (``None``: no cache). Files that cannot be read are in
    ``Program.errors``; the others are analysed without them.
    """
    cache = FactsCache(cache_dir)
    extraction = extract(root, files, cache, lower_module, screen.file_screen(names_of(policy)), None, progress)
    blobs = extraction.blobs

    def facts_of(path: str) -> Any:
        blob = blobs.get(path)
        if blob == b"":
            # the screen passed it over, but code that matters asks for a name in it
            blob = extract(root, [path], cache, lower_module).blobs.get(path)
        return marshal.loads(blob) if blob else None

    solver = _solved(policy, blobs, facts_of)
    cache.save()

    def read_line(path: str, line: int) -> str:
        return linecache.getline(str(root / path), line).rstrip("\r\n")

    return Program(policy, solver, extraction.errors, read_line)


def names_of(policy: Policy) -> frozenset[str]:
    """The identifiers a policy adds to what can matter."""
    dotted = (
        *policy.session_dependencies, *policy.session_contexts, *policy.session_types, *policy.session_factories,
        *policy.network_calls, *policy.background_sinks, *policy.auth_dependencies,
    )  # fmt: skip
    return frozenset((*policy.tenant_names, *(name.rpartition(".")[2] for name in dotted)))


def solve(blobs: dict[str, bytes], policy: Policy) -> Solver:
    """Solves a program from marshalled facts by path (all of them at hand)."""
    return _solved(policy, blobs, lambda path: marshal.loads(blobs[path]) if path in blobs else None)


def _solved(policy: Policy, blobs: dict[str, bytes], facts_of: Callable[[str], Any]) -> Solver:
    names = ModuleNames(blobs, policy.src)

    def load(path: str) -> ModuleInfo | None:
        facts = facts_of(path)
        return None if facts is None else ModuleInfo(path, names.primary.get(path, ""), path in names.packages, facts)

    solver = Solver(policy, names, load, evaluate_function, sign_function, names_of(policy))
    # Tests and migrations may do what they need: they are read when application code imports them.
    roots = sorted(p for p, b in blobs.items() if b and policy.layer_of(p) not in ("test", "migration"))
    with without_collector():
        with_deep_stack(lambda: _solve(solver, roots))
    return solver


def _solve(solver: Solver, paths: list[str]) -> None:
    for path in paths:
        solver.module(path)
    solver.solve()
