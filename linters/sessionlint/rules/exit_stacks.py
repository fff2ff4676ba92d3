"""Exit stacks that are made without ``with``: whether something closes what is entered on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.contexts import EXIT_STACKS
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.model import Event

_CLASSES = tuple(name.removesuffix("()") for name in EXIT_STACKS)
_ENTERS = (".enter_context", ".enter_async_context")
#: Comparing, negating, and statements with a test, whose own statements are looked at one by one.
_LOOKS = frozenset({"x", "u", "I", "W"})
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


def on_a_stack_taken_over(event: Event) -> bool:
    """Whether ``kept = stack.pop_all()`` takes what ``event`` opens out of the stack's block, and nobody ends that.

    Nobody can where it is a statement by itself.
    """
    calls = [e for e in event.function.events if e.kind == "external" and e.name.startswith(_CLASSES)]
    around = [e for e in calls if e.name.endswith(_ENTERS) and is_within(event.span, e.span)]
    if not around:
        return False
    nodes = list(_nodes(event.function.body))
    entered = [n for n in nodes if n[0] == "c" and n[1] == around[0].span]
    stacks = {n[2][2][2] for n in entered if n[2][0] == "a" and n[2][2][0] == "n"}
    if any(n[0] == "E" and n[1] > event.span and _is_taken_over(n[2], stacks) for n in nodes):
        return True  # nobody has the new one
    taken = [n for n in nodes if n[0] == "=" and n[1] > event.span and _is_taken_over(n[3], stacks)]
    names = {target[2] for n in taken for target in n[2] if target[0] == "n"}
    only_named = all(target[0] == "n" for n in taken for target in n[2])
    inside = (n for child in event.function.children.values() for n in _nodes(child.body))
    if not names or not only_named or any(n[0] == "n" and n[2] in names for n in inside):
        return False
    return not any(_ends_or_hands_on(node, names) for node in nodes)


def _is_taken_over(value: Any, stacks: set[str]) -> bool:
    """``stack.pop_all()``."""
    called = value[2] if value[0] == "c" else value
    return bool(
        len(called) > 3
        and called[0] == "a"
        and called[3] == "pop_all"
        and called[2][0] == "n"
        and called[2][2] in stacks
    )


def _ends_or_hands_on(node: Any, names: set[str]) -> bool:
    """Whether a new stack is ended here, entered, or stands where somebody else gets it; comparing does nothing."""
    if node[0] == "a":
        return node[2][0] == "n" and node[2][2] in names and node[3] in _ENDS
    held = () if node[0] in _LOOKS else node[3:] if node[0] in ("=", "q") else node[2:]
    return any(child[0] == "n" and child[2] in names for child in _children(held))


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
