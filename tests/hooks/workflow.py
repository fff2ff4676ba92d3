"""Runs the shell steps of GitHub actions and workflows as a runner would; what they ``uses`` is only noted.

Follows "Workflow syntax" and "Evaluate expressions" of the GitHub Actions documentation: ``shell: bash`` means
``bash --noprofile --norc -eo pipefail FILE``, no shell ``bash -e FILE``; a property that does not exist is empty; a
step without a status function in its condition runs only while none has failed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w.-]*(?:\(\))?|\|\||&&|==|!=|!|\(|\)|\d+)")
_OPERATORS = {"||": " or ", "&&": " and ", "==": "==", "!=": "!=", "!": " not ", "(": "(", ")": ")"}


@dataclass
class Job:
    """One run of a list of steps."""

    folder: Path
    temporary: Path
    environment: Mapping[str, str]
    context: dict[str, Any]
    failed: bool = False
    log: str = ""
    used: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, steps: Sequence[Mapping[str, Any]]) -> Job:
        """Runs the steps in order."""
        self.context.setdefault("steps", {})
        for number, step in enumerate(steps):
            if self._wanted(str(step.get("if", ""))):
                self._step(step, number)
        return self

    @property
    def summary(self) -> str:
        """What the steps wrote into the job's summary."""
        path = self.temporary / "summary.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _wanted(self, condition: str) -> bool:
        if not condition:
            return not self.failed
        inner = condition.strip().removeprefix("${{").removesuffix("}}")
        asks_for_status = "cancelled()" in inner or "always()" in inner
        return bool(evaluate(inner, self.context)) and (asks_for_status or not self.failed)

    def _step(self, step: Mapping[str, Any], number: int) -> None:
        if "uses" in step:
            given = {key: self._text(value) for key, value in step.get("with", {}).items()}
            self.used[str(step["uses"]).partition("@")[0]] = given
            return
        script, outputs = self.temporary / f"step-{number}.sh", self.temporary / f"outputs-{number}"
        script.write_text(self._text(step["run"]), encoding="utf-8")
        outputs.write_text("")
        options = ["--noprofile", "--norc", "-eo", "pipefail"] if step.get("shell") == "bash" else ["-e"]
        files = {"GITHUB_OUTPUT": str(outputs), "GITHUB_STEP_SUMMARY": str(self.temporary / "summary.md")}
        done = subprocess.run(
            ["bash", *options, str(script)],
            cwd=self.folder / self._text(step.get("working-directory", ".")),
            env={
                **os.environ,
                **self.environment,
                **files,
                "RUNNER_TEMP": str(self.temporary),
                **{key: self._text(value) for key, value in step.get("env", {}).items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log += done.stdout
        self.failed = self.failed or done.returncode != 0
        written = dict(line.split("=", 1) for line in outputs.read_text(encoding="utf-8").splitlines())
        self.context["steps"][step.get("id", "")] = {"outputs": written}

    def _text(self, value: object) -> str:
        return _EXPRESSION.sub(lambda match: _string(evaluate(match[1], self.context)), str(value))


def load(path: Path) -> dict[str, Any]:
    """The YAML file ``path``."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """The value of an expression without its ``${{ }}``."""
    python, position, text = "", 0, expression.strip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        assert token is not None, f"not understood: {text[position:]!r}"
        position = token.end()
        python += _OPERATORS.get(token[1]) or f" {_value(token[1], context)!r} "
    return eval(python.strip(), {"__builtins__": {}})


def _value(token: str, context: Mapping[str, Any]) -> Any:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if token in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[token]
    if token in ("cancelled()", "always()"):
        return token == "always()"
    if token.isdigit():
        return int(token)
    found: Any = context
    for name in token.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return "" if found is None else found


def _string(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
