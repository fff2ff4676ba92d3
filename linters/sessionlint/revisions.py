"""Checks what a git repository holds at a revision, or in its index, without touching any work tree."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sessionlint.git_store import Repository, RevisionError, Tree
from sessionlint.policy_file import OWN_FILE, SHARED_FILE, policy_in
from sessionlint.policy_model import Policy
from sessionlint.report import Checked, CheckError, Report
from sessionlint.report_cache import ReportCache, cache_folder, tool_digest

if TYPE_CHECKING:
    from sessionlint.gate.baseline import Known
    from sessionlint.revision_facts import RevisionFacts

__all__ = [
    "Repository",
    "RevisionError",
    "Tree",
    "check_revision",
    "check_tree",
    "known_in",
    "policy_of",
]

_CONFLICT = "has a merge conflict; resolve it and stage the file"


def check_revision(
    repo: Path,
    rev: str,
    policy: Policy | None = None,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    today: datetime.date | None = None,
    use_cache: bool = True,
) -> Report:
    """The report on the project in folder ``repo`` (bare repositories, too) as commit ``rev`` has it.

    Without a ``policy`` the revision's own counts, and without one there it is inferred. What cannot be read is
    an error of the report. Raises :class:`RevisionError` for a revision or repository that is not there, and
    :class:`PolicyError` for a policy of the revision that cannot be used.
    """
    with Repository(repo) as repository:
        tree = repository.tree(rev)
        return check_tree(repository, tree, policy, select=select, ignore=ignore, today=today, use_cache=use_cache)


def check_tree(
    repository: Repository,
    tree: Tree,
    policy: Policy | None = None,
    *,
    facts: RevisionFacts | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    baseline: Known | None = None,
    today: datetime.date | None = None,
    use_cache: bool = True,
) -> Report:
    """The report on one tree. Pass the same ``facts`` again and again to check many: no file version is read twice.

    Otherwise as :func:`check_revision`. Findings that ``baseline`` knows are absorbed.
    """
    from sessionlint.gate.settling import settle

    root = repository.folder
    stated = policy if policy is not None else policy_of(repository, tree)
    settings = (stated or Policy(root=root)).with_overrides(select, ignore)
    folder = cache_folder(root, settings.cache_dir) if use_cache and not _bare(root) else None
    cache = ReportCache(folder, _digest("revision", settings.cache_digest, str(stated is None))) if folder else None
    key = _digest(tool_digest(), tree.oid, *(oid for _, oid in tree.above))
    checked = cache.load(key) if cache else None
    if checked is None:
        checked, complete = _checked(repository, tree, stated, settings, facts, folder, select, ignore)
        if cache and complete:
            cache.store(key, checked)

    def defines(path: str, qualname: str) -> bool:
        from sessionlint.gate.definitions import defined_in

        return defined_in(repository.blob(tree.files[path].oid), path, qualname)

    return settle(checked, settings, baseline, today or datetime.date.today(), defines)


def policy_of(repository: Repository, tree: Tree) -> Policy | None:
    """The policy that a tree holds at its project's root. Raises :class:`PolicyError`."""
    for name in (OWN_FILE, SHARED_FILE):
        entry = tree.files.get(name)
        if entry is not None and entry.is_file:
            policy = policy_in(repository.blob(entry.oid), name, repository.folder)
            if policy is not None:
                return policy
    return None


def known_in(repository: Repository, tree: Tree, policy: Policy | None) -> Known | None:
    """The baseline that a tree holds. Raises :class:`~sessionlint.gate.baseline_text.BaselineError`."""
    from sessionlint.gate.baseline import Known
    from sessionlint.gate.baseline_text import parse

    path = (policy or Policy()).baseline
    entry = tree.files.get(path)
    return Known(parse(repository.blob(entry.oid), path), path) if entry is not None and entry.is_file else None


def _checked(
    repository: Repository,
    tree: Tree,
    policy: Policy | None,
    settings: Policy,
    facts: RevisionFacts | None,
    folder: Path | None,
    select: Sequence[str],
    ignore: Sequence[str],
) -> tuple[Checked, bool]:
    """What the rules and the comments say of a tree, and whether every rule did its work."""
    from sessionlint.discovery import passed_over
    from sessionlint.revision_facts import RevisionFacts
    from sessionlint.run import check_program
    from sessionlint.tree_discovery import discover_tree

    found = discover_tree(repository, tree, settings)
    reading = facts or RevisionFacts(repository, folder)
    program = reading.program(found.files, tree.files, settings)
    program.errors += tuple(CheckError(path, 1, _CONFLICT) for path in tree.conflicts)
    examined = check_program(program, policy, tuple(found.files), select=select, ignore=ignore)
    notes = tuple(f"{path} is a submodule; its files are not in this repository." for path in found.submodules)
    passed = passed_over(found.policies)
    report = dataclasses.replace(examined.report, notes=(*examined.report.notes, *notes, *passed))
    comments = reading.comments(found.files, forbid=settings.suppressions == "forbid")
    return Checked(report, comments), examined.complete


def _bare(root: Path) -> bool:
    """Whether the folder is itself a repository's, where no cache belongs."""
    return (root / "HEAD").is_file() and (root / "objects").is_dir()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
