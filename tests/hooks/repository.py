"""A git work tree to give commands in, and what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Done:
    """What a command left behind; hooks write to both streams, so ``output`` holds both."""

    status: int
    output: str


@dataclass(frozen=True)
class Repository:
    """A work tree to give commands in."""

    path: Path

    def run(self, *command: str, env: Mapping[str, str] | None = None, folder: str = ".") -> Done:
        """Runs a command and returns whatever its status is."""
        done = subprocess.run(
            command,
            cwd=self.path / folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, **(env or {})},
        )
        return Done(done.returncode, done.stdout)

    def git(self, *arguments: str) -> str:
        """What git prints; its failure fails the test."""
        done = self.run("git", *arguments)
        assert done.status == 0, done.output
        return done.output.strip()

    def write(self, files: Mapping[str, str | None]) -> None:
        """Writes files; None removes one."""
        for name, text in files.items():
            path = self.path / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def stage(self, files: Mapping[str, str | None]) -> None:
        """Writes or removes files, and stages just them."""
        self.write(files)
        self.git("add", "--all", "--", *files)

    def commit(self, *arguments: str) -> Done:
        """Commits what is staged, through the hooks."""
        return self.run("git", "commit", "-m", "A change", *arguments)

    def sessionlint(self, *arguments: str, folder: str = ".") -> Done:
        """Runs the command line."""
        return self.run(str(BIN / "sessionlint"), *arguments, folder=folder)

    @property
    def head(self) -> str:
        """The newest commit."""
        return self.git("rev-parse", "HEAD")
