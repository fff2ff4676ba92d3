"""Code actions: mend one finding, suppress it with a reason, mend a whole file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import types

from sessionlint.fixes.model import Refusal
from sessionlint.server import mending
from sessionlint.server.editing import insertion, raw_text, workspace_edit
from sessionlint.server.presenting import key_of
from sessionlint.server.scene import Checked, Scene
from sessionlint.server.suppressing import suppression
from sessionlint.server.workspace import Shown

QUICK_FIX = types.CodeActionKind.QuickFix
FIX_ALL = "source.fixAll.sessionlint"
FIX = "sessionlint.fix"
SUPPRESS = "sessionlint.suppress"
ASK_AND_SUPPRESS = "sessionlint.askAndSuppress"
"""A command of the client: asks for the reason and calls :data:`SUPPRESS` with it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An edit, or the reason why there is none."""

    edit: types.WorkspaceEdit | None = None
    reason: str = ""


def actions(scene: Scene, file: Path, wanted: types.Range, kinds: Sequence[str] | None) -> list[types.CodeAction]:
    """The actions for the findings in a range of a file; edits that have to be proven first are left for later."""
    found: list[types.CodeAction] = []
    checked = scene.checked(file)
    if checked is None:
        return found
    if _asked_for(QUICK_FIX, kinds):
        touched = [shown for shown in scene.shown(file) if _meet(scene.presenter.range(shown), wanted)]
        found += [action for shown in touched for action in _fix(scene, file, checked, shown)]
        found += [action for shown in touched for action in _suppress(scene, file, checked, shown)]
    # asked for by name only: whoever lists everything shows what there is at the cursor
    if kinds and _asked_for(FIX_ALL, kinds) and any(shown.finding.fixable for shown in scene.shown(file)):
        found.append(_later(scene, "Fix everything that is safe to fix", FIX_ALL, {"uri": scene.places.uri(file)}))
    return found


def fixed(scene: Scene, file: Path, key: Mapping[str, Any], outdated: Callable[[], bool]) -> Answer:
    """The edit of a fix: of one finding, or of all in the file when ``key`` names none. Takes its time to prove it.

    Raises :class:`~sessionlint.server.mending.OutdatedError`.
    """
    checked = scene.checked(file)
    if checked is None:
        return Answer(reason="the file is not checked as it is now")
    if "fingerprint" not in key:
        ours = {shown.finding.fingerprint for shown in scene.shown(file)}
        mended = mending.mend_all(checked.bench, checked.state, lambda f: f.fingerprint in ours, outdated)
    else:
        shown = scene.find(file, key)
        if shown is None:
            return Answer(reason="the finding is gone")
        mended = mending.mend(checked.bench, checked.state, shown.finding, outdated)
    if mended.reason:
        return Answer(reason=mended.reason)
    edit = scene.edit(checked.root, mended.contents)
    return Answer(edit, "" if edit else "a file it changes cannot be parsed as it is now")


def suppressed(scene: Scene, file: Path, key: Mapping[str, Any], reason: str) -> Answer:
    """The edit that suppresses a finding for a reason."""
    checked, shown = scene.checked(file), scene.find(file, key)
    if checked is None or shown is None:
        return Answer(reason="the finding is gone")
    if not any(map(str.isalnum, reason)):
        return Answer(reason="a suppression needs a reason")
    edit = _suppression(scene, file, checked, shown, " ".join(reason.split()))
    return Answer(edit, "" if edit else "no comment can be put there")


def _fix(scene: Scene, file: Path, checked: Checked, shown: Shown) -> list[types.CodeAction]:
    answer = mending.proposal(checked.state, shown.finding)
    if answer is None:
        return []
    diagnostics = [scene.presenter.diagnostic(shown)]
    if isinstance(answer, Refusal):
        if not scene.abilities.shows_disabled:
            return []
        title = f"Fix {shown.finding.code} {shown.finding.name}"
        why = types.CodeActionDisabled(f"{answer.reason} ({answer.place})")
        return [types.CodeAction(title, kind=QUICK_FIX, diagnostics=diagnostics, disabled=why)]
    safe = answer.safety == "safe"
    title = answer.title if safe else f"{answer.title} (unsafe: review it)"
    action = _later(scene, title, QUICK_FIX, {"uri": scene.places.uri(file), **key_of(shown.finding)})
    return [attrs.evolve(action, diagnostics=diagnostics, is_preferred=safe)]


def _suppress(scene: Scene, file: Path, checked: Checked, shown: Shown) -> list[types.CodeAction]:
    code = shown.finding.code
    edit = _suppression(scene, file, checked, shown, "")
    if edit is None:
        return []
    action = types.CodeAction("", kind=QUICK_FIX, diagnostics=[scene.presenter.diagnostic(shown)])
    if scene.abilities.asks:
        title = f"Suppress {code} with a reason…"
        key = {"uri": scene.places.uri(file), **key_of(shown.finding)}
        return [
            attrs.evolve(action, title=title, command=types.Command(title, ASK_AND_SUPPRESS, arguments=[key, code]))
        ]
    return [attrs.evolve(action, title=f"Suppress {code} (write the reason behind --)", edit=edit)]


def _suppression(scene: Scene, file: Path, checked: Checked, shown: Shown, reason: str) -> types.WorkspaceEdit | None:
    if checked.state.texts.policy.suppressions == "forbid":
        return None
    made = suppression(shown.finding, checked.data, reason)
    if made is None:
        return None
    buffer = scene.buffers.get(file)
    edit = insertion(buffer.text if buffer else raw_text(checked.data), made.line, made.text)
    version = buffer.version if buffer else None
    return workspace_edit([(scene.places.uri(file), version, [edit])], versioned=scene.abilities.versions)


def _later(scene: Scene, title: str, kind: str, data: dict[str, Any]) -> types.CodeAction:
    """An action whose edit is fetched when it is chosen, or by a command where the client cannot do that."""
    if scene.abilities.resolves:
        return types.CodeAction(title, kind=kind, data=data)
    return types.CodeAction(title, kind=kind, command=types.Command(title, FIX, arguments=[data]))


def _asked_for(kind: str, kinds: Sequence[str] | None) -> bool:
    return kinds is None or any(kind == wanted or kind.startswith(f"{wanted}.") for wanted in kinds)


def _meet(one: types.Range, other: types.Range) -> bool:
    def key(position: types.Position) -> tuple[int, int]:
        return position.line, position.character

    return key(one.start) <= key(other.end) and key(other.start) <= key(one.end)
