"""What holds of every example, tried on a share of them each time: the whole takes longer than a change can wait."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

#: Set by ``make test-all``.
EVERYTHING = bool(os.environ.get("SESSIONLINT_TEST_ALL"))

T = TypeVar("T")


def one_in(number: int) -> int:
    """How many of a long row of alike things one is tried of: ``number``, or 1 where everything is asked for."""
    return 1 if EVERYTHING else number


def share_of(things: Iterable[T], number: int) -> list[T]:
    """The first and every ``number``-th after it, or all where everything is asked for."""
    return list(things)[:: one_in(number)]
