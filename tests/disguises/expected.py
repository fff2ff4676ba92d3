"""Disguises that the rules do not see through yet: a list that may only shrink.

``expected_failures.txt`` has a reason (a line that starts with ``#``) above the cases it explains, each
``disguise | example``.
"""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).parent / "expected_failures.txt"


def expected_failures() -> frozenset[tuple[str, str]]:
    """Disguise and example of each case that is known to fail. Raises :class:`ValueError` for one without a reason."""
    cases: set[tuple[str, str]] = set()
    reason = ""
    for number, line in enumerate(FILE.read_text("utf-8").splitlines(), 1):
        if line.startswith("#"):
            reason = line
        elif line.strip():
            disguise, bar, example = line.partition(" | ")
            if not bar or not reason:
                raise ValueError(f"{FILE.name}:{number}: write `disguise | example` below a line `# reason`")
            cases.add((disguise, example))
    return frozenset(cases)
