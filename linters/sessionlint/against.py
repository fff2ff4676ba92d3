"""What is new since a revision: the program as it is, compared with the program as it was, whole."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

from sessionlint.errors import PolicyError
from sessionlint.gate.baseline import compare, entries_of
from sessionlint.gate.baseline_file import defines_on_disk
from sessionlint.policy_model import Policy
from sessionlint.report import Report
from sessionlint.revisions import Repository, Tree, check_tree, policy_of

# What a revision approved is judged as it was then; what is looked for, as it is now.
_APPROVALS = (
    "session_modules",
    "session_dependencies",
    "session_contexts",
    "auth_dependencies",
    "allow_unprotected",
    "layers",
)
_SHORT = 10


def new_since(
    report: Report,
    root: Path,
    rev: str,
    policy: Policy | None,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    today: datetime.date | None = None,
    use_cache: bool = True,
) -> Report:
    """``report``, which is on the whole project in ``root``, with what was there at the merge base of ``HEAD`` and
    ``rev`` absorbed.

    Both are judged by the same rules; what is approved (session modules, layers…) is what each one's own policy
    says, so an approval that is taken away makes its violations new. Files and functions that moved keep their
    findings. Raises :class:`~sessionlint.revisions.RevisionError`.
    """
    with Repository(root) as repository:
        base = repository.merge_base(rev)
        tree = repository.tree(base)
        then, notes = _policy_then(repository, tree, policy, rev)
        before = check_tree(repository, tree, then, select=select, ignore=ignore, today=today, use_cache=use_cache)
    found = compare(report.findings, entries_of(before.findings), report.files, defines_on_disk(root))
    notes += [
        f"{rev}: {error.path}:{error.line} could not be checked ({error.message}); what depends on it counts as new."
        for error in before.errors
    ]
    if not tree.files:
        notes.append(f"{rev} does not hold this project yet: every finding counts as new.")
    return dataclasses.replace(
        report,
        findings=found.new,
        absorbed=found.absorbed,
        notes=(*report.notes, *notes),
        compared_with=f"{rev} (merge base {base[:_SHORT]})",
    )


def _policy_then(
    repository: Repository, tree: Tree, policy: Policy | None, rev: str
) -> tuple[Policy | None, list[str]]:
    """The policy to judge the revision by, and what is to be said about it."""
    try:
        stated = policy_of(repository, tree)
    except PolicyError as error:
        return policy, [f"{rev} has a policy that cannot be used ({error}); today's was used for it."]
    if stated is None or policy is None:
        return policy or stated, []
    return dataclasses.replace(policy, **{name: getattr(stated, name) for name in _APPROVALS}), []
