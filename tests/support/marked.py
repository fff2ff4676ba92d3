"""Small projects with the markers of the rules' examples: what rules find in them, and what they are to find."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from sessionlint.program.focus import focused
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules

Place = tuple[str, int, int, str]
"""Path, line, column and code."""


_FOLDER = Path(__file__).parents[1] / "rules" / "shapes"
_ALSO = re.compile(r"also: (.+)\n")


class Shape(NamedTuple):
    """A project kept in a file of its own, and the codes that its first line names besides those it marks."""

    name: str
    source: str
    more: tuple[str, ...]


def _shape(path: Path) -> Shape:
    text = path.read_text()
    also = _ALSO.match(text)
    return Shape(path.stem, text[also.end() :] if also else text, tuple(also[1].split(", ")) if also else ())


#: The files of ``tests/rules/shapes``.
SHAPES = tuple(_shape(path) for path in sorted(_FOLDER.glob("*.txt")))


class Checked(NamedTuple):
    """What was found, in each file by itself as after an edit of it, and what the markers say."""

    found: list[Place]
    by_file: list[Place]
    wanted: list[Place]


def check_marked(source: str, more: Collection[str] = (), path: str = "app/services/example.py") -> Checked:
    """Runs the rules that a project marks, and ``more`` of them by their codes.

    ``source`` is one file, that of ``path``, or several after ``# --- path`` lines; the policy is that of the rules'
    examples.
    """
    files = examples.split(source, path)
    wanted = examples.expected(files)
    codes = {code for *_, code in wanted} | set(more)
    program = examples.program_for(files, examples.policy_for({}, files))
    rules = [rule for rule in all_rules() if rule.META.code in codes]
    found = {(f.path, f.span.line, f.span.column, f.code) for rule in rules for f in rule.check(program)}
    local = [rule for rule in rules if not rule.META.program_wide]
    alone = {place for place in found if place[3] not in {rule.META.code for rule in local}}
    for file in files:
        view = focused(program, frozenset([file]))
        told = (f for rule in local for f in rule.check(view) if f.path == file)
        alone |= {(f.path, f.span.line, f.span.column, f.code) for f in told}
    return Checked(sorted(found), sorted(alone), wanted)
