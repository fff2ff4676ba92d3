"""Judges every place by the findings on it and by the policy, and groups what is alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sessionlint.inventory.model import CORRECT, FIX, ORDER, REVIEW, Inventory, Point, Status, Usage, lines_text
from sessionlint.inventory.naming import module_title
from sessionlint.inventory.places import Place, all_places
from sessionlint.program.api import Program
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import ENGINE, FACTORY, POOL
from sessionlint.report import Finding

#: What is done with a session: who gets it properly and misuses it is not done with it.
_USE = ("TXN2", "TXN601", "TXN602", "TXN603")
#: The beginnings of the codes whose findings decide an audit.
FAMILIES = ("TXN1", "TXN5", *_USE)
_WORD = {ENGINE: "engine", FACTORY: "session factory", POOL: "connection pool"}


class Verdict(NamedTuple):
    """What is said of one place."""

    status: Status
    note: str
    codes: tuple[str, ...] = ()


def build_inventory(program: Program, findings: Sequence[Finding]) -> Inventory:
    """The audit of a program, judged by the findings of a run over it. Tests and migrations are not part of it."""
    by_path: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.code.startswith(FAMILIES):
            by_path[finding.path].append(finding)
    judge = _Judge(program)
    judged = [(place, judge.verdict(place, by_path[place.path])) for place in dict.fromkeys(all_places(program))]
    points = _grouped(judged)
    return Inventory(points, _usages(program, points))


class _Judge:
    """Knows which engine and factory come first, and what is approved."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._approved = program.approved_dependencies | program.approved_contexts
        self._first: dict[str, Place] = {}

    def verdict(self, place: Place, findings: Iterable[Finding]) -> Verdict:
        """The findings on a place decide; without any, the policy does."""
        on_it = [f for f in findings if _is_on(f, place)]
        if on_it:
            status = FIX if any(f.severity == "error" for f in on_it) else REVIEW
            note = " ".join(dict.fromkeys(f.message for f in on_it))
            return Verdict(status, note, tuple(sorted({f.code for f in on_it})))
        if self._program.policy.is_session_module(place.path):
            return self._in_session_module(place)
        return self._elsewhere(place)

    def _in_session_module(self, place: Place) -> Verdict:
        if place.sort == "make":
            first = self._first.setdefault(place.handle, place)
            if first is not place:
                where = f"{first.path}:{first.span[0]}"
                return Verdict(REVIEW, f"Another {_WORD[place.handle]} beside the one of {where}; keep one.")
            return Verdict(CORRECT, f"The {_WORD[place.handle]} of the session module.")
        opener = place.function
        if place.sort == "open" and not self._is_approved(opener):
            name = f"{opener.in_full}" if opener.name != "<module>" else "The module"
            return Verdict(
                REVIEW, f"{name} is not named in session-dependencies or session-contexts; name or delete it."
            )
        if place.sort == "open":
            return Verdict(CORRECT, f"Opened by {opener.in_full}, which the policy approves.")
        return self._elsewhere(place)

    def _elsewhere(self, place: Place) -> Verdict:
        if place.sort == "receive":
            return Verdict(CORRECT, "Uses the session it is given.")
        way = {"inject": "dependency", "obtain": "context manager"}.get(place.sort)
        if way and place.source is not None:
            if self._is_approved(place.source):
                return Verdict(CORRECT, f"Uses the approved {way}.")
            name = f"{place.source.in_full}"
            if place.handle in _WORD:
                return Verdict(
                    REVIEW, f"{name} hands out the {_WORD[place.handle]} itself; see who opens sessions from it."
                )
            return Verdict(REVIEW, f"{name} is not an approved {way}, though what it hands out comes from one.")
        if place.sort == "inject":
            return Verdict(REVIEW, "What is injected lies outside the files that were read.")
        if self._is_approved(place.function):
            return Verdict(CORRECT, f"Opened by {place.function.in_full}, which the policy approves.")
        return Verdict(REVIEW, "No rule that is switched on objects, and no approved way is involved.")

    def _is_approved(self, function: FunctionInfo) -> bool:
        current: FunctionInfo | None = function
        while current is not None:
            if current in self._approved:
                return True
            current = current.parent
        return False


def _is_on(finding: Finding, place: Place) -> bool:
    """Whether the finding is about the place: one lies within the other, or it misuses the function's session."""
    if finding.code.startswith(_USE):
        return place.sort in ("inject", "obtain", "open", "receive") and _is_in(finding.qualname, place.function)
    span = finding.span
    start, end = (span.line, span.column), (span.end_line, span.end_column)
    parts = (place.span, place.asked) if place.asked is not None else (place.span,)
    return any((p[:2] <= start and end <= p[2:]) or (start <= p[:2] and p[2:] <= end) for p in parts)


def _is_in(qualname: str, function: FunctionInfo) -> bool:
    """Whether code works with what a function was given: it, or for a constructor any method of its class."""
    if qualname == function.qualname:
        return True
    owner = function.class_info if function.name == "__init__" else None
    return owner is not None and qualname.startswith(f"{owner.qualname}.")


def _grouped(judged: Sequence[tuple[Place, Verdict]]) -> tuple[Point, ...]:
    """Places of one file and method that the same is to be said of in one row."""
    groups: dict[tuple[str, str, Status, tuple[str, ...]], list[tuple[Place, Verdict]]] = defaultdict(list)
    for place, verdict in judged:
        groups[(place.path, place.method, verdict.status, verdict.codes)].append((place, verdict))
    points = []
    for (path, method, status, codes), members in groups.items():
        lines = sorted({(place.span[0], place.span[2]) for place, _ in members})
        notes = dict.fromkeys(verdict.note for _, verdict in members)
        points.append(Point(module_title(path), path, tuple(lines), method, status, _note(list(notes)), codes))
    return tuple(sorted(points, key=lambda p: (p.path, p.lines, p.method)))


def _note(notes: Sequence[str]) -> str:
    return notes[0] if len(notes) == 1 else f"{notes[0]} ({len(notes) - 1} more like it.)"


# who uses dependency injection


def _usages(program: Program, points: Sequence[Point]) -> tuple[Usage, ...]:
    by_path: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        if not program.policy.is_session_module(point.path):
            by_path[point.path].append(point)
    return tuple(_usage(path, rows) for path, rows in sorted(by_path.items()))


def _usage(path: str, rows: Sequence[Point]) -> Usage:
    status = max((row.status for row in rows), key=ORDER.index)
    if status == CORRECT:
        return Usage(module_title(path), path, status, f"Uses {_joined([_way(row) for row in rows])}")
    wrong = [row for row in rows if row.status == status]
    reasons = [f"{row.method} ({_line_word(row)} {lines_text(row.lines)}{_misuse(row)})" for row in wrong]
    return Usage(module_title(path), path, status, f"{'; '.join(dict.fromkeys(reasons))}")


def _misuse(row: Point) -> str:
    """The rules that object to what is done with the session, where the way to it does not tell."""
    return "".join(f", {code}" for code in row.codes if code.startswith(_USE))


def _line_word(row: Point) -> str:
    return "line" if len(row.lines) == 1 and row.lines[0][0] == row.lines[0][1] else "lines"


def _way(row: Point) -> str:
    if row.method == "session parameter":
        return "session parameter"
    return "dependency injection" if row.method.startswith("`Depends(") else "the approved context manager"


def _joined(ways: Iterable[str]) -> str:
    unique = sorted(dict.fromkeys(ways), key=("dependency injection", "session parameter").__contains__, reverse=True)
    return " and ".join(unique)
