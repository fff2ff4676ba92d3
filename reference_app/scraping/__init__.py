"""Scans websites: everything from a submitted text to the metadata of pages. Knows no database and no web framework.

    target = normalise("Bücher.example/start")            # or InvalidTarget(code, message)
    batch = normalise_many(texts)                         # .accepted, .rejected, .duplicates, by index
    politeness = politeness_of(FetchSettings())           # one per process
    async with Fetcher(FetchSettings(), politeness=politeness) as fetcher:
        summary = await scan(target, ScanOptions(), fetcher, on_page, should_stop)

``scan`` awaits ``on_page`` for one page at a time and never raises because of a website: what went wrong is in
``ScanSummary.failure`` and ``PageRecord.failure``. What ``on_page`` and ``should_stop`` raise passes through.
"""

from reference_app.scraping.fetching import Fetcher, politeness_of
from reference_app.scraping.hostnames import InvalidTarget
from reference_app.scraping.records import Failure, PageMetadata, PageRecord, ScanOptions, ScanSummary
from reference_app.scraping.scanning import scan
from reference_app.scraping.settings import FetchSettings
from reference_app.scraping.targets import (
    Accepted,
    Duplicate,
    NormalisedBatch,
    Rejected,
    Target,
    normalise,
    normalise_many,
)

__all__ = [
    "Accepted",
    "Duplicate",
    "Failure",
    "FetchSettings",
    "Fetcher",
    "InvalidTarget",
    "NormalisedBatch",
    "PageMetadata",
    "PageRecord",
    "Rejected",
    "ScanOptions",
    "ScanSummary",
    "Target",
    "normalise",
    "normalise_many",
    "politeness_of",
    "scan",
]
