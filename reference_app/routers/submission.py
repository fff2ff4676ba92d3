"""From submitted text to scans: everything that can be decided before a transaction begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reference_app.errors import FieldError, InvalidInputError, TargetsRejectedError
from reference_app.schemas.batches import DuplicateTarget, RejectedTarget
from reference_app.scraping import NormalisedBatch, normalise_many
from reference_app.services.batches import BatchOptions, NewScan
from reference_app.settings import Settings


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of each submitted domain."""

    scans: tuple[NewScan, ...]
    rejected: list[RejectedTarget]
    duplicates: list[DuplicateTarget]


def read_targets(
    texts: Sequence[str], on_invalid: Literal["accept_valid", "reject_all"], settings: Settings
) -> Submission:
    """Normalises, checks and deduplicates domains; takes seconds for thousands, so run it in a thread.

    Raises ``TargetsRejectedError``, with an error per domain, when nothing is left to scan or the caller wants all
    or nothing, and ``InvalidInputError`` when there are more domains than the settings allow.
    """
    if len(texts) > settings.max_batch_size:
        raise InvalidInputError(f"A batch may have {settings.max_batch_size} domains; this one has {len(texts)}.")
    found = normalise_many(texts, allow_loopback=settings.allow_loopback)
    if found.rejected and (on_invalid == "reject_all" or not found.accepted):
        raise _rejection(found)
    return Submission(
        scans=tuple(
            NewScan(
                submitted=texts[item.index].replace("\x00", ""),
                domain=item.target.domain,
                url=item.target.url,
                host=item.target.host,
            )
            for item in found.accepted
        ),
        rejected=[RejectedTarget.model_validate(item) for item in found.rejected],
        duplicates=[DuplicateTarget.model_validate(item) for item in found.duplicates],
    )


def batch_options(max_pages: int | None, concurrency: int | None, name: str | None, settings: Settings) -> BatchOptions:
    """The options as asked for, or the settings' defaults. Raises ``InvalidInputError`` beyond the settings' limits."""
    limits = {
        "max_pages": (max_pages, settings.max_pages_limit),
        "concurrency": (concurrency, settings.batch_concurrency_limit),
    }
    wrong = [
        FieldError(f"/body/{field}", "too-large", f"The most this service allows is {limit}.")
        for field, (asked, limit) in limits.items()
        if asked is not None and asked > limit
    ]
    if wrong:
        raise InvalidInputError(errors=wrong)
    return BatchOptions(
        max_pages=max_pages or min(settings.max_pages_default, settings.max_pages_limit),
        concurrency=concurrency or settings.batch_concurrency_default,
        name=name,
    )


def _rejection(found: NormalisedBatch) -> TargetsRejectedError:
    return TargetsRejectedError(
        f"{len(found.rejected)} of the submitted domains cannot be scanned; nothing was accepted.",
        errors=[FieldError(f"/body/targets/{item.index}", item.code, item.message) for item in found.rejected],
    )
