"""Files are replaced in one step; what is no file is written to."""

from __future__ import annotations

import os
import threading

from sessionlint.atomic import write_atomically


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path):
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    target.chmod(0o600)
    write_atomically(target, b"new")
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"report")
    reader.join()
    assert received == [b"report"]
    assert pipe.is_fifo()


def test_the_target_of_a_link_is_replaced_not_the_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_without_following_a_link_is_replaced_itself(tmp_path):
    (tmp_path / "real").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "loop").symlink_to("loop")
    write_atomically(tmp_path / "link", b"new", follow=False)
    write_atomically(tmp_path / "loop", b"new", follow=False)
    assert (tmp_path / "real").read_bytes() == b"precious"
    assert [(tmp_path / name).is_symlink() for name in ("link", "loop")] == [False, False]
    assert (tmp_path / "link").read_bytes() == b"new"
