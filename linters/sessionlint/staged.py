"""Checks what a commit would hold: the files git tracks, or the index, never what merely lies around."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from sessionlint.discovery import discover
from sessionlint.errors import PolicyError
from sessionlint.gate.baseline_file import known
from sessionlint.git_store import Repository
from sessionlint.policy import OWN_FILE, SHARED_FILE, Place, Policy, locate
from sessionlint.report import Report
from sessionlint.run import infer, restrict, run
from sessionlint.sources import SourceLines

_DECIDING = ("*.py", "*.toml", "*.gitignore")
"""The files that decide what a check finds, next to the baseline: the program, its policy and what is left out."""


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """The report on one project, its root, and where the lines of its files come from.

    ``forgotten`` says what of the gate the commit would not hold, which matters also where nothing is found.
    """

    root: Path
    report: Report
    source_line: Callable[[str, int], str | None]
    forgotten: tuple[str, ...] = ()


def check_tracked(folder: Path) -> Checked:
    """Checks the project of ``folder`` as the disk has it, without the Python files that git does not track.

    Raises :class:`PolicyError` for an unusable policy and :class:`RevisionError` outside a repository.
    """
    place = locate(folder)
    return _check_disk(place, Repository(place.root))


def check_index(folder: Path) -> Checked:
    """Checks the project of ``folder`` as it is staged: files, policy and baseline, whatever the disk has.

    Raises :class:`PolicyError` for an unusable policy and :class:`RevisionError` outside a repository.
    """
    place = _locate_readable(folder)
    settings = place.policy or Policy()
    with Repository(place.root) as repository:
        unstaged = _untracked(repository, "--", settings.source, settings.baseline)
        compare = ("diff", "--name-only", "--no-ext-diff", "--ignore-submodules", "--", *_DECIDING, settings.baseline)
        if not unstaged and not repository.run(*compare):
            # What the disk has is what is staged, and its files need not be read out of git's store.
            return _check_disk(locate(folder), repository)
        return _check_store(place.root, repository, unstaged)


def _locate_readable(folder: Path) -> Place:
    """The project of ``folder``, also when the policy on disk, which may not be the staged one, cannot be used."""
    try:
        return locate(folder)
    except PolicyError:
        start = folder.resolve()
        holders = (
            above for name in (OWN_FILE, SHARED_FILE) for above in (start, *start.parents) if (above / name).is_file()
        )
        return Place(next(holders, start), None)


def _check_disk(place: Place, repository: Repository) -> Checked:
    root, policy, notes = place.root, place.policy, tuple[str, ...]()
    hidden = tuple(_pattern(path) for path in _untracked(repository, "--exclude-standard", "--", "*.py"))
    if hidden and policy is None:
        policy, notes = infer(root, discover(root, Policy(root=root, exclude=hidden)).files)
    if hidden and policy is not None:
        policy = dataclasses.replace(policy, exclude=(*policy.exclude, *hidden))
    report = run(root, policy, baseline=known(root, policy))
    if hidden and report.exit_status:
        notes = (*notes, f"Left out, because git does not track them: {len(hidden)} Python files.")
    return Checked(root, dataclasses.replace(report, notes=(*notes, *report.notes)), SourceLines(root))


def _check_store(root: Path, repository: Repository, unstaged: Sequence[str]) -> Checked:
    """Checks what git's store holds for the index; ``unstaged`` are files of the gate that only the disk has."""
    from sessionlint.revisions import check_tree, known_in, policy_of

    tree = repository.index()
    policy = policy_of(repository, tree)
    report = check_tree(repository, tree, policy, baseline=known_in(repository, tree, policy))
    shown = {finding.path for finding in report.findings} & tree.files.keys()
    texts = {path: repository.blob(tree.files[path].oid) for path in shown}
    missing = (f"{name} is not staged, so the commit is judged without it; add it to the commit." for name in unstaged)
    return Checked(root, report, SourceLines(root, texts.__getitem__), tuple(missing))


def pin_environment() -> None:
    """Makes what git tells its hooks hold in every folder: relative paths there are meant from the top.

    In a linked work tree git names its folder but not the top, so that a git started in a sub-folder would
    take that for the top.
    """
    if "GIT_DIR" in os.environ:
        os.environ.setdefault("GIT_WORK_TREE", ".")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"):
        if name in os.environ:
            os.environ[name] = str(Path(os.environ[name]).absolute())


def restrict_to(checked: Checked, names: Sequence[Path]) -> Checked:
    """``checked`` without the findings in other files than ``names`` (relative to the working folder)."""
    inside = [name.resolve().relative_to(checked.root) for name in names if name.resolve().is_relative_to(checked.root)]
    paths = [path.as_posix() for path in inside]
    if paths:
        return dataclasses.replace(checked, report=restrict(checked.report, paths))
    return dataclasses.replace(checked, report=Report())


def _untracked(repository: Repository, *which: str) -> list[str]:
    """The files below the project's root that git does not track; ``which`` are arguments of git."""
    return [path for path in repository.run("ls-files", "--others", "-z", *which).split("\0") if path]


def _pattern(path: str) -> str:
    """The policy pattern that means exactly ``path``."""
    return "/" + re.sub(r"([\\*?\[\]! #])", r"\\\1", path)
