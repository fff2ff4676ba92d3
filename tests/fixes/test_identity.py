"""Ids with a prefix become plain UUIDs, where nothing knows the prefix."""

import pytest

from tests.fixes.support import fixed

HEADER = "import uuid\nfrom uuid import uuid4\n\n"


def identified(code: str, other: str = "") -> tuple[str, list[str]]:
    """A line of a service as the fixer leaves it, and why it was refused."""
    files = {
        "app/services/ids.py": f"{HEADER}\ndef make():\n    {code}\n    return 1\n",
        "app/services/other.py": other,
    }
    result = fixed(files, select=("TXN702",))
    return result.files["app/services/ids.py"].split("\n")[5].strip(), [r.partition(": ")[2] for r in result.reasons]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('job_id = f"job_{uuid4()}"', "job_id = str(uuid4())"),
        ('job_id = "job-" + str(uuid.uuid4())', "job_id = str(uuid.uuid4())"),
        ('job_id = f"job_{uuid4().hex}"', "job_id = str(uuid4())"),
    ],
)
def test_a_prefix_goes_and_text_stays_text(before: str, after: str) -> None:
    assert identified(before) == (after, [])
    assert identified(before, 'WORD = "job"\n') == (after, [])


@pytest.mark.parametrize(
    ("before", "other", "reason"),
    [
        (
            'job_id = f"job_{uuid4()}"',
            'def is_job(key):\n    return key.startswith("job_")\n',
            "'job_' may be looked for in ids",
        ),
        ('job_id = f"job_{uuid4()}"', 'FILTER = "job_%"\n', "'job_%' may be looked for in ids"),
        (
            'job_id = f"job_{str(uuid4())[:8]}"',
            "",
            "the id holds a part of a UUID; the column may be too short for a whole one",
        ),
        ("job_id = str(uuid4())[:8]", "", "the id is put together elsewhere, or of a part of a UUID"),
        ('kind = "x"; job_id = f"{kind}_{uuid4()}"', "", "kind is part of the id, and may be needed from it"),
    ],
)
def test_ids_that_are_more_than_a_prefix_are_refused(before: str, other: str, reason: str) -> None:
    assert identified(before, other) == (before, [reason])
