"""What of a file an edit changed, where it changed nothing but what some functions do."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from sessionlint.facts.packing import unpack
from sessionlint.program.model import FunctionInfo, ModuleInfo
from sessionlint.program.summaries import Summary

#: Where facts of a function have its statements and the names in them.
_BODY, _NAMES = 4, 8


def edited(module: ModuleInfo, blob: bytes) -> dict[FunctionInfo, tuple[Any, ...]] | None:
    """The functions of a module whose bodies differ in its new facts, with their own; ``None``: more differs."""
    facts, before = unpack(blob), module.body.facts[_BODY]
    if not module.body.evaluated or facts[1] != unpack(module.blob)[1] or not module.still_mentions(blob):
        return None
    found: list[tuple[tuple[Any, ...], tuple[Any, ...]]] = []
    if not _same(before, facts[0], found):
        return None
    functions = {f.span: f for f in module.functions if f.parent is None}
    taken = {functions[old[1]]: new for old, new in found if old[1] in functions}
    inner = [f for f in module.functions if f.parent is not None and is_within(f, taken)]
    if any(f.key[2] for f in (*inner, *taken)) or any(is_within(c.defined_in, taken) for c in module.classes):
        return None  # namesakes, and classes in functions, are told apart by the order in which they are met
    names = {f.qualname for f in inner}
    if any(f.qualname in names and f not in inner for f in module.functions):
        return None
    return taken


def _same(before: Any, now: Any, found: list[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> bool:
    """Whether nodes are the same but for bodies of functions; those are put into ``found``."""
    if before is now:
        return True
    if type(before) is not tuple or type(now) is not tuple:
        return type(before) is type(now) and bool(before == now)
    if len(before) != len(now):
        return False
    if _is_function(before) and _is_function(now):
        if before[:_BODY] != now[:_BODY] or before[_BODY + 1 : _NAMES] != now[_BODY + 1 : _NAMES]:
            return False
        # the same statements may be other bytes: marshal notes what is referred to by more than one
        if before[_BODY] != now[_BODY] and unpack(before[_BODY]) != unpack(now[_BODY]):
            found.append((before, now))
        return True
    return all(_same(a, b, found) for a, b in zip(before, now, strict=True))


def _is_function(node: tuple[Any, ...]) -> bool:
    return len(node) == _NAMES + 1 and type(node[_BODY]) is bytes


def is_within(function: FunctionInfo | None, functions: Container[FunctionInfo]) -> bool:
    """Whether a function is one of these or defined inside of one."""
    while function is not None:
        if function in functions:
            return True
        function = function.parent
    return False


def renew(module: ModuleInfo, blob: bytes, functions: dict[FunctionInfo, tuple[Any, ...]]) -> None:
    """Gives functions new bodies; what is known of what they did goes."""
    facts = unpack(blob)
    module.body.facts = (*module.body.facts[:_BODY], facts[0], *module.body.facts[_BODY + 1 :])
    module.body.definitions_differ()
    module.blob = blob
    for info in module.classes:
        if info.defined_in is module.body:
            info.facts = module.body.definition_at(info.span)
            info.reshaped()
    for function, new in functions.items():
        function.facts = new
        function.children = {}
        function.events = []
        function.summary = Summary()
        function.evaluated = False
        function.visits = 0
        function.traces = []
        function.used = []
        function.abstract = None
        function.overwritten = None
        function.definitions_differ()


__all__ = ["edited", "is_within", "renew"]
