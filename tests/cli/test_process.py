"""The installed command as a process: pipes, encodings, imports."""

import os
import subprocess
import sys
from pathlib import Path

from sessionlint.policy import load_policy
from sessionlint.run import run

COMMAND = [sys.executable, "-m", "sessionlint"]


def start(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_a_reader_that_went_away_gets_no_traceback():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        result = subprocess.run([*COMMAND, "--help"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "")


def test_a_run_over_unchanged_files_imports_neither_engine_nor_rules(tree, engine):
    root = tree({"sessionlint.toml": "", "a.py": "commit\n", "größe.py": "x\n"})
    report = run(root, load_policy(root))
    code = (
        "import sys\nfrom sessionlint.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    heavy = {'libcst', 'sessionlint.program', 'sessionlint.facts', 'sessionlint.rules'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "check", str(root)], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (1, "[]\n")
    assert result.stdout.startswith("a.py:1:1: TXN201 commit here.\n")
    assert len(report.findings) == 1


def test_a_terminal_without_unicode_gets_escapes_and_no_traceback(tree, engine):
    root = tree({"sessionlint.toml": "", "größe 数.py": "commit\n"})
    run(root, load_policy(root))
    result = start("check", root, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert (result.returncode, result.stderr) == (1, b"")
    assert result.stdout.startswith(b"gr\xf6\xdfe \\u6570.py:1:1: TXN201 commit here.\n")


def closed(stream: int, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """A run that begins with one of its streams closed."""
    shell = " ".join([*COMMAND, *arguments, f"{stream}>&-"])
    return subprocess.run(["bash", "-c", shell], capture_output=True, check=False)


def test_with_closed_streams_the_status_says_what_could_not_be_told(tree, engine):
    root = tree({"sessionlint.toml": "", "a.py": "x\n"})
    run(root, load_policy(root))
    silent, lost = closed(2, "check", str(root)), closed(1, "check", str(root))
    assert (silent.returncode, silent.stdout) == (0, b"No findings in 1 file.\n")
    assert lost.returncode == 2
    assert lost.stderr == b"Error: standard output is closed; send it to a file.\n"


def test_a_full_disk_and_a_lost_folder_are_no_defects(tmp_path):
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run([*COMMAND, "rules"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr in (
        "Error: cannot write: No space left on device.\n",
        "Error: cannot write to standard output: No space left on device.\n",
    )
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = f"rmdir {gone}; {' '.join(COMMAND)} check"
    lost = subprocess.run(["bash", "-c", shell], cwd=gone, capture_output=True, text=True, check=False)
    assert (lost.returncode, lost.stderr) == (2, "Error: the working folder is gone; change to one that exists.\n")


def test_what_is_neither_file_nor_folder_is_refused_by_name_and_told_otherwise(tree):
    root = tree({"sessionlint.toml": "", "a.py": "x = 1\n"})
    os.mkfifo(root / "pipe.py")
    (root / "zero.py").symlink_to("/dev/zero")
    (root / "loop.py").symlink_to("loop.py")
    whole = start("check", "--no-cache", root)
    assert whole.returncode == 2
    told = dict(line.split(" TXN901 not checked: ") for line in whole.stdout.decode().splitlines() if "TXN901" in line)
    assert told == {
        "loop.py:1:1:": f"cannot be read: {os.strerror(40)}; grant access or exclude it.",
        "pipe.py:1:1:": "cannot be read: it is not a regular file; exclude it from the check.",
        "zero.py:1:1:": "cannot be read: it is not a regular file; exclude it from the check.",
    }
    for name in ("pipe.py", "zero.py"):
        named = start("check", "--no-cache", root / name)
        assert named.returncode == 2
        assert f"{name}' is neither a file nor a folder." in named.stderr.decode()
    assert b"defect" not in start("check", "--no-cache", root / "loop.py").stderr
