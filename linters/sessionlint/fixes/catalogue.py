"""Finds the fixer of a rule and runs it; whatever goes wrong in it is a refusal with the reason."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from sessionlint.fixable import FIXERS
from sessionlint.fixes.model import CannotFixError, Fixer, Proposal, Refusal

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context
    from sessionlint.report import Finding


@cache
def fixer_of(code: str) -> Fixer | None:
    """The fixer registered for a rule's code; None when there is none."""
    place = FIXERS.get(code)
    if place is None:
        return None
    module, _, name = place.partition(":")
    fixer: Fixer = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    return fixer


def propose(context: Context, finding: Finding) -> Proposal | Refusal:
    """What the fixer of the finding's rule says; never raises."""
    fixer = fixer_of(finding.code)
    if fixer is None:
        return Refusal(finding, f"there is no fixer for {finding.code}")
    try:
        found = fixer(context, finding)
    except CannotFixError as error:
        return Refusal(finding, error.reason, error.path, error.line)
    except RecursionError:
        return Refusal(finding, "the code nests too deeply to be rewritten")
    except Exception as error:
        problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Refusal(finding, f"the fixer of {finding.code} failed ({problem}); this is a defect, please report it")
    if isinstance(found, Proposal) and all(context.text(path) == text for path, text in found.changes.items()):
        return Refusal(finding, "the fixer found nothing to change")
    return found
