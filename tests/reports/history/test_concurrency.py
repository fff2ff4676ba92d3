"""Several jobs write one history at once: nothing is lost, nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sessionlint_reports.history.store import History

WRITERS = 4
EACH = 8
JOB = """
import sys
from sessionlint_reports.history.store import History
from tests.reports.history.samples import found, snapshot

place, number, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
input()
with History.open(place) as history:
    for day in range(each):
        # half of the commits are everybody's, half are one job's own
        commit = f"shared-{day}" if day % 2 else f"own-{number}-{day}"
        findings = [found("TXN101", f"{commit}-{i}") for i in range(20)]
        history.record(snapshot(day, findings, commit=commit, project=f"project-{day % 2}"))
"""


def test_jobs_that_start_on_an_empty_history_lose_nothing(place: str) -> None:
    jobs = [_started(place, number) for number in range(WRITERS)]
    for job in jobs:
        assert job.stdin is not None
        job.stdin.write("go\n")
        job.stdin.flush()
    ended = [(*job.communicate(), job.returncode) for job in jobs]
    assert [(out, error, status) for out, error, status in ended] == [("", "", 0)] * WRITERS
    with History.open(place, create=False) as history:
        own = history.snapshots("project-0")
        shared = history.snapshots("project-1")
        assert sorted(info.revision.commit for info in own) == sorted(
            f"own-{number}-{day}" for number in range(WRITERS) for day in range(0, EACH, 2)
        )
        assert sorted(info.revision.commit for info in shared) == [f"shared-{day}" for day in range(1, EACH, 2)]
        assert {len(history.load(info.id).findings) for info in (*own, *shared)} == {20}


def _started(place: str, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", JOB, place, str(number), str(EACH)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
