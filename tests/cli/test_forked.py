"""Work in several processes comes back in order, whatever becomes of a process.

What forks runs in an interpreter of its own: the threads of a test run would keep it from forking.
"""

import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from sessionlint.forked import results_of

_HEAD = "import json, os, pathlib, signal\nfrom sessionlint import forked\nfrom sessionlint.forked import results_of\n"


def printed(code: str) -> Any:
    """What a fresh interpreter prints, as JSON."""
    run = subprocess.run([sys.executable, "-c", _HEAD + code], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_results_come_in_the_order_of_the_tasks_from_processes_of_their_own():
    found = printed(
        "tasks = [lambda number=number: (number, os.getpid()) for number in range(5)]\n"
        "print(json.dumps([os.getpid(), results_of(tasks, 2)]))"
    )
    parent, results = found
    assert [number for number, _ in results] == [0, 1, 2, 3, 4]
    assert len({pid for _, pid in results} - {parent}) == 5


def test_no_more_processes_run_than_asked_for(tmp_path):
    found = printed(
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "def task():\n"
        "    own = folder / str(os.getpid())\n"
        "    own.touch()\n"
        "    running = len(list(folder.iterdir()))\n"
        "    own.unlink()\n"
        "    return running\n"
        "print(json.dumps(results_of([task] * 8, 2)))"
    )
    assert len(found) == 8
    assert max(found) <= 2


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_task_whose_process_dies_is_done_in_the_first_one(end):
    found = printed(
        "parent = os.getpid()\n"
        "def task():\n"
        "    if os.getpid() != parent:\n"
        f"        {end}\n"
        "    return os.getpid() == parent\n"
        "print(json.dumps(results_of([task, lambda: os.getpid() == parent])))"
    )
    assert found == [True, False]


@pytest.mark.parametrize(("tasks", "processes", "done"), [(1, 2, 1), (2, 2, 0), (3, 2, 0), (0, 2, 0)])
def test_with_room_for_one_more_this_process_does_something_meanwhile(tasks, processes, done):
    found = printed(
        "done = []\n"
        f"results = results_of([os.getpid] * {tasks}, {processes}, meanwhile=lambda: done.append(os.getpid()))\n"
        "print(json.dumps([os.getpid(), done, results]))"
    )
    parent, did, results = found
    assert did == [parent] * done
    assert parent not in results


def test_a_task_that_fails_fails_here():
    def task():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        results_of([task])


def test_beside_other_threads_nothing_is_forked():
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert results_of([os.getpid]) == [os.getpid()]
    finally:
        done.set()
        thread.join()


def test_without_room_for_a_process_the_work_is_done_in_the_first_one():
    found = printed(
        "def fork():\n"
        "    raise OSError('no room')\n"
        "os.fork = fork\n"
        "print(json.dumps([os.getpid(), results_of([os.getpid, os.getpid])]))"
    )
    assert found[1] == [found[0], found[0]]
