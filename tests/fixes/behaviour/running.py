"""Runs a program as it was and as a fix leaves it, each against a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from sessionlint.rules import examples
from tests.fixes.support import Fixed, fixed
from tests.support.postgres import PostgresServer

_SCENARIO = "scenario.py"
_RUN = """
import asyncio
import json
import sys

import app.models.item as items
from app.session import engine
from scenario import scenario


async def main():
    async with engine.begin() as connection:
        await connection.run_sync(items.Base.metadata.create_all)
    try:
        return await scenario()
    finally:
        await engine.dispose()


json.dump(asyncio.run(main()), sys.stdout)
"""


class Outcomes(NamedTuple):
    """What the scenario gave before and after the fix, and what the fix was."""

    before: Any
    after: Any
    fixed: Fixed


def outcomes(
    server: PostgresServer, files: Mapping[str, str], scenario: str, *, select: Sequence[str],
    policy: Mapping[str, object] | None = None,
) -> Outcomes:  # fmt: skip
    """Fixes the example project with ``files``, and runs both states.

    ``scenario`` is a module with ``async def scenario()``, which gives something that JSON can hold; the tables of
    ``app.models.item`` are there, and empty. Raises ``AssertionError`` with what the program printed when it fails.
    """
    result = fixed(files, select=select, policy=policy)
    programs = [{**examples.SUPPORT, **texts, _SCENARIO: scenario} for texts in (files, result.files)]
    running = [_Running(server, program) for program in programs]
    before, after = (program.result() for program in running)
    return Outcomes(before, after, result)


class _Running:
    def __init__(self, server: PostgresServer, program: Mapping[str, str]) -> None:
        self._folder = TemporaryDirectory()
        for name, text in program.items():
            path = Path(self._folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self._server, self._database = server, server.create_database()
        environment = {**os.environ, "DATABASE_URL": server.url(self._database), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "default", "-c", _RUN], cwd=self._folder.name, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def result(self) -> Any:
        try:
            output, errors = self._process.communicate(timeout=60)
        finally:
            self._process.kill()
            self._folder.cleanup()
            self._server.drop_database(self._database)
        assert self._process.returncode == 0, errors
        return json.loads(output)
