"""Infers the policy of a small project written for one test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sessionlint.discovery import discover
from sessionlint.infer import infer_policy
from sessionlint.policy import Policy


@dataclass(frozen=True)
class Inferred:
    """A policy and the sentences that go with it."""

    policy: Policy
    notes: tuple[str, ...]

    @property
    def sessions(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Session modules, dependencies and contexts."""
        return (self.policy.session_modules, self.policy.session_dependencies, self.policy.session_contexts)

    @property
    def layers(self) -> dict[str, tuple[str, ...]]:
        """The layers the policy states."""
        stated = [key.removeprefix("layers.") for key in self.policy.stated if key.startswith("layers.")]
        return {layer: self.policy.layers[layer] for layer in stated}


Infer = Callable[[Mapping[str, str]], Inferred]


@pytest.fixture
def infer(tree: Callable[[Mapping[str, str]], Path]) -> Infer:
    """Writes the files and infers their policy."""

    def run(files: Mapping[str, str]) -> Inferred:
        root = tree(files)
        return Inferred(*infer_policy(root, discover(root, Policy(root=root)).files))

    return run
