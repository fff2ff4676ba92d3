"""Batches, scans and pages over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from reference_app.models import AttemptOutcome, BatchStatus, ScanStatus
from reference_app.schemas.accounts import Label
from reference_app.schemas.common import EXAMPLE_ID, EXAMPLE_TIME, RequestBody, View
from reference_app.services.batches import Progress

MOST_TARGETS = 10_000
_MOST_PAGES = 1_000_000
Submitted = Annotated[str, StringConstraints(max_length=4096)]


class ScanOptions(RequestBody):
    """How to scan; what is left out comes from the service's settings, which also limit it."""

    max_pages: int | None = Field(default=None, ge=1, le=_MOST_PAGES, examples=[10])


class BatchCreation(ScanOptions):
    """Domains to scan."""

    targets: list[Submitted] = Field(
        min_length=1, max_length=MOST_TARGETS, examples=[["example.com", "bücher.example.com"]]
    )
    on_invalid: Literal["accept_valid", "reject_all"] = Field(
        default="accept_valid",
        description="Whether domains that cannot be scanned are left out, or the whole batch is refused.",
        examples=["accept_valid"],
    )
    concurrency: int | None = Field(default=None, ge=1, le=10_000, description="Scans at once.", examples=[20])
    name: Label | None = Field(default=None, examples=["November customers"])


class ScanCreation(ScanOptions):
    """One domain to scan."""

    target: Submitted = Field(examples=["example.com"])


class ProgressView(View):
    """How far a batch is."""

    batch_id: UUID = Field(examples=[EXAMPLE_ID])
    status: BatchStatus = Field(examples=["running"])
    total: int = Field(examples=[2])
    finished: int = Field(examples=[1])
    by_status: dict[ScanStatus, int] = Field(examples=[{"running": 1, "succeeded": 1}])
    pages_scanned: int = Field(examples=[14])

    @classmethod
    def of(cls, progress: Progress) -> ProgressView:
        """What is shown of a batch's progress."""
        return cls.model_validate(progress)


class BatchView(View):
    """A batch."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    created_by_id: UUID = Field(examples=[EXAMPLE_ID])
    name: str | None = Field(examples=["November customers"])
    status: BatchStatus = Field(examples=["running"])
    max_pages: int = Field(examples=[10])
    concurrency: int = Field(examples=[20])
    created_at: datetime = Field(examples=[EXAMPLE_TIME])
    started_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    finished_at: datetime | None = Field(examples=[None])
    cancel_requested_at: datetime | None = Field(examples=[None])


class BatchDetail(BatchView):
    """A batch with its progress."""

    progress: ProgressView


class RejectedTarget(View):
    """A submitted domain that cannot be scanned, and why."""

    index: int = Field(examples=[1])
    text: str = Field(examples=["exa mple.com"])
    code: str = Field(examples=["invalid_host"])
    message: str = Field(examples=["The host name has a blank in it."])


class DuplicateTarget(View):
    """A submitted domain that the batch has already."""

    index: int = Field(examples=[2])
    first_index: int = Field(examples=[0])
    domain: str = Field(examples=["example.com"])


class BatchCreated(BatchDetail):
    """A new batch, and what became of every submitted domain that is not in it."""

    rejected: list[RejectedTarget]
    duplicates: list[DuplicateTarget]


class RetryStarted(View):
    """How many scans were queued again."""

    batch_id: UUID = Field(examples=[EXAMPLE_ID])
    queued: int = Field(examples=[3])


class ScanView(View):
    """A scan of one domain."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    batch_id: UUID = Field(examples=[EXAMPLE_ID])
    position: int = Field(examples=[0])
    submitted: str = Field(examples=["Example.com"])
    domain: str = Field(examples=["example.com"])
    url: str = Field(examples=["https://example.com/"])
    status: ScanStatus = Field(examples=["succeeded"])
    attempts: int = Field(examples=[1])
    not_before: datetime | None = Field(description="When the next attempt may start.", examples=[None])
    started_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    finished_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    pages_found: int = Field(examples=[14])
    pages_scanned: int = Field(examples=[10])
    error_code: str | None = Field(examples=[None])
    error_message: str | None = Field(examples=[None])
    summary: dict[str, Any] | None = Field(examples=[{"sitemaps": ["https://example.com/sitemap.xml"]}])


class AttemptView(View):
    """One start of a scan."""

    number: int = Field(examples=[1])
    generation: int = Field(examples=[1])
    worker: str = Field(examples=["worker-1"])
    outcome: AttemptOutcome = Field(examples=["failed"])
    created_at: datetime = Field(examples=[EXAMPLE_TIME])
    finished_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    error_code: str | None = Field(examples=["timeout"])
    error_message: str | None = Field(examples=["No answer within 20 s."])


class ScanDetail(ScanView):
    """A scan with every attempt at it."""

    tries: list[AttemptView]


class PageView(View):
    """What a page said about itself, or why it could not be read."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    url: str = Field(examples=["https://example.com/"])
    final_url: str | None = Field(examples=["https://example.com/"])
    status_code: int | None = Field(examples=[200])
    content_type: str | None = Field(examples=["text/html"])
    size_bytes: int | None = Field(examples=[18231])
    fetched_at: datetime = Field(examples=[EXAMPLE_TIME])
    title: str | None = Field(examples=["Example"])
    description: str | None = Field(examples=["An example."])
    language: str | None = Field(examples=["en"])
    canonical_url: str | None = Field(examples=["https://example.com/"])
    emails: list[str] = Field(examples=[["hello@example.com"]])
    phones: list[str] = Field(examples=[["+4930123456"]])
    social_links: list[str] = Field(examples=[["https://social.example/@example"]])
    technologies: list[str] = Field(examples=[["nginx"]])
    error_code: str | None = Field(examples=[None])
    error_message: str | None = Field(examples=[None])
