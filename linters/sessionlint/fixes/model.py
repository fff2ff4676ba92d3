"""What a fixer says about a finding: new texts of files, or why there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

from sessionlint.report import Finding

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context

Safety = Literal["safe", "unsafe"]
"""``safe`` keeps behaviour; ``unsafe`` moves a transaction boundary, or the life of a session, as the rules ask."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """New texts (``changes``: path to text with line feeds) that mend ``finding``, all of them or none.

    ``title`` says in the imperative what is done: "Keep the task until it is done".
    """

    finding: Finding
    title: str
    safety: Safety
    changes: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why ``finding`` is not mended; ``path`` and ``line`` (default: its own) are what stands against it."""

    finding: Finding
    reason: str
    path: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """``path:line`` of what stands against the fix."""
        return f"{self.path or self.finding.path}:{self.line or self.finding.span.line}"


class CannotFixError(Exception):
    """Raised anywhere below a fixer: the finding is refused for ``reason``, at a place or at the finding's own."""

    def __init__(self, reason: str, path: str = "", line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.line = line


def refuse(reason: str, path: str = "", line: int = 0) -> NoReturn:
    """Ends a fixer: nothing is changed for ``reason`` (a sentence without its full stop), seen at ``path:line``."""
    raise CannotFixError(reason, path, line)


Fixer = Callable[["Context", Finding], Proposal | Refusal]
"""Pure: reads the context, proposes texts. May raise :class:`CannotFixError`."""
