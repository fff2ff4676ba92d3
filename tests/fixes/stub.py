"""Fixers made for a test: what the machinery does must not depend on what real fixers can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from sessionlint.fixes import catalogue, rounds, telling
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Fixer, Proposal, Safety
from sessionlint.report import Finding

Made = Callable[[Context, Finding], Proposal]


def replacing(
    old: str, new: str, *, others: Mapping[str, tuple[str, str]] | None = None, safety: Safety = "safe"
) -> Made:
    """A fixer that replaces text on the line of the finding, and (``others``: path to old and new) in other files."""

    def fix(context: Context, finding: Finding) -> Proposal:
        lines = context.text(finding.path).split("\n")
        at = finding.span.line - 1
        lines[at] = lines[at].replace(old, new)
        changes = {finding.path: "\n".join(lines)}
        for path, (before, after) in (others or {}).items():
            changes[path] = context.text(path).replace(before, after)
        return Proposal(finding, f"Replace {old.strip()}", safety, changes)

    return fix


@contextmanager
def fixers(patch: pytest.MonkeyPatch, table: Mapping[str, Fixer]) -> Iterator[None]:
    """Only these fixers exist."""
    names = {code: f"stub:{code}" for code in table}
    find: Callable[[str], Fixer | None] = table.get
    with patch.context() as here:
        here.setattr(catalogue, "fixer_of", find)
        for module in (rounds, telling):
            here.setattr(module, "FIXERS", names)
        yield
