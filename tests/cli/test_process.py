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
