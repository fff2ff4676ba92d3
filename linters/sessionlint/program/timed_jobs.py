"""Schedulers that are told by a call what to run: schedule (``every().day.do(work)``), aiocron, Airflow's operators."""

from __future__ import annotations

from typing import Final

from sessionlint.patterns import regex
from sessionlint.program.values import Value

_PACKAGES: Final = ("schedule.", "aiocron.", "airflow.")
_CALLS: Final = regex(
    r"schedule\.(?:Scheduler\(\)\.)?every\(\)(?:\.\w+(?:\(\))?)*\.do|aiocron\.crontab"
    r"|airflow\.(?:\w+\.)*\w*PythonOperator"
)
_TOLD: Final = ("func", "python_callable")


def tells(name: str) -> bool:
    """Whether calling the external function tells a scheduler what to run."""
    return name.startswith(_PACKAGES) and _CALLS.fullmatch(name) is not None


def work_of(name: str, args: list[Value], keywords: list[tuple[str, Value]]) -> list[Value]:
    """What is to be run, with what it is given."""
    if name.endswith(".do"):
        return args
    return [value for key, value in keywords if key in _TOLD][:1]
