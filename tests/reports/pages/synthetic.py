"""A project that never was: snapshots of any size, with a history in which findings come and go."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sessionlint.inventory.model import Point, Usage
from sessionlint.inventory.naming import module_title
from sessionlint.report import Finding, Span, TraceStep
from sessionlint_reports.gathering import gather
from sessionlint_reports.history.store import History
from sessionlint_reports.snapshot import FileRecord, Revision, Snapshot, State, StoredFinding, Yardstick
from sessionlint_reports.subject import FIXES, MAP, POLICY, SOURCE, Subject
from sessionlint_reports.targets import Target

SESSION_MODULE = "src/session/async_session.py"
_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_CODES = (
    ("TXN101", "session-created-directly"), ("TXN201", "explicit-commit"), ("TXN204", "service-owns-transaction"),
    ("TXN209", "write-without-transaction"), ("TXN301", "orm-tenant-filter"), ("TXN303", "tenant-parameter"),
    ("TXN405", "unprotected-endpoint"), ("TXN601", "session-given-to-background"), ("TXN701", "id-not-uuid"),
    ("TXN801", "sql-built-from-strings"),
)  # fmt: skip
_LAYERS = (("routers", "router"), ("services", "service"), ("tasks", "background"), ("models", "model"))
_WORDS = ("batch", "domain", "sitemap", "profile", "places", "contact", "billing", "report", "search", "account")
_PEOPLE = ("Ada Lovelace", "Grace Hopper", "Barbara Liskov", "Frances Allen")
_BODY = """

async def {name}(session: AsyncSession, tenant_id: str) -> list[Row]:
    \"\"\"Loads {name}.

    It does so for one tenant.
    \"\"\"
    query = select(Row).where(Row.tenant_id == tenant_id, Row.kind == "{name}")
    result = await session.execute(query)
    await session.commit()
    for row in result.scalars():
        logger.info("loaded %s %d", row.id, {number})
    return [row for row in result.scalars() if row.number > {number}]
"""
_HEAD = '"""Rows of {name}."""\n\nfrom sqlalchemy import select\n\nfrom src.models import Row\n'


@dataclass(frozen=True)
class Size:
    """How large a synthetic project is."""

    files: int = 60
    findings: int = 120
    snapshots: int = 12
    functions: int = 8


def snapshots(size: Size, seed: int = 7) -> Iterator[Snapshot]:
    """The snapshots of a project, oldest first: debt falls, a little of it is new; only the last has documents."""
    chance = random.Random(seed)
    paths = [_path(number) for number in range(size.files - 1)] + [SESSION_MODULE]
    texts = {path: _text(path, size.functions) for path in paths}
    debt = [_finding(chance, texts, paths, number) for number in range(size.findings)]
    old = [
        _finding(chance, texts, paths, number) for number in range(size.findings, size.findings + size.findings // 2)
    ]
    for turn in range(size.snapshots):
        last = turn == size.snapshots - 1
        share = (size.snapshots - 1 - turn) / max(1, size.snapshots - 1)
        fresh = debt[: len(debt) - (0 if last else max(1, len(debt) // 20))]
        present = fresh + old[: round(len(old) * share)]
        yield _snapshot(turn, paths, texts, present, documents=last)


def record(history: History, size: Size = Size(), seed: int = 7, targets: tuple[Target, ...] = ()) -> Subject:
    """The subject of the newest synthetic snapshot, all of them recorded in ``history``."""
    everything = list(snapshots(size, seed))
    numbers = [recorded.id for recorded in history.record_all(everything)]
    return gather(history, everything[-1], numbers[-1], targets)


def subject(folder: Path, size: Size = Size(), seed: int = 7, targets: tuple[Target, ...] = ()) -> Subject:
    """The same with a history of its own in ``folder``."""
    with History.open(folder / "synthetic.db") as history:
        return record(history, size, seed, targets)


def with_findings(base: Subject, path: str, text: str, *findings: Finding) -> Subject:
    """``base`` with one more file in its newest snapshot."""
    record = FileRecord(path, len(text.splitlines()), "", (), tuple(StoredFinding(finding) for finding in findings))
    files = tuple(sorted((*base.snapshot.files, record), key=lambda one: one.path))
    documents = {**base.snapshot.documents, f"{SOURCE}{path}": text}
    return dataclasses.replace(base, snapshot=dataclasses.replace(base.snapshot, files=files, documents=documents))


def _path(number: int) -> str:
    folder, _ = _LAYERS[number % len(_LAYERS)]
    word = _WORDS[(number // len(_LAYERS)) % len(_WORDS)]
    group = number // (len(_LAYERS) * len(_WORDS))
    return f"src/{folder}/{f'area{group:02d}/' if group else ''}{word}_{folder.removesuffix('s')}.py"


def _text(path: str, functions: int) -> str:
    stem = path.rpartition("/")[2].removesuffix(".py")
    seed = sum(map(ord, path))
    return _HEAD.format(name=stem) + "".join(
        _BODY.format(name=f"load_{stem}_{n}", number=seed + n) for n in range(functions)
    )


def _finding(chance: random.Random, texts: dict[str, str], paths: list[str], number: int) -> StoredFinding:
    # the squared die makes a few files bad and many good
    path = paths[int(chance.random() ** 2 * (len(paths) - 1))]
    code, name = chance.choice(_CODES)
    line = chance.randrange(1, texts[path].count("\n"))
    text = texts[path].split("\n")[line - 1]
    function = f"load_{path.rpartition('/')[2].removesuffix('.py')}_{max(0, line - 6) // 13}"
    finding = Finding(
        code=code,
        name=name,
        span=Span(path, line, 1, line, len(text) + 1),
        message=f"`{text.strip()[:40]}` breaks {name}. Receive the session with Depends(get_session_dependency).",
        severity="warning" if number % 5 == 0 else "error",
        fixable=number % 7 == 0,
        qualname=function,
        fingerprint=f"{number:016x}",
        identity=f"{number * 2654435761 % 2**64:016x}",
        trace=(
            TraceStep(path, line, 1, "the session goes on from here"),
            TraceStep(SESSION_MODULE, 8, 5, "the session is made here"),
        )
        if number % 3 == 0
        else (),
    )
    state: State = "absorbed" if number % 9 == 4 else "suppressed" if number % 13 == 6 else "open"
    reason = "moved to the new service in the next release" if state == "suppressed" else ""
    return StoredFinding(finding, state, reason, "2026-12-31" if reason and number % 2 else "")


def _snapshot(
    turn: int, paths: list[str], texts: dict[str, str], present: list[StoredFinding], documents: bool
) -> Snapshot:
    by_path: dict[str, list[StoredFinding]] = {}
    for stored in present:
        by_path.setdefault(stored.finding.path, []).append(stored)
    records = tuple(_record(path, texts[path], by_path.get(path, [])) for path in sorted(paths))
    revision = Revision(
        commit=f"{turn + 1:02d}" * 20,
        branch="main",
        at=_START + timedelta(days=9 * turn),
        author=_PEOPLE[turn % len(_PEOPLE)],
        author_email="dev@example.com",
        subject=f"Step {turn + 1} of the clean-up",
    )
    found = _documents(records, texts) if documents else {}
    return Snapshot("scrapers", revision, Yardstick("0" * 32, "0.1.0"), records, (), found)


def _record(path: str, text: str, found: list[StoredFinding]) -> FileRecord:
    folder = path.split("/")[1]
    points: tuple[Point, ...] = ()
    usage = None
    if path == SESSION_MODULE:
        points = (Point("Session", path, ((5, 6),), "`async_sessionmaker`", "correct", "The session factory."),)
    elif any(stored.finding.code == "TXN101" for stored in found):
        note = "TXN101 opens a session outside the session module."
        points = (Point(module_title(path), path, ((8, 8),), "`session_factory()`", "fix required", note, ("TXN101",)),)
        usage = Usage(module_title(path), path, "fix required", "`session_factory()` (line 8)")
    elif folder == "services":
        usage = Usage(module_title(path), path, "correct", "Uses session parameter")
    owners = {"routers": ("@org/web",), "services": ("@org/data", "@grace"), "tasks": ("@org/jobs",)}.get(folder, ())
    layer = dict(_LAYERS).get(folder, "")
    ordered = tuple(sorted(found, key=lambda stored: stored.finding.sort_key))
    return FileRecord(path, text.count("\n"), layer, owners, ordered, points, usage)


def _documents(records: tuple[FileRecord, ...], texts: dict[str, str]) -> dict[str, str]:
    first = next((s for record in records for s in record.findings if s.finding.fixable), None)
    fixes = []
    if first is not None:
        span = first.finding.span
        head = f"--- a/{span.path}\n+++ b/{span.path}\n@@ -{span.line} +{span.line} @@\n"
        diff = f"{head}-    await session.commit()\n+    await session.flush()\n"
        fixes = [
            {
                "path": span.path,
                "line": span.line,
                "column": span.column,
                "code": first.finding.code,
                "title": "Flush instead of committing",
                "safety": "unsafe",
                "diff": diff,
            }
        ]
    return {
        POLICY: json.dumps({"preset": "scrapersky", "session_modules": [SESSION_MODULE], "tls": "required"}),
        MAP: json.dumps(_map(records)),
        FIXES: json.dumps(fixes),
        **{f"{SOURCE}{path}": text for path, text in texts.items()},
    }


def _map(records: tuple[FileRecord, ...]) -> dict[str, object]:
    kinds = {"router": "endpoint", "service": "service", "background": "job"}
    nodes, edges = [], []
    source = f"{SESSION_MODULE}:get_session:8"
    by_layer: dict[str, list[str]] = {}
    for record in records:
        kind = "source" if record.path == SESSION_MODULE else kinds.get(record.layer)
        if kind is None:
            continue
        stem = record.path.rpartition("/")[2].removesuffix(".py")
        name = "get_session" if kind == "source" else f"load_{stem}_0"
        key = f"{record.path}:{name}:8"
        by_layer.setdefault(kind, []).append(key)
        nodes.append(
            {
                "key": key, "path": record.path, "line": 8, "name": name, "kind": kind, "layer": record.layer,
                "approved": kind == "source", "does": ["opens"] if kind == "source" else ["receives"],
                "routes": [f"GET /{stem}"] if kind == "endpoint" else [],
            }
        )  # fmt: skip
    services = by_layer.get("service", [])
    for kind, relation in (("endpoint", "injects"), ("job", "obtains")):
        for number, key in enumerate(by_layer.get(kind, [])):
            edges.append({"source": key, "target": source, "kind": relation, "line": 8})
            if services:
                edges.append({"source": key, "target": services[number % len(services)], "kind": "carries", "line": 9})
    return {"nodes": nodes, "edges": edges}
