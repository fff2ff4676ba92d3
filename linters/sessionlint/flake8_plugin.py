"""The flake8 plugin: findings of the whole program, handed out file by file.

flake8 checks one file at a time in worker processes; what a session is and who commits it is known only
from all files. So the program is read once, in the parent, while flake8 parses its options. Workers that
are forked inherit the result; workers that are spawned parse the options again and take it from the cache.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Protocol

from sessionlint.codes import is_code_prefix
from sessionlint.discovery import discover
from sessionlint.errors import PolicyError, SessionlintError
from sessionlint.gate.baseline_file import known
from sessionlint.policy import OWN_FILE, SHARED_FILE, Policy, locate, read_policy
from sessionlint.report import Finding, Report
from sessionlint.run import infer, run
from sessionlint.unsaved import run_unsaved

Result = tuple[int, int, str, type["SessionlintPlugin"]]

_PROJECT_MARKS = (OWN_FILE, SHARED_FILE, ".git", "setup.py", "setup.cfg")
_STDIN = "-"


class OptionManager(Protocol):
    """The part of flake8's option manager that plugins use."""

    def add_option(self, *names: str, **settings: object) -> None:
        """Registers a command line option."""


class Projects:
    """The projects of one flake8 run, each read when its first file comes up.

    ``config`` names the policy file for all files (``None``: the nearest one above each file);
    ``codes`` are the code prefixes that flake8 itself was told to select.
    """

    def __init__(self, config: Path | None, codes: tuple[str, ...]) -> None:
        self._fixed = read_policy(config) if config else None
        self._codes = codes
        self._homes: dict[Path, tuple[Path, Policy | None] | None] = {}
        self._reports: dict[Path, Report] = {}
        self._findings: dict[Path, dict[str, list[Finding]]] = {}

    def prepare(self, names: Sequence[str], excluded: Sequence[str]) -> list[Report]:
        """Reads the projects that hold the named files and folders or lie below them, and their baselines.

        ``excluded`` are the patterns of what flake8 does not look at. What is wrong with a project is said here,
        once: a worker process that fails may leave the others waiting for ever (``multiprocessing.Pool.terminate``).
        Raises :class:`PolicyError` and :class:`~sessionlint.gate.baseline_text.BaselineError`.
        """
        paths = [Path(os.path.normpath(Path(name).absolute())) for name in names]
        homes = dict.fromkeys(home for home in map(self._home, paths) if home)
        reports = [self._report(*home) for home in homes]
        files = {root / file for (root, _), report in zip(homes, reports, strict=True) for file in report.files}
        folders = {above for folder in {file.parent for file in files} for above in (folder, *folder.parents)}
        owners = [folder for folder in sorted(folders) if _has_any(folder, (OWN_FILE, SHARED_FILE))]
        below = [folder for folder in owners if any(relative(folder, path) is not None for path in paths)]
        inner = [self._home(folder) for folder in below if not _is_excluded(folder, excluded)]
        return [*reports, *(self._report(*home) for home in dict.fromkeys(inner) if home and home not in homes)]

    def findings(self, name: str) -> Sequence[Finding]:
        """The findings in one file on disk; none when it belongs to no project. Raises :class:`PolicyError`."""
        home = self._home(Path(name))
        if home is None:
            return ()
        if home[0] not in self._findings:
            table: dict[str, list[Finding]] = {}
            for finding in self._report(*home).findings:
                table.setdefault(finding.path, []).append(finding)
            self._findings[home[0]] = table
        return self._findings[home[0]].get(relative(Path(name), home[0]) or "", ())

    def findings_in_text(self, name: str, text: str) -> Sequence[Finding]:
        """The findings in a file whose content is ``text``, whatever the disk says. Raises :class:`PolicyError`."""
        home = self._home(Path(name))
        path = relative(Path(name), home[0]) if home else None
        if home is None or path is None:
            return ()
        root, policy = home
        return run_unsaved(root, self._selected(root, policy), path, text, known(root, policy)).findings

    def _report(self, root: Path, policy: Policy | None) -> Report:
        if root not in self._reports:
            self._reports[root] = run(root, self._selected(root, policy), baseline=known(root, policy))
        return self._reports[root]

    def _selected(self, root: Path, policy: Policy | None) -> Policy | None:
        """The policy with the rules that flake8's own options switch on."""
        if not self._codes:
            return policy
        stated = policy or infer(root, discover(root, Policy(root=root)).files)[0]
        return dataclasses.replace(stated, extend_select=(*stated.extend_select, *self._codes))

    def _home(self, path: Path) -> tuple[Path, Policy | None] | None:
        if self._fixed:
            return (self._fixed.root, self._fixed) if relative(path, self._fixed.root) is not None else None
        folder = path if path.is_dir() else path.absolute().parent
        if folder not in self._homes:
            self._homes[folder] = find_home(folder)
        return self._homes[folder]


def find_home(folder: Path) -> tuple[Path, Policy | None] | None:
    """Root and policy of the project that ``folder`` belongs to; None when it belongs to none.

    The nearest policy decides. Without one the project is the working folder if it looks like one, else
    the nearest folder above that does, else the working folder. Raises :class:`PolicyError`.
    """
    place = locate(folder)
    if place.policy is not None:
        return place.root, place.policy
    here = Path.cwd()
    inside = relative(folder, here) is not None
    if inside and _looks_like_project(here):
        return here, None
    if _looks_like_project(place.root):
        return place.root, None
    return (here, None) if inside and here not in (Path.home(), Path(here.anchor)) else None


def _looks_like_project(folder: Path) -> bool:
    return _has_any(folder, _PROJECT_MARKS)


def _has_any(folder: Path, names: Sequence[str]) -> bool:
    return any((folder / name).exists() for name in names)


def _is_excluded(folder: Path, patterns: Sequence[str]) -> bool:
    """Whether flake8 passes over a folder: a pattern without ``/`` is a name, another one a whole path."""
    return any(
        fnmatch(above.name, pattern) or fnmatch(str(above), pattern)
        for above in (folder, *folder.parents)
        for pattern in patterns
    )


def relative(path: Path, root: Path) -> str | None:
    """``path`` relative to ``root`` with ``/``; None when it lies elsewhere."""
    for candidate in (Path(os.path.normpath(path.absolute())), path.resolve()):
        if candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    return None


class SessionlintPlugin:
    """What flake8 creates for every file."""

    name: ClassVar[str] = "sessionlint"
    version: ClassVar[str] = version("sessionlint")

    _projects: ClassVar[Projects | None] = None
    _stdin: ClassVar[bool] = False

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        # flake8 reports what goes wrong here in one line; what goes wrong in run() ends in a traceback.
        self._findings: Sequence[Finding] = ()
        if self._projects is None:
            return
        try:
            if self._stdin:
                self._findings = self._projects.findings_in_text(filename, "".join(lines))
            else:
                self._findings = self._projects.findings(filename)
        except SessionlintError as error:
            # Only built-in exceptions survive the way back from a worker process.
            raise RuntimeError(str(error)) from None

    @classmethod
    def add_options(cls, manager: OptionManager) -> None:
        """Adds ``--sessionlint-config``."""
        manager.add_option(
            "--sessionlint-config",
            metavar="PATH",
            default=None,
            parse_from_config=True,
            normalize_paths=True,
            help="Take sessionlint's policy from this file; its folder is the project's root.",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Reads the whole program, once. Exits with a message when the policy cannot be used."""
        cls._projects = None
        cls._stdin = _STDIN in options.filenames
        if not may_report(options):
            return
        config = Path(options.sessionlint_config) if options.sessionlint_config else None
        try:
            cls._projects = Projects(config, chosen_codes(options))
            names = [name for name in options.filenames or ["."] if name != _STDIN]
            reports = cls._projects.prepare(names, [*options.exclude, *(options.extend_exclude or ())])
        except PolicyError as error:
            raise SystemExit(f"flake8: sessionlint cannot use its policy:\n{error}") from None
        except (SessionlintError, OSError) as error:
            raise SystemExit(f"flake8: sessionlint: {error}") from None
        except Exception as error:
            raise SystemExit(
                f"flake8: sessionlint failed: {type(error).__name__}: {error}\n"
                "This is a defect of sessionlint; run 'sessionlint check --debug' and report what it prints."
            ) from None
        if multiprocessing.parent_process() is None:
            _tell_errors(reports)

    def run(self) -> Iterator[Result]:
        """The findings of the file: line, column from 0, text that begins with the code, and this class."""
        for finding in self._findings:
            yield finding.span.line, finding.span.column - 1, f"{finding.code} {finding.message}", type(self)


def may_report(options: argparse.Namespace) -> bool:
    """Whether flake8 would show any of our findings; if not, the program need not be read."""
    if not options.select:
        return True
    chosen = [*options.select, *(options.extend_select or ())]
    return any(code.startswith("TXN") or "TXN".startswith(code) for code in chosen)


def chosen_codes(options: argparse.Namespace) -> tuple[str, ...]:
    """The code prefixes beyond ``TXN`` in ``--select`` and ``--extend-select``.

    They switch on rules that the preset leaves off. That is not left to flake8's default ignores: any
    ``--ignore`` replaces those and would switch on every such rule.
    """
    named = [*(options.select or ()), *(options.extend_select or ())]
    return tuple(dict.fromkeys(code for code in named if code != "TXN" and is_code_prefix(code)))


def _tell_errors(reports: Sequence[Report]) -> None:
    """flake8 shows findings in files only; what sessionlint could not check is told once, on stderr."""
    for error in (error for report in reports for error in report.errors):
        print(f"flake8: sessionlint: {error.path}:{error.line}: {error.message}", file=sys.stderr)
