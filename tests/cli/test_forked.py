"""Work in several processes comes back in order, whatever becomes of a process."""

import os
import signal
import threading
from functools import partial

import pytest

from sessionlint.forked import results_of


def _numbered(number):
    return number, os.getpid()


def test_results_come_in_the_order_of_the_tasks_from_processes_of_their_own():
    found = results_of([partial(_numbered, number) for number in range(5)], 2)
    assert [number for number, _ in found] == [0, 1, 2, 3, 4]
    assert len({pid for _, pid in found} - {os.getpid()}) == 5


def test_no_more_processes_run_than_asked_for(tmp_path):
    def task():
        (tmp_path / str(os.getpid())).touch()
        running = len(list(tmp_path.iterdir()))
        (tmp_path / str(os.getpid())).unlink()
        return running

    assert max(results_of([task] * 8, 2)) <= 2


@pytest.mark.parametrize("end", [lambda: os._exit(3), lambda: os.kill(os.getpid(), signal.SIGKILL)])
def test_a_task_whose_process_dies_is_done_here(end):
    parent = os.getpid()

    def task():
        if os.getpid() != parent:
            end()
        return "done"

    assert results_of([task, lambda: "other"]) == ["done", "other"]


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


def test_without_room_for_a_process_the_work_is_done_here(monkeypatch):
    def fork():
        raise OSError("no room")

    monkeypatch.setattr(os, "fork", fork)
    assert results_of([lambda: 1, lambda: 2]) == [1, 2]
