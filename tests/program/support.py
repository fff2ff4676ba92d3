"""Solving a project held in memory, for tests of the program room."""

from __future__ import annotations

import ast
import marshal
import re
from collections.abc import Mapping

from sessionlint.facts.lower import lower_module
from sessionlint.program.build import solve
from sessionlint.program.solver import Solver
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules

_MARK = re.compile(r"  # (TXN\d{3}(?:, TXN\d{3})*)$", re.M)


def solved(files: Mapping[str, str]) -> Solver:
    """The solved example project with these files added."""
    texts = {**examples.SUPPORT, **files}
    blobs = {path: marshal.dumps(lower_module(ast.parse(text), text)) for path, text in texts.items()}
    return solve(blobs, examples.policy_for({}))


def rows(solver: Solver, paths: set[str], kinds: set[str]) -> list[tuple[str, str, str]]:
    """Function name, kind and name of every event in the files, sorted."""
    functions = [solver.modules[p].body for p in paths if p in solver.modules] + solver.functions
    found = [
        (function.qualname, event.kind, event.name)
        for function in functions
        if function.path in paths
        for event in function.events
        if event.kind in kinds
    ]
    return sorted(found)


def findings(source: str, families: str = "126") -> list[str]:
    """What the rules of these families (1xx, 2xx and 6xx) find, as ``path:line code``."""
    files = examples.split(source, "app/services/x.py")
    policy = examples.policy_for({}, files)
    program = examples.program_for(files, policy)
    assert program.errors == ()
    rules = [r for r in all_rules() if r.META.code[3] in families and policy.enabled(r.META.code)]
    found = {(f.path, f.span.line, f.code) for r in rules for f in r.check(program)}
    return [f"{path}:{line} {code}" for path, line, code in sorted(found)]


def marked(source: str, families: str = "126") -> tuple[list[str], list[str]]:
    """What the rules find in a source whose lines end in the codes expected there, and what they should."""
    expected = [
        f"{path}:{number} {code}"
        for path, text in sorted(examples.split(source, "app/services/x.py").items())
        for number, line in enumerate(text.splitlines(), 1)
        if (mark := _MARK.search(line))
        for code in mark[1].split(", ")
    ]
    return findings(_MARK.sub("", source), families), expected
