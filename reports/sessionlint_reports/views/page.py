"""What a page is, where it lies in the site, and the rows several pages share."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from sessionlint.codes import FAMILIES
from sessionlint_reports.history.model import Life
from sessionlint_reports.snapshot import FileRecord, StoredFinding
from sessionlint_reports.subject import Subject

Data = dict[str, Any]
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


class Page(NamedTuple):
    """One page: its place in the site (``files/x.html``), template, title and data.

    ``section`` is the entry of the navigation it belongs to.
    """

    path: str
    template: str
    title: str
    section: str
    data: Data


def file_page(path: str) -> str:
    """Where the page of a source file lies: readable, safe in every file system, different for different paths."""
    digest = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:8]
    stem = _UNSAFE.sub("-", path.replace("/", "-").removesuffix(".py")).strip("-.")[-60:].strip("-.")
    return f"files/{stem}-{digest}.html" if stem else f"files/{digest}.html"


def rule_page(code: str) -> str:
    """Where the page of a rule lies."""
    return f"rules/{code}.html"


def family_title(family: str) -> str:
    """``Who opens the door`` for ``1xx``."""
    return FAMILIES.get(f"TXN{family[:1]}", family)


class Rows:
    """The findings of a subject as rows, made once and shared by the pages."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def by_path(self) -> Mapping[str, tuple[Data, ...]]:
        """Rows of all findings in all states, by path."""
        return {record.path: tuple(self._of(record)) for record in self._subject.snapshot.files if record.findings}

    @cached_property
    def all(self) -> tuple[Data, ...]:
        """All rows in order of path and line."""
        return tuple(row for rows in self.by_path.values() for row in rows)

    @cached_property
    def debt(self) -> tuple[Data, ...]:
        """Rows of what somebody has to mend."""
        return tuple(row for row in self.all if row["state"] != "suppressed")

    @cached_property
    def _living(self) -> Mapping[tuple[str, str, bool], list[Life]]:
        found: dict[tuple[str, str, bool], list[Life]] = defaultdict(list)
        for life in (*self._subject.lives, *self._subject.suppressed_lives):
            if life.gone is None:
                found[life.identity, life.stored.finding.path, life.stored.is_debt].append(life)
        return found

    @cached_property
    def _new(self) -> Counter[tuple[str, str]]:
        diff = self._subject.diff
        return Counter((s.identity, s.finding.path) for s in diff.new) if diff else Counter()

    @cached_property
    def pages(self) -> frozenset[str]:
        """Paths of the files that have a page: with findings or audit rows, or on the way of a trace or the map."""
        files = self._subject.snapshot.files
        found = {record.path for record in files if record.findings or record.points}
        found.update(step.path for s in self._subject.snapshot.findings for step in s.finding.trace)
        found.update(node["path"] for node in self._subject.session_map["nodes"])
        return frozenset(found & {record.path for record in files})

    def link(self, path: str, line: int = 0) -> str:
        """The address of a file's page, at ``line``; empty for a file without a page."""
        if path not in self.pages:
            return ""
        return f"{file_page(path)}#L{line}" if line else file_page(path)

    def _of(self, record: FileRecord) -> Iterator[Data]:
        seen: Counter[str] = Counter()
        taken: Counter[tuple[str, str, bool]] = Counter()
        twins = Counter((stored.identity, stored.is_debt) for stored in record.findings)
        for stored in record.findings:
            # twins share an identity: each takes its own life, in the order of their appearance
            key = (stored.identity, record.path, stored.is_debt)
            lives = self._living.get(key, ())
            life = lives[taken[key]] if taken[key] < len(lives) else None
            # of twins the last ones count as new
            is_new = stored.is_debt and taken[key] >= twins[stored.identity, True] - self._new[key[:2]]
            taken[key] += 1
            seen[stored.identity] += 1
            number = seen[stored.identity]
            anchor = f"f-{stored.identity[:12]}" + (f"-{number}" if number > 1 else "")
            yield self._row(record, stored, life, anchor, is_new)

    def _row(self, record: FileRecord, stored: StoredFinding, life: Life | None, anchor: str, is_new: bool) -> Data:
        finding = stored.finding
        return {
            "id": anchor,
            "code": finding.code,
            "name": finding.name,
            "family": stored.family,
            "severity": finding.severity,
            "state": stored.state,
            "path": record.path,
            "page": f"{file_page(record.path)}#{anchor}",
            "line": finding.span.line,
            "column": finding.span.column,
            "message": finding.message,
            "qualname": finding.qualname,
            "layer": record.layer,
            "owners": list(record.owners),
            "fixable": finding.fixable,
            "new": is_new,
            "since": life.first.revision.at.date().isoformat() if life else "",
            "age_days": life.age_days(self._subject.today) if life else 0,
            "author": life.first.revision.author if life and life.by_code else "",
            "reason": stored.reason,
            "until": stored.until,
        }
