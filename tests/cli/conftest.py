"""A stand-in for the engine, so that the command line is tested by itself, and a way to call it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from sessionlint import cli
from sessionlint.policy import Policy
from sessionlint.report import CheckError, Finding, Span
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.catalogue import RuleModule


@dataclass
class FakeProgram:
    """Holds the text of every file; a file that says ``broken`` is an error."""

    policy: Policy
    texts: dict[str, str]
    errors: tuple[CheckError, ...]
    statistics: dict[str, int] = field(default_factory=lambda: {"unknown receivers": 3})
    changed: frozenset[str] | None = None
    numberings: dict[str, object] = field(default_factory=dict)

    def source_line(self, path: str, line: int) -> str:
        lines = self.texts[path].split("\n")
        return lines[line - 1] if line <= len(lines) else ""


def rule(code: str, name: str, word: str) -> RuleModule:
    """A rule that flags every line that holds ``word``; the word ``crash`` makes it fail."""
    meta = Rule(code, name, f"{word} is used.", "It breaks.", "Do not.", "Other words.")

    def check(program: FakeProgram) -> Iterator[Finding]:
        for path, text in program.texts.items():
            for number, line in enumerate(text.split("\n"), start=1):
                if word in line and "crash" in line:
                    raise KeyError(word)
                if word in line:
                    column = line.index(word) + 1
                    span = Span(path, number, column, number, column + len(word))
                    yield Finding(code, name, span, f"{word} here.")

    return RuleModule(meta, (Bad(f"{word}()\n"),), (Good("pass\n"),), check, f"fake.{code.lower()}")  # type: ignore[arg-type]


@dataclass
class Engine:
    """What the stand-in was asked to do."""

    built: list[tuple[str, ...]] = field(default_factory=list)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Replaces program building, inference and the rule catalogue."""
    asked = Engine()

    def build_program(root, files, policy, *, cache_dir=None, progress=None):
        asked.built.append(tuple(files))
        texts = {path: (root / path).read_text(encoding="utf-8") for path in files}
        errors = tuple(CheckError(path, 1, "invalid syntax") for path, text in texts.items() if "broken" in text)
        return FakeProgram(policy, {path: text for path, text in texts.items() if "broken" not in text}, errors)

    def read_program(root, files, policy, *, cache_dir=None, progress=None):
        return build_program(root, files, policy, cache_dir=cache_dir, progress=progress)

    def build_parts(root, files, policy, *, cache_dir=None, progress=None):
        return SimpleNamespace(parts=[frozenset(files)], reading=read_program(root, files, policy), names=None)

    def check_together(root, reading, policy, folder, judge, names):
        return judge(reading, None, "")

    def check_apart(root, divided, policy, folder, judge):
        raise NotImplementedError

    notes = ("Inferred: db.py makes the engine.",)

    def infer_policy(root, files):
        return Policy(root=root, source="inferred", session_modules=("db.py",)), notes

    def infer_from(program):
        return infer_policy(program.policy.root, program.texts)

    def under(program, policy):
        return dataclasses.replace(program, policy=policy)

    rules = (rule("TXN101", "session-created-directly", "Session"), rule("TXN201", "explicit-commit", "commit"))
    stand_ins = {
        "sessionlint.program.build": (build_program, build_parts, read_program),
        "sessionlint.apart": (check_together, check_apart),
        "sessionlint.infer": (infer_policy, infer_from, under),
    }
    for name, functions in stand_ins.items():
        module = ModuleType(name)
        for function in functions:
            setattr(module, function.__name__, function)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("sessionlint.rules.catalogue.all_rules", lambda: rules)
    return asked


@dataclass(frozen=True)
class Outcome:
    """What a call of the command line left behind."""

    status: int
    out: str
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the command line in this process."""

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Outcome(left.value.code, captured.out, captured.err)

    return run
