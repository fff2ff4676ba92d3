"""The pytest plugin: ``pytest --sessionlint`` adds one test per file, which fails while the file has findings.

The program is read once: by pytest itself, or by the controller of pytest-xdist, which hands the result to
its workers. Without the option nothing of sessionlint but this module is imported.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sessionlint.report import Report

NAME = "sessionlint"
"""The name of every test this plugin adds, and of the marker it carries."""

_SUFFIX = f"::{NAME}"
_WORKER_INPUT = "sessionlint"


@dataclasses.dataclass(frozen=True)
class Checked:
    """The program's ``root`` and its ``report``, which leaves out what the baseline and suppressions allow."""

    root: Path
    report: Report


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which files get a test: those that are, or lie below, one of ``places``.

    ``alone`` says that the command line asks for nothing but tests of this plugin.
    """

    places: tuple[Path, ...]
    alone: bool = False

    def holds(self, path: Path) -> bool:
        """Whether the file ``path`` (absolute) gets a test."""
        return any(path.is_relative_to(place) for place in self.places)


_CHECKED = pytest.StashKey[Checked]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--sessionlint`` and its companions."""
    group = parser.getgroup(NAME, "database sessions and transactions")
    group.addoption("--sessionlint", action="store_true", help="Add one test per file: it has no sessionlint findings.")
    group.addoption(
        "--sessionlint-config",
        metavar="PATH",
        help="Take sessionlint's policy from this file; its folder is the project's root.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the part that does the work, if it is asked for. Raises ``UsageError`` for an unusable policy."""
    config.addinivalue_line("markers", f"{NAME}: the tests that pytest --sessionlint adds, one per file")
    if not config.getoption("--sessionlint"):
        return
    handed = getattr(config, "workerinput", {}).get(_WORKER_INPUT)
    if handed:
        config.stash[_CHECKED], selection = pickle.loads(handed)
    else:
        selection = _selection(config, _checked(config))
    if selection.alone:
        config.args.clear()
    config.pluginmanager.register(ComplianceTests(_checked(config), selection), f"{NAME}-tests")


@pytest.fixture(scope="session")
def sessionlint_report(pytestconfig: pytest.Config) -> Report:
    """The report on the whole program (``sessionlint.report.Report``), with or without ``--sessionlint``."""
    return _checked(pytestconfig).report


@pytest.fixture(scope="session")
def assert_compliant(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Fails a test of your own: ``assert_compliant("src/routers", codes=["TXN1", "TXN201"])``.

    Paths are files or folders relative to the project's root, none meaning all; ``codes`` are prefixes.
    Also fails when something could not be checked, and raises ``ValueError`` for a path without any
    checked file or a code that no rule has.
    """

    def check(*paths: str, codes: Sequence[str] = ("TXN",)) -> None:
        __tracebackhide__ = True
        checked = _checked(pytestconfig)
        part = _part(checked.report, paths, tuple(codes))
        if part.exit_status:
            pytest.fail(_text(part, checked.root), pytrace=False)

    return check


class ComplianceTests:
    """Adds the tests to one pytest run."""

    def __init__(self, checked: Checked, selection: Selection) -> None:
        self.checked = checked
        self.selection = selection

    def pytest_report_header(self) -> list[str]:
        """Says what was checked, and how an unwritten policy was inferred."""
        report = self.checked.report
        lines = [f"{NAME}: {len(report.files)} files in {self.checked.root}"]
        return lines + [f"{NAME}: {note}" for note in report.notes]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Adds one test per file before ``-k``, ``-m`` and ``--deselect`` choose among them."""
        parts = _by_file(self.checked.report)
        for name, part in parts:
            path = self.checked.root / name
            if self.selection.holds(path):
                file = ComplianceFile.from_parent(session, path=path)
                items.append(ComplianceItem.from_parent(file, root=self.checked.root, part=part))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hands the result to a worker of pytest-xdist."""
        node.workerinput[_WORKER_INPUT] = pickle.dumps((self.checked, self.selection))


class ComplianceFile(pytest.File):
    """The place of one test in pytest's tree."""

    def collect(self) -> Iterable[pytest.Item]:
        """Nothing: the one test is added where it is made."""
        return ()


class ComplianceItem(pytest.Item):
    """Passes when one file has no findings; ``part`` is what the report says about it."""

    def __init__(self, *, root: Path, part: Report, **settings: Any) -> None:
        super().__init__(name=NAME, **settings)
        self.add_marker(NAME)
        self._root = root
        self._part = part

    def runtest(self) -> None:
        """Raises :class:`NotCompliantError` when there are findings, or something could not be checked."""
        if self._part.exit_status:
            raise NotCompliantError(_text(self._part, self._root))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings as ``sessionlint check`` shows them."""
        if isinstance(excinfo.value, NotCompliantError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the first finding is."""
        findings = self._part.findings
        return self.path, findings[0].span.line - 1 if findings else None, NAME


class NotCompliantError(Exception):
    """A file breaks the rules; the text says where and how to mend it."""


def _check(config: pytest.Config) -> Checked:
    from sessionlint.errors import SessionlintError
    from sessionlint.gate.baseline_file import known
    from sessionlint.policy import Place, locate, read_policy
    from sessionlint.run import run

    named = config.getoption("--sessionlint-config")
    try:
        if named:
            policy = read_policy(config.invocation_params.dir / named)
            place = Place(policy.root, policy)
        else:
            place = locate(config.rootpath)
        baseline = known(place.root, place.policy)
        return Checked(place.root, run(place.root, place.policy, baseline=baseline))
    except SessionlintError as error:
        raise pytest.UsageError(f"sessionlint: {error}") from None


def _checked(config: pytest.Config) -> Checked:
    """What the run has found out; found out now if only a fixture asks for it."""
    if _CHECKED not in config.stash:
        config.stash[_CHECKED] = _check(config)
    return config.stash[_CHECKED]


def _selection(config: pytest.Config, checked: Checked) -> Selection:
    """What the command line asks for: ``PLACE`` of pytest and of this plugin, ``PLACE::sessionlint`` of this alone."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return Selection((checked.root,))
    own = [argument.removesuffix(_SUFFIX) for argument in config.args if argument.endswith(_SUFFIX)]
    config.args[:] = [argument for argument in config.args if not argument.endswith(_SUFFIX)]
    here = config.invocation_params.dir
    files = [checked.root / name for name, _ in _by_file(checked.report)]
    for argument in own:
        if not any(file.is_relative_to((here / argument).resolve()) for file in files):
            raise pytest.UsageError(f"sessionlint: {argument} is none of the checked files, and holds none")
    shared = [argument for argument in config.args if "::" not in argument]
    places = tuple((here / argument).resolve() for argument in (*own, *shared))
    return Selection(places, alone=not config.args)


def _by_file(report: Report) -> Iterator[tuple[str, Report]]:
    """Every checked file, and everything else that has findings or errors, with its part of the report."""
    names = {*report.files, *(finding.path for finding in report.findings), *(error.path for error in report.errors)}
    for name in sorted(names):
        yield (
            name,
            dataclasses.replace(
                report,
                findings=tuple(finding for finding in report.findings if finding.path == name),
                errors=tuple(error for error in report.errors if error.path == name),
                files=(name,),
            ),
        )


def _part(report: Report, paths: Sequence[str], codes: tuple[str, ...]) -> Report:
    from sessionlint.codes import is_code_prefix
    from sessionlint.run import restrict

    for code in codes:
        if not is_code_prefix(code):
            raise ValueError(f"{code!r} is no rule code; 'sessionlint rules' lists them")
    for path in paths:
        if not restrict(report, [path]).files:
            raise ValueError(f"{path!r} holds no checked file; paths are relative to the project's root")
    part = restrict(report, paths)
    return dataclasses.replace(
        part, findings=tuple(finding for finding in part.findings if finding.code.startswith(codes))
    )


def _text(part: Report, root: Path) -> str:
    from sessionlint.formats.text import render
    from sessionlint.sources import SourceLines

    return render(part, SourceLines(root)).rstrip("\n")
