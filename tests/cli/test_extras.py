"""Each extra brings what its commands need, and who lacks one is told which."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import installed

EXAMPLE = Path(__file__).parents[2] / "examples" / "noncompliant"
README = EXAMPLE.parents[1] / "README.md"
NOTHING = ""


@pytest.fixture
def backend(tmp_path: Path) -> Path:
    folder = tmp_path / "backend"
    shutil.copytree(EXAMPLE, folder)
    return folder


def start(folder: Path, extra: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, installed.__file__, extra, *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("extra", "command", "status"),
    [
        (NOTHING, "check --no-cache --format text", 1),
        (NOTHING, "check --no-cache --format sarif", 1),
        (NOTHING, "check --no-cache --format junit", 1),
        (NOTHING, "inventory", 0),
        (NOTHING, "rules", 0),
        (NOTHING, "explain TXN101", 0),
        (NOTHING, "template list", 0),
        (NOTHING, "baseline create", 0),
        ("fix", "fix --diff", 1),
        ("report", "report --no-history --output pages", 0),
        ("report", "report --format json", 0),
        ("report", "history list --history kept.db", 0),
        ("server", "server --stdio", 1),  # its input ends without a request to shut down
    ],
)
def test_an_extra_alone_is_enough_for_its_commands(backend, extra, command, status):
    if "kept.db" in command:
        start(backend, extra, "report", "--history", "kept.db", "--output", "pages")
    result = start(backend, extra, *command.split())
    assert (result.returncode, "Error" in result.stderr) == (status, False), result.stderr


def test_who_follows_the_first_page_lacks_nothing(backend):
    _, page = README.read_text().split("On your own project")
    installed_extras, *rest = re.findall(r"^    (?:pip install '.*\[(.*)\]'|sessionlint (.*?)) +#", page, re.MULTILINE)
    commands = [command for _, command in rest]
    assert (installed_extras[0], len(commands)) == ("fix,report", 9)
    for command in commands:
        assert "pip install" not in start(backend, installed_extras[0], *command.split()).stderr


@pytest.mark.parametrize(
    ("command", "extra"),
    [("fix --diff", "fix"), ("report", "report"), ("history list", "report"), ("server", "server")],
)
def test_who_lacks_an_extra_is_told_which(backend, command, extra):
    result = start(backend, NOTHING, *command.split())
    last = result.stderr.splitlines()[-1]
    assert (result.returncode, last.rpartition(": ")[2].rstrip(".")) == (2, f"pip install 'sessionlint[{extra}]'")
