"""The policy the project was measured by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page


def policy_page(subject: Subject) -> Page:
    """Every key of the policy with its value, and what decides which rules run."""
    snapshot = subject.snapshot
    data: Data = {
        "digest": snapshot.yardstick.policy_digest,
        "tool_version": snapshot.yardstick.tool_version,
        "entries": [{"key": key, "values": _values(value)} for key, value in sorted(subject.policy.items())],
        "files": len(snapshot.checked),
        "layers": _layers(subject),
    }
    return Page("policy.html", "policy.html", "Policy", "policy.html", data)


def _values(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key} = {_text(inner)}" for key, inner in value.items()]
    if isinstance(value, (list, tuple)):
        return [_text(inner) for inner in value]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _layers(subject: Subject) -> list[Data]:
    layers: dict[str, list[int]] = {}
    for record in subject.snapshot.checked:
        counts = layers.setdefault(record.layer, [0, 0, 0])
        counts[0] += 1
        counts[1] += record.debt == 0
        counts[2] += record.debt
    return [
        {"layer": layer, "files": counts[0], "compliant": counts[1], "debt": counts[2]}
        for layer, counts in sorted(layers.items())
    ]
