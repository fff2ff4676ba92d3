"""What the fixers propose for findings, as diffs to read; ``sessionlint fix`` proves a fix before it writes it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessionlint.report import Finding

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: Longer diffs are for an editor, not for a page.
_LONGEST = 300


def suggestions(
    root: Path, program: Program, files: Iterable[str], findings: Iterable[Finding]
) -> list[dict[str, Any]]:
    """Path, line, column, code, title, safety and diff of every proposal for ``findings``, in their order."""
    from sessionlint.fixable import FIXERS

    wanted = [finding for finding in findings if finding.code in FIXERS]
    if not wanted:
        return []
    from sessionlint.fixes.catalogue import propose
    from sessionlint.fixes.context import Context
    from sessionlint.fixes.model import Proposal
    from sessionlint.fixes.texts import Texts

    context = Context(program, Texts(_sources(root, files), program.policy, program.solver.names), wanted)
    found = []
    for finding in wanted:
        proposal = propose(context, finding)
        if not isinstance(proposal, Proposal):
            continue
        lines = list(_diff(context.text, proposal.changes))
        if len(lines) <= _LONGEST:
            span = finding.span
            found.append(
                {
                    "path": span.path,
                    "line": span.line,
                    "column": span.column,
                    "code": finding.code,
                    "title": proposal.title,
                    "safety": proposal.safety,
                    "diff": "".join(lines),
                }
            )
    return found


def _sources(root: Path, files: Iterable[str]) -> Mapping[str, bytes]:
    found = {}
    for path in files:
        try:
            found[path] = (root / path).read_bytes()
        except OSError:
            continue
    return found


def _diff(text: Callable[[str], str], changes: Mapping[str, str]) -> Iterator[str]:
    for path, after in sorted(changes.items()):
        before = text(path).splitlines(keepends=True)
        for line in difflib.unified_diff(before, after.splitlines(keepends=True), f"a/{path}", f"b/{path}"):
            yield line if line.endswith("\n") else f"{line}\n"
