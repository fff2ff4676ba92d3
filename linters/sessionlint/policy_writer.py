"""Writes an inferred policy into the project."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from sessionlint.atomic import write_atomically
from sessionlint.errors import UsageError
from sessionlint.policy_file import OWN_FILE, SHARED_FILE
from sessionlint.policy_model import Policy
from sessionlint.policy_text import insert, render


def choose_target(root: Path, *, force: bool) -> Path:
    """The file in ``root`` a policy goes into. Raises :class:`UsageError` when one is there and not ``force``."""
    own, shared = root / OWN_FILE, root / SHARED_FILE
    if own.exists():
        if not force:
            raise UsageError(f"{own} exists already; --force replaces it.")
        return own
    if not shared.exists():
        return own
    try:
        document = tomllib.loads(shared.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{shared} cannot be read: {error}. Mend it, or create {OWN_FILE} by --stdout.") from error
    if "sessionlint" in document.get("tool", {}) and not force:
        raise UsageError(f"{shared} already holds [tool.sessionlint]; --force replaces it.")
    return shared


def write_policy(target: Path, policy: Policy, notes: Sequence[str], *, force: bool) -> None:
    """Writes ``policy`` into ``target``, which :func:`choose_target` chose. Raises :class:`UsageError`."""
    try:
        if target.name == SHARED_FILE:
            block = render(policy, notes, table="tool.sessionlint")
            text = insert(target.read_bytes().decode("utf-8"), block, replace=force)
        else:
            text = render(policy, notes)
        write_atomically(target, text.encode())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot write {target}: {error}.") from error
