"""What runs a program's functions: rules judge them by it, and calls elsewhere decide about it."""

from __future__ import annotations

from sessionlint.program.model import FunctionInfo

Situations = tuple[frozenset[FunctionInfo], ...]
"""Functions by what runs them, see :attr:`sessionlint.program.api.Program.situations`."""


def moved(before: Situations, after: Situations, changed: frozenset[str]) -> bool:
    """Whether functions of other files than the changed ones are run by something else than before."""
    return any(f.path not in changed for old, new in zip(before, after, strict=True) for f in old ^ new)
