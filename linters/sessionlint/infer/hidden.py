"""Files in hidden folders (``.agents/``, ``.scratch/``): they are checked, and nothing in them is approved."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.infer.survey import MAKERS, Survey
from sessionlint.infer.words import plural


def left_out(survey: Survey) -> Iterator[str]:
    """A sentence on what hidden files make that the application has, for they may be a copy of it."""
    outside = (e for e in survey.program.events("create") if e.name in MAKERS and e.path not in survey.included)
    hidden = sorted({e.path for e in outside if any(f.startswith(".") for f in e.path.split("/")[:-1])})
    if hidden:
        more = (
            f" (so {'does' if len(hidden) == 2 else 'do'} {plural(len(hidden) - 1, 'more file')})" if hidden[1:] else ""
        )
        yield (
            f"{hidden[0]} makes an engine or session factory of its own{more} and lies in a hidden folder; if that is "
            "a copy, leave it out by `exclude`"
        )
