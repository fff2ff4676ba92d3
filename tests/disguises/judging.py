"""Whether the rules still see a disguised example for what it is."""

from __future__ import annotations

import ast
import marshal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from sessionlint.facts.lower import lower_module
from sessionlint.policy import Policy
from sessionlint.program.api import Program
from sessionlint.program.build import solve
from sessionlint.rules import examples
from sessionlint.rules.base import Bad, Good
from sessionlint.rules.catalogue import RuleModule, all_rules
from tests.disguises.catalogue import NOT_ABOUT_CODE, Disguise
from tests.disguises.project import Place, Project, Rendered, read, render


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a rule, split into its files."""

    id: str
    rule: RuleModule
    files: dict[str, str]
    policy: Policy
    wanted: tuple[tuple[str, int, str], ...]  #: path, line and code of each marked finding, with repetitions

    @property
    def codes(self) -> set[str]:
        """The rules that must say exactly what is marked."""
        return {code for _, _, code in self.wanted} or {self.rule.META.code}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out: findings that are lost, and findings at places of the example where none belongs."""

    lost: tuple[tuple[str, int, str], ...]
    extra: tuple[tuple[str, int, str], ...]

    @property
    def holds(self) -> bool:
        """Whether the disguise changed nothing."""
        return not (self.lost or self.extra)


@cache
def all_examples() -> tuple[Example, ...]:
    """The examples of every rule about code."""
    found: list[Example] = []
    for rule in all_rules():
        if rule.META.code.startswith(NOT_ABOUT_CODE):
            continue
        groups: list[tuple[str, Sequence[Bad | Good]]] = [("bad", rule.BAD), ("good", rule.GOOD)]
        for kind, group in groups:
            for index, example in enumerate(group):
                files = examples.split(example.source, example.path)
                wanted = tuple((p, line, c) for p, line, _, c in examples.expected(files))
                policy = examples.policy_for(dict(example.policy), files)
                found.append(Example(f"{rule.META.code} {kind} {index}", rule, files, policy, wanted))
    return tuple(found)


def disguised(example: Example, disguises: Sequence[Disguise]) -> Rendered | None:
    """The example after the disguises, or ``None`` where one of them finds nothing to do."""
    project = read(example.files, frozenset(example.policy.session_modules))
    return render(project) if all(_applied(project, d) for d in disguises) else None


def _applied(project: Project, disguise: Disguise) -> bool:
    for tree in project.trees.values():
        if hasattr(tree, "touched"):
            del tree.touched
    return disguise.apply(project)


@cache
def _lowered(text: str) -> bytes:
    return marshal.dumps(lower_module(ast.parse(text), text))


def findings(files: dict[str, str], policy: Policy, codes: set[str]) -> Iterator[tuple[str, int, int, str]]:
    """Path, line, column and code of what the rules find in a project held in memory."""
    texts = {p: t for p, t in {**examples.SUPPORT, **files}.items() if p.endswith(".py")}
    solver = solve({path: _lowered(text) for path, text in texts.items()}, policy)

    def read_line(path: str, line: int) -> str:
        lines = texts.get(path, "").splitlines()
        return lines[line - 1] if 0 < line <= len(lines) else ""

    program = Program(policy, solver, (), read_line)
    seen = set()
    for rule in all_rules():
        if rule.META.code in codes and policy.enabled(rule.META.code):
            for finding in rule.check(program):
                place = (finding.path, finding.span.line, finding.span.column, rule.META.code)
                if place not in seen:
                    seen.add(place)
                    yield place


def judge(example: Example, rendered: Rendered, codes: set[str]) -> Verdict:
    """Compares what is found with what is marked, place by place; code that a disguise added stands for any place."""
    at: set[tuple[str, int, str]] = set()
    anywhere: set[str] = set()
    for path, line, column, code in findings(rendered.files, example.policy, codes):
        place: Place | None = rendered.origin(path, line, column)
        if place is None:
            anywhere.add(code)
        else:
            at.add((*place, code))
    wanted = {w for w in example.wanted if w[2] in codes}
    lost = tuple(sorted(w for w in wanted - at if w[2] not in anywhere))
    extra = at - wanted
    if not example.wanted:
        extra |= {("?", 0, code) for code in anywhere}
    return Verdict(lost, tuple(sorted(extra)))
