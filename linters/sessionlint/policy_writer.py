"""Writes an inferred policy into the project."""

from __future__ import annotations

import codecs
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


def render_for(target: Path, policy: Policy, notes: Sequence[str]) -> str:
    """The text of ``policy`` in the form that the file ``target`` takes it."""
    return render(policy, notes, table="tool.sessionlint" if target.name == SHARED_FILE else "")


def would_be_target(root: Path) -> Path:
    """The file in ``root`` a policy belongs into, also where one is there already or the file cannot be used."""
    try:
        return choose_target(root, force=True)
    except UsageError:
        return root / OWN_FILE


def write_policy(target: Path, policy: Policy, notes: Sequence[str], *, force: bool) -> None:
    """Writes ``policy`` into ``target``, which :func:`choose_target` chose. Raises :class:`UsageError`."""
    try:
        text = render_for(target, policy, notes)
        if target.name == SHARED_FILE:
            before = target.read_bytes()
            mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
            data = mark + insert(before.removeprefix(mark).decode("utf-8"), text, replace=force).encode()
        else:
            data = text.encode()
        write_atomically(target, data)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot write {target}: {error}.") from error
