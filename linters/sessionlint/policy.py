"""What is approved in a project: the policy every other room reads.

A :class:`Policy` is plain frozen data. It comes from ``sessionlint.toml`` or ``[tool.sessionlint]`` in
``pyproject.toml``, or from what the project itself shows when neither is there.
"""

from __future__ import annotations

from sessionlint.layers import LAYERS
from sessionlint.policy_file import OWN_FILE, SHARED_FILE, Place, load_policy, locate, read_policy
from sessionlint.policy_model import Policy
from sessionlint.policy_schema import policy_from_mapping
from sessionlint.presets import DEFAULT_LAYERS, DEFAULT_PRESET, PRESETS

__all__ = [
    "DEFAULT_LAYERS",
    "DEFAULT_PRESET",
    "LAYERS",
    "OWN_FILE",
    "PRESETS",
    "SHARED_FILE",
    "Place",
    "Policy",
    "load_policy",
    "locate",
    "policy_from_mapping",
    "read_policy",
]
