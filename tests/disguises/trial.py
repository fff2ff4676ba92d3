"""Runs disguises on examples and says what came out."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Sequence

from tests.disguises.catalogue import DISGUISES, Disguise
from tests.disguises.judging import Example, Verdict, all_examples, disguised, judge


def pairs(share: int = 1, disguises: Sequence[Disguise] = DISGUISES) -> Iterator[tuple[Disguise, Example]]:
    """Every disguise with every example, or the same one in ``share`` of them each time."""
    for disguise in disguises:
        for example in all_examples():
            if zlib.crc32(f"{disguise.id} {example.id}".encode()) % share == 0:
                yield disguise, example


def verdict(disguises: Sequence[Disguise], example: Example) -> Verdict | None:
    """What the rules make of the disguised example; ``None`` when there is nothing to disguise or to claim."""
    codes = {code for code in example.codes if not any(code in d.not_for for d in disguises)}
    rendered = disguised(example, disguises) if codes else None
    return None if rendered is None else judge(example, rendered, codes)


def composed(seed: int, number: int) -> Iterator[tuple[Disguise, Disguise, Example]]:
    """``number`` random pairs of disguises, each with a random example."""
    chosen = random.Random(seed)
    for _ in range(number):
        yield chosen.choice(DISGUISES), chosen.choice(DISGUISES), chosen.choice(all_examples())
