"""The tools that are compared, each in an environment of its own, with pinned versions."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

RULES = Path(__file__).parent / "semgrep_rules.yml"


@dataclass(frozen=True)
class Tool:
    """A tool from the package index and the arguments it is started with.

    ``arguments`` may hold ``{files}``, which stands for all files. ``slow`` tools run once by default.
    """

    name: str
    package: str
    version: str
    arguments: tuple[str, ...]
    accepted: tuple[int, ...] = (0, 1)
    slow: bool = False


RUFF = Tool(
    "ruff check", "ruff", "0.17.5", ("ruff", "check", "--no-cache", "--isolated", "--output-format=concise", ".")
)
_OFFLINE = ("--metrics=off", "--disable-version-check")
SEMGREP = Tool(
    "semgrep, three rules",
    "semgrep",
    "1.182.0",
    ("semgrep", "scan", "--config", str(RULES), *_OFFLINE, "--no-git-ignore", "--quiet", "."),
    slow=True,
)
OTHERS = (
    SEMGREP,
    Tool("flake8-async", "flake8-async", "26.8.1", ("flake8-async", "{files}"), slow=True),
    Tool("Fixit", "fixit", "2.2.1", ("fixit", "--quiet", "lint", "."), slow=True),
)


def command(tool: Tool, cache: Path, files: list[str]) -> list[str]:
    """How to start ``tool``, which is installed first if need be. Raises :class:`SystemExit`."""
    folder = cache / "tools" / f"{tool.package}-{tool.version}"
    program = folder / "bin" / tool.arguments[0]
    if not program.exists():
        print(f"Installing {tool.package} {tool.version}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        wanted = f"{tool.package}=={tool.version}"
        done = subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", wanted], check=False)
        if done.returncode or not program.exists():
            raise SystemExit(f"cannot install {wanted}; is the package index reachable?")
    words = [str(program)]
    for argument in tool.arguments[1:]:
        words += files if argument == "{files}" else [argument]
    return words


def environment(tool: Tool, cache: Path) -> dict[str, str]:
    """Semgrep finds its helpers by PATH; nothing else is changed."""
    if tool is not SEMGREP:
        return {}
    folder = cache / "tools" / f"{tool.package}-{tool.version}" / "bin"
    return {"PATH": f"{folder}:/usr/bin:/bin", "SEMGREP_SEND_METRICS": "off"}
