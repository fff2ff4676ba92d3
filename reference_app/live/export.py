"""Exports: a stream that reads a few hundred rows on a short session of its own, lets go of it, and sends them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal
from uuid import UUID

from reference_app.services import scans
from reference_app.services.scans import ExportRow
from reference_app.session import get_session

ExportFormat = Literal["csv", "jsonl"]

MEDIA_TYPES: dict[ExportFormat, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
COLUMNS = (
    "domain", "status", "error_code", "error_message", "url", "final_url", "status_code", "content_type", "size_bytes",
    "fetched_at", "title", "description", "language", "canonical_url", "emails", "phones", "social_links",
    "technologies", "page_error_code", "page_error_message",
)  # fmt: skip

_ROWS_AT_ONCE = 500
# A spreadsheet runs a cell that starts with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


async def export_stream(batch_id: UUID, form: ExportFormat) -> AsyncIterator[bytes]:
    """A batch's results, one line a page; scans without pages have one line too."""
    write = _csv_lines if form == "csv" else _json_lines
    if form == "csv":
        yield _csv_text([COLUMNS])
    last: ExportRow | None = None
    while True:
        async with get_session() as session, session.begin():
            rows = await scans.export_rows(session, batch_id, after=last, limit=_ROWS_AT_ONCE)
        if rows:
            yield write(rows)
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = rows[-1]


def _record(row: ExportRow) -> dict[str, Any]:
    scan, page = row.scan, row.page
    record: dict[str, Any] = dict.fromkeys(COLUMNS)
    record |= {"domain": scan.domain, "status": scan.status.value}
    record |= {"error_code": scan.error_code, "error_message": scan.error_message, "url": scan.url}
    if page is None:
        return record
    copied = (name for name in COLUMNS[4:] if not name.startswith(("fetched", "page_error")))
    record |= {name: getattr(page, name) for name in copied}
    record |= {"fetched_at": page.fetched_at.isoformat()}
    return record | {"page_error_code": page.error_code, "page_error_message": page.error_message}


def _json_lines(rows: Sequence[ExportRow]) -> bytes:
    return "".join(json.dumps(_record(row), ensure_ascii=False) + "\n" for row in rows).encode()


def _csv_lines(rows: Sequence[ExportRow]) -> bytes:
    return _csv_text([[_cell(value) for value in _record(row).values()] for row in rows])


def _csv_text(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(str(item) for item in value)
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
