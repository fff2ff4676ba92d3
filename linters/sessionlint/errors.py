"""Errors that end a run, each with a message meant for the user."""

from __future__ import annotations


class SessionlintError(Exception):
    """Base of every error a user can cause; its text names the file and the remedy."""


class PolicyError(SessionlintError):
    """The policy is not usable; ``problems`` lists every mistake found."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(f"{source}: {p}" for p in problems))


class UsageError(SessionlintError):
    """The command line asks for something that does not exist."""
