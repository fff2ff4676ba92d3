"""Objects and dictionaries of a function's own that it puts a session into, and shows to nobody."""

from __future__ import annotations

from typing import Any

from sessionlint.program.model import Event
from sessionlint.rules.walking import own_expressions_below

#: What a holder is made by: a call, a dictionary.
_MAKES = ("c", "d")


def is_put_aside(event: Event) -> bool:
    """Whether an assignment puts something into such a holder: ``context["session"] = …``, ``context.session = …``."""
    function = event.function
    if function.children or function.name == "<module>":
        return False
    nodes = list(own_expressions_below(function.body))
    target = next((t for n in nodes if n[0] == "=" for t in n[2] if n[1] == event.span or t[1] == event.span), None)
    if target is None or target[0] not in ("a", "i") or target[2][0] != "n":
        return False
    name = target[2][2]
    return (
        all(p[0] != name for p in function.params) and _is_made_here(nodes, name) and _is_shown_to_nobody(nodes, name)
    )


def _is_made_here(nodes: list[Any], name: str) -> bool:
    given = [n[3] for n in nodes if n[0] == "=" for t in n[2] if t[0] == "n" and t[2] == name]
    return bool(given) and all(value[0] in _MAKES for value in given)


def _is_shown_to_nobody(nodes: list[Any], name: str) -> bool:
    """Whether a name is only given something, or asked for what stands in an attribute or under a key."""
    called = {id(n[2]) for n in nodes if n[0] == "c"}
    asked = {id(n[2]) for n in nodes if n[0] in ("a", "i") and id(n) not in called}
    asked |= {id(target) for n in nodes if n[0] == "=" for target in n[2]}
    return all(id(n) in asked for n in nodes if n[0] == "n" and n[2] == name)
