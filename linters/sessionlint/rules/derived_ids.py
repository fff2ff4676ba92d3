"""Ids that are text around another row's id, ``Item(id=f"copy-{item.id}")``, or some random text or number.

Only for the key of a mapped class: elsewhere (labels, elements of a page, topics, secrets) such a value names no row.
"""

from __future__ import annotations

from typing import Any

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import ClassInfo, Event
from sessionlint.program.strings import HOLE

_ID = "id"
_RANDOM = regex(r"(?:secrets\.(?:token_\w+|randbelow|randbits)|random\.(?:randint|randrange|getrandbits))\(\)")


def around_an_id(program: Program, event: Event) -> str | None:
    """``"text around another id"`` where an ``identifier`` event gives a row such a key, else ``None``."""
    if event.text not in ("attribute", "keyword") or event.expr is None or not _is_key(program, event):
        return None
    made = _made(event)
    text = next((a for a in made.value if a.tag == "text" and (a.dynamic or a.holes)), None)
    if text is None or made.expr is None or not _mentions_id(made.expr):
        return None
    literal = text.text.replace(HOLE, "")
    if "@" in literal or not (literal.strip() or text.text.count(HOLE) > 1):
        return None
    return f"text around another id ({text.text.replace(HOLE, '…')[:40]!r})"


def random_key(program: Program, event: Event) -> str | None:
    """``"a random text or number"`` where a row gets such a key: ``Item(id=secrets.token_hex(8))``."""
    if event.text not in ("attribute", "keyword") or event.expr is None:
        return None
    if not any(a.tag == "ext" and _RANDOM.match(a.name) for a in event.value) or not _is_key(program, event):
        return None
    return "a random text or number"


def _made(event: Event) -> Event:
    """Where the value is made: here, or where the local name stands that is used here."""
    if event.expr is None or event.expr[0] != "n":
        return event
    named = [
        e for e in event.function.events if e.kind == "identifier" and e.text == "name" and e.name == event.expr[2]
    ]
    return named[-1] if named else event


def _is_key(program: Program, event: Event) -> bool:
    """Whether what is assigned or passed becomes the key of a row."""
    events = event.function.events
    if event.text == "attribute":
        later = events[events.index(event) + 1 :]
        owner = next((e.subject for e in later if e.kind == "setattr" and e.name == event.name), ())
        return any(a.tag == "row" and event.name == _ID for a in owner) or any(
            a.tag == "inst" and _has_key(program, a.info, event.name) for a in owner
        )
    made = (e for e in events if e.kind == "construct" and e.expr is not None and e.expr[0] == "c")
    passed = (e for e in made if e.expr is not None and any(v[1] == event.span for _, v in e.expr[4]))
    return any(_has_key(program, a.info, event.name) for e in passed for a in e.value if a.tag == "cls")


def _has_key(program: Program, info: ClassInfo, name: str) -> bool:
    if not program.solver.is_model(info):
        return False
    return name == _ID or any(
        a.tag == "map" and any(p.tag == "const" and p.value is True for p in a.get("primary_key") or ())
        for cls in program.solver.mro(info)
        if name in cls.attributes
        for a in cls.attributes[name][2]
    )


def _mentions_id(node: Any) -> bool:
    """Whether an expression reads something by the name of an id."""
    if node[0] == "n" and len(node) == 3 and isinstance(node[2], str):
        return _is_id(node[2])
    if node[0] == "a" and len(node) == 4 and isinstance(node[3], str) and _is_id(node[3]):
        return True
    return any(type(part) is tuple and part and _mentions_id(part) for part in node)


def _is_id(name: str) -> bool:
    return name == _ID or name.endswith("_id")
