"""Facts as bytes, however deep they nest: ``marshal`` stores 2,000 levels, a sum or ``elif`` ladder may have more.

What lies deep is stored as bytes of its own in its place, and put back when it is read.
"""

from __future__ import annotations

import marshal
from typing import Any, Final

from sessionlint.facts.source import with_deep_stack

#: Stands before the bytes of a part that was stored on its own; source code cannot make such a pair.
_MARK: Final = "\0deep"
_MARKED: Final = _MARK.encode()
#: Levels that are stored together.
_LEVELS: Final = 500


def pack(facts: tuple[Any, ...]) -> bytes:
    """The facts in the form that is kept."""
    try:
        return marshal.dumps(facts)
    except ValueError:
        # "object too deeply nested to marshal"
        return marshal.dumps(_cut(facts)[0])


def unpack(blob: bytes) -> tuple[Any, ...]:
    """The facts that were packed."""
    facts: tuple[Any, ...] = marshal.loads(blob)
    if _MARKED not in blob:
        return facts
    try:
        return _whole(facts)
    except RecursionError:
        return with_deep_stack(lambda: _whole(facts))


def _cut(node: tuple[Any, ...]) -> tuple[tuple[Any, ...], int]:
    """The node with what lies too deep in it as bytes, and how deep it nests then."""
    parts: list[Any] = []
    height = 0
    for part in node:
        if type(part) is tuple:
            part, levels = _cut(part)
            if levels >= _LEVELS:
                part, levels = (_MARK, marshal.dumps(part)), 1
            height = max(height, levels)
        parts.append(part)
    return tuple(parts), height + 1


def _whole(node: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(node) == 2 and node[0] == _MARK and type(node[1]) is bytes:
        return _whole(marshal.loads(node[1]))
    return tuple([_whole(part) if type(part) is tuple else part for part in node])
