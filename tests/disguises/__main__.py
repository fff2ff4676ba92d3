"""``python -m tests.disguises``: every disguise on every example; with ``--compose N [SEED]``, N random pairs of them.

Prints what fails and is not in ``expected_failures.txt``, and what is there and passes. Exit status 1 for either.
"""

from __future__ import annotations

import sys

from tests.disguises.catalogue import DISGUISES
from tests.disguises.expected import expected_failures
from tests.disguises.judging import all_examples
from tests.disguises.project import NotDisguisedError
from tests.disguises.trial import composed, pairs, verdict


def _all() -> int:
    known, failed, ran = expected_failures(), set(), 0
    for disguise, example in pairs():
        found = verdict([disguise], example)
        ran += found is not None
        if found is not None and not found.holds:
            failed.add((disguise.id, example.id))
            if (disguise.id, example.id) not in known:
                print(f"{disguise.id} | {example.id}: lost {found.lost}, extra {found.extra}")
    for disguise_id, example_id in sorted(known - failed):
        print(f"{disguise_id} | {example_id} passes: take it out of expected_failures.txt")
    print(f"{ran} disguised examples, {len(failed)} fail, {len(known)} of them expected")
    return int(failed != known)


def _composed(number: int, seed: int) -> int:
    known = expected_failures()
    weak = {(d.id, e.id) for d in DISGUISES for e in all_examples()} & known
    failed = ran = 0
    for first, second, example in composed(seed, number):
        if (first.id, example.id) in weak or (second.id, example.id) in weak:
            continue
        try:
            found = verdict([first, second], example)
        except (NotDisguisedError, ValueError) as error:
            print(f"{first.id} + {second.id} | {example.id}: {error}")
            continue
        ran += found is not None
        if found is not None and not found.holds:
            failed += 1
            print(f"{first.id} + {second.id} | {example.id}: lost {found.lost}, extra {found.extra}")
    print(f"{ran} doubly disguised examples, {failed} fail")
    return int(failed > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compose"]:
        sys.exit(_composed(int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
    sys.exit(_all())
