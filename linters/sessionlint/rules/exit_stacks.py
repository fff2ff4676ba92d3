"""Exit stacks that are made without ``with``: whether something closes what is entered on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.contexts import EXIT_STACKS

if TYPE_CHECKING:
    from sessionlint.program.model import Event

_CLASSES = tuple(name.removesuffix("()") for name in EXIT_STACKS)
_ENTERS = (".enter_context", ".enter_async_context")
_ENDS = ("close", "aclose", "pop_all", "__exit__", "__aexit__")


def on_a_stack_left_open(event: Event) -> bool:
    """Whether what ``event`` opens is entered on a stack of its function that is neither closed nor passed on."""
    if "context" not in event.flags:
        return False
    calls = [e for e in event.function.events if e.kind == "external" and e.name.startswith(_CLASSES)]
    made = {e.span for e in calls if e.name in _CLASSES}
    entered = [e for e in calls if e.name.endswith(_ENTERS)]
    if not made or any("context" in e.flags for e in calls):
        return False
    if not any(e.span[:2] <= event.span[:2] and event.span[2:] <= e.span[2:] for e in entered):
        return False
    body = event.function.body
    names = {t[2] for s in _nodes(body) if s[0] == "=" and s[3][1] in made for t in s[2] if t[0] == "n"}
    return bool(names) and not any(_lets_go(node, names) for node in _nodes(body))


def _lets_go(node: Any, names: set[str]) -> bool:
    """Whether a stack is ended here, or stands where somebody else gets it."""
    if node[0] == "a":
        return node[3] in _ENDS
    held = node[3:4] if node[0] == "=" else node[2:]
    return any(child[0] == "n" and child[2] in names for child in _children(held))


def _children(parts: Any) -> Iterator[Any]:
    """The expressions directly in a node, in its lists and pairs as well."""
    for part in parts:
        if type(part) is tuple and part:
            if type(part[0]) is str and len(part) > 2:
                yield part
            else:
                yield from _children(part)


def _nodes(parts: Any) -> Iterator[Any]:
    for child in _children(parts):
        yield child
        yield from _nodes(child[2:])
