"""The badge: how much of the codebase is compliant, as a small SVG."""

from __future__ import annotations

from sessionlint_reports.render import environment

_LABEL = "sessions"
#: Width of a character of 11-pixel Verdana, on average.
_CHARACTER = 6.6
_PADDING = 10


def svg(compliance_percent: float) -> str:
    """The badge of a percentage; its colours differ in brightness too, and the text says the number."""
    value = f"{compliance_percent:g}% compliant"
    colour = "#0a5fa8" if compliance_percent >= 100 else "#7a5200" if compliance_percent >= 80 else "#a33a00"
    template = environment().get_template("badge.svg")
    return template.render(label=_LABEL, value=value, colour=colour, left=_width(_LABEL), right=_width(value)) + "\n"


def _width(text: str) -> int:
    return round(len(text) * _CHARACTER) + _PADDING
