"""What a rule is: its description, its examples, and a pure check from program to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessionlint.fixable import FIXERS
from sessionlint.report import Finding, Severity

if TYPE_CHECKING:
    from sessionlint.program.api import Program


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's page: permanent code and name, and the texts users read.

    ``summary`` is one sentence; ``rationale`` says what breaks in production; ``remedy`` what to write
    instead; ``not_flagged`` what looks alike and is fine. ``presets`` are the presets that switch it on.
    """

    code: str
    name: str
    summary: str
    rationale: str
    remedy: str
    not_flagged: str
    presets: tuple[str, ...] = ("scrapersky", "unit-of-work")
    severity: Severity = "error"
    #: compares things of several files, so that an edit of one may change findings in others
    program_wide: bool = False

    @property
    def fixable(self) -> bool:
        """Whether ``sessionlint fix`` has a fixer for it."""
        return self.code in FIXERS


@dataclass(frozen=True, slots=True)
class Bad:
    """Code the rule flags. Each flagged line ends in a marker comment ``# TXN101@9``: code and column.

    ``source`` may hold several files, each opened by a line ``# --- path/in/project.py``; without one it
    is ``path``. ``policy`` overrides keys of the example policy (see ``tests/rules``).
    """

    source: str
    path: str = "app/services/example.py"
    policy: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Good:
    """Code that looks alike and must stay silent, for every rule."""

    source: str
    path: str = "app/services/example.py"
    policy: tuple[tuple[str, object], ...] = ()


Check = Callable[["Program"], Iterator[Finding]]
