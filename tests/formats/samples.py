"""Reports the tests of several formats render."""

from __future__ import annotations

from sessionlint.report import BaselineEntry, CheckError, Finding, Report, Severity, Span, Suppressed, Suppression
from sessionlint.report import TraceStep as Step

HOSTILE = (
    "plain",
    "quotes \" ' ` and ``two`` and \\backslash\\",
    "100%25 %0A %",
    "line\nfeed\r\nand return\r",
    "]]> <![CDATA[ </testcase> &amp; <script>alert(1)</script> <!-- -->",
    "\x00 \x07 \x1b[31mred\x1b[0m \x85 \ufffe \uffff",
    "\u202emoc.live\u202c \u200f \u2066 \u200b",
    "lone \ud800 and \udce9 surrogates",
    "::error::forged",
    "  ##[add-mask]everything",
    "@everyone see #1, !2 and [a link](https://example.test) ![x](y) <https://example.test>",
    "| a | table | **bold** _it_ ~~no~~ $x$",
    "[text](1) {0} {{ }}",
    "x" * 10_000,
    "`" * 50,
    "größer 数据 \U0001d518",
)
"""Texts that mean something to at least one receiver."""


def finding(
    code: str = "TXN105",
    path: str = "src/a.py",
    line: int = 10,
    message: str = "get_it() hands out a session. Take the approved one.",
    *,
    severity: Severity = "error",
    key: str = "",
    qualname: str = "read",
    end_line: int | None = None,
    trace: tuple[Step, ...] = (),
) -> Finding:
    """A finding of columns 5 to 14; ``key`` is its fingerprint."""
    span = Span(path, line, 5, end_line or line, 14)
    return Finding(
        code, "any-name", span, message, severity, qualname=qualname, fingerprint=key or f"{code}-{path}", trace=trace
    )


TRACE = (Step("src/b.py", 3, 1, "make() is called"), Step("src/c.py", 9, 12, "the session is made here"))

FULL = Report(
    findings=(
        finding(trace=TRACE),
        finding("TXN201", line=12, severity="warning", key="twin"),
        finding("TXN201", line=14, severity="warning", key="twin", end_line=16),
        finding("TXN605", "src/d.py", 1, severity="info", qualname=""),
    ),
    errors=(CheckError("src/broken.py", 7, "invalid syntax", 3), CheckError("TXN303", 1, "the rule TXN303 failed")),
    files=("src/a.py", "src/b.py", "src/c.py", "src/d.py", "src/broken.py"),
    suppressed=(
        Suppressed(
            finding("TXN101", "src/b.py", 4),
            Suppression("src/b.py", 3, 1, 60, ("TXN101",), "the vendor's callback", "2026-12-31", 4, 4),
        ),
    ),
    absorbed=(finding("TXN202", "src/c.py", 5), finding("TXN202", "src/c.py", 6)),
    stale=(BaselineEntry("src/gone.py", "TXN201", "f", "0" * 24, 2),),
    compared_with="sessionlint-baseline.json",
)
"""Some of everything a run can say."""


def hostile_report() -> Report:
    """Every hostile text in every place that takes a text."""
    findings = tuple(
        finding(
            "TXN105", f"src/{number}{_name(text)}", 2, text, key=f"{number}", trace=(Step(_name(text), 1, 1, text),)
        )
        for number, text in enumerate(HOSTILE)
    )
    errors = tuple(CheckError(f"src/broken{number}.py", 1, text) for number, text in enumerate(HOSTILE))
    suppressed = tuple(
        Suppressed(one, Suppression("src/a.py", 1, 1, 9, ("TXN105",), one.message, "", 1, 1)) for one in findings
    )
    return Report(findings, errors, tuple(one.path for one in findings), suppressed=suppressed, absorbed=findings)


def _name(text: str) -> str:
    return f"{text[:40].replace('/', '')}.py"


def many(number: int, code: str = "TXN105", severity: Severity = "error") -> tuple[Finding, ...]:
    """``number`` findings, each in a file of its own."""
    return tuple(finding(code, f"src/{n:06}.py", severity=severity) for n in range(number))
