"""Templates: what their fields read as once they are filled, as ``string.Template`` and Jinja write them."""

from __future__ import annotations

import re

from sessionlint.patterns import regex
from sessionlint.program.texts import HOLE, alternatives, in_step, mixed_by, of_number
from sessionlint.program.values import UNKNOWN, Text, Value

_TEMPLATE = regex(r"\$(?:(\w+)|\{(\w+)\})")
#: Fields of Jinja with the name they begin with and what follows it; its statements and comments stand for nothing.
_JINJA = regex(r"(\{\{)-?\s*(\w+)?(.*?)\s*-?\}\}|\{%.*?%\}|\{#.*?#\}", re.S)
_NUMBER_FILTERS = ("|int", "|float", "|length", "|count")


def substituted(text: Text, args: list[Value], named: dict[str, Value]) -> list[Text]:
    """``string.Template``: its fields by name."""
    given = next((a for v in args[:1] for a in v if a.tag == "map"), None)
    parts: list[list[Text]] = []
    position = 0
    for field in _TEMPLATE.finditer(text.text):
        name = field[1] or field[2]
        parts.append([Text(text.text[position : field.start()], False)])
        parts.append(alternatives(named.get(name) or (given.get(name) if given else None) or UNKNOWN))
        position = field.end()
    parts.append([Text(text.text[position:], False)])
    return mixed_by(in_step(text, parts), "a template")


def rendered(text: Text, args: list[Value], named: dict[str, Value]) -> list[Text]:
    """A template of Jinja: what ``{{ name }}`` stands for; nothing is known of what filters and attributes give."""
    given = next((a for v in args[:1] for a in v if a.tag == "map"), None)
    parts: list[list[Text]] = []
    position = 0
    for field in _JINJA.finditer(text.text):
        parts.append([Text(text.text[position : field.start()], False)])
        position = field.end()
        if field[1]:
            value = named.get(field[2]) or (given.get(field[2]) if given else None) or UNKNOWN
            pieces = alternatives(value if not field[3] else UNKNOWN)
            parts.append(of_number([Text(HOLE, True)]) if field[3].replace(" ", "") in _NUMBER_FILTERS else pieces)
    parts.append([Text(text.text[position:], False)])
    return mixed_by(in_step(text, parts), "a template")
