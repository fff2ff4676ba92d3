"""The rules as SARIF describes them: texts for people, and what GitHub sorts alerts by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sessionlint.codes import CODES, FAMILIES
from sessionlint.formats import rule_page
from sessionlint.formats.escaping import shortened
from sessionlint.report import Severity
from sessionlint.rules.catalogue import RuleModule, all_rules
from sessionlint.rules.markers import without_markers

LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}

_PROBLEM: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "recommendation"}
_LONGEST = 1024
"""Characters of a description that GitHub keeps."""

# One number makes an alert a security alert, so only rules about security have one. The weaknesses are
# those of cwe.mitre.org; the numbers are bands of CVSS: 7.0 to 8.9 is high, 4.0 to 6.9 medium.
_SECURITY: Mapping[str, tuple[str, str]] = {
    "TXN405": ("7.5", "cwe-306"),
    "TXN503": ("7.5", "cwe-798"),
    "TXN504": ("5.9", "cwe-319"),
    "TXN801": ("8.8", "cwe-089"),
}


def rule_descriptors(used: Collection[str]) -> list[dict[str, Any]]:
    """Every rule there is, and by name alone any further code in ``used``, in the order of the codes."""
    described = {rule.META.code: _descriptor(rule) for rule in all_rules()}
    for code in used:
        described.setdefault(code, _named(code))
    return [described[code] for code in sorted(described)]


def _named(code: str) -> dict[str, Any]:
    name = CODES.get(code, code)
    return {"id": code, "name": _camel(name), "shortDescription": {"text": f"{name.replace('-', ' ').capitalize()}."}}


def _descriptor(rule: RuleModule) -> dict[str, Any]:
    meta = rule.META
    examples = (without_markers(rule.BAD[0].source), without_markers(rule.GOOD[0].source))
    return {
        "id": meta.code,
        "name": _camel(meta.name),
        "shortDescription": {"text": shortened(_one_line(meta.summary), _LONGEST)},
        "fullDescription": {"text": shortened(_one_line(meta.rationale), _LONGEST)},
        "help": {
            "text": rule_page.explain(meta, *examples),
            "markdown": rule_page.explain_markdown(meta, *examples),
        },
        "defaultConfiguration": {"level": LEVELS[meta.severity]},
        "properties": _properties(meta.code, meta.severity),
    }


def _properties(code: str, severity: Severity) -> dict[str, Any]:
    tags = ["sqlalchemy", "fastapi", FAMILIES[code[:4]].lower().replace(" ", "-")]
    properties: dict[str, Any] = {"precision": "high", "problem.severity": _PROBLEM[severity], "tags": tags}
    if code in _SECURITY:
        properties["security-severity"], weakness = _SECURITY[code]
        tags += ["security", f"external/cwe/{weakness}"]
    return properties


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _one_line(text: str) -> str:
    return " ".join(text.split())
