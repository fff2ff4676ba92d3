"""Scoped registries: where most functions take the session that one keeps, context managers are not the way."""

from __future__ import annotations

from collections.abc import Collection

from sessionlint.infer.sources import Source
from sessionlint.infer.survey import Survey
from sessionlint.infer.words import plural
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Handle


def kept_instead(survey: Survey, files: Collection[str], contexts: list[Source]) -> str:
    """A sentence when more functions take the session that a registry of the files keeps than any of ``contexts``."""
    users = {user for source in contexts for user in source.users}
    readers = _readers(survey, files) if contexts else set()
    if len(readers) <= len(users):
        return ""
    others = plural(len(readers), "function")
    return (
        f"{contexts[0].name}() of {contexts[0].path} hands its sessions to {plural(len(users), 'function')}, while "
        f"{others} take the one that a scoped registry keeps"
    )


def _readers(survey: Survey, files: Collection[str]) -> set[FunctionInfo]:
    """The functions in other files that get the session of a registry from a function of these."""
    found: set[FunctionInfo] = set()
    for event in survey.program.events("obtain"):
        keeper = event.callee
        if keeper is None or keeper.path not in files or event.path in files or event.path not in survey.included:
            continue
        if any(isinstance(a, Handle) and a.registry for a in event.subject):
            found.add(event.function)
    return found
