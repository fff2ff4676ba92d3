"""What of a file an edit changed: what some functions do, or more, and which functions stay as they are then."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

from sessionlint.facts.packing import unpack
from sessionlint.program.model import FunctionInfo, ModuleInfo, definitions_in
from sessionlint.program.summaries import Summary

#: Where facts of a function have its statements and the names in them.
_BODY, _NAMES = 4, 8


Facts = tuple[Any, ...]


class Edit(NamedTuple):
    """The functions of a module that do something else, with their new facts; where more differs, those ``kept``."""

    bodies: dict[FunctionInfo, Facts]
    kept: dict[FunctionInfo, Facts] | None


def edit_of(module: ModuleInfo, blob: bytes) -> Edit | None:
    """How a module differs from its new facts; ``None``: by more than can be told apart."""
    facts = unpack(blob)
    if not module.body.evaluated or not module.still_mentions(blob):
        return None
    found: list[tuple[Facts, Facts]] = []
    if facts[1] == unpack(module.blob)[1] and _same(module.body.facts[_BODY], facts[0], found):
        return _bodies(module, found)
    # namesakes are told apart by the order in which they are met
    if any(f.key[2] for f in module.functions) or any(c.key[2] for c in module.classes):
        return None
    now = dict(definitions_in(facts[0]))
    kept = {f: now[f.span] for f in module.functions if f.parent is None and _stays(f, now.get(f.span))}
    return Edit({}, kept)


def _bodies(module: ModuleInfo, found: list[tuple[Facts, Facts]]) -> Edit | None:
    functions = {f.span: f for f in module.functions if f.parent is None}
    taken = {functions[old[1]]: new for old, new in found if old[1] in functions}
    inner = [f for f in module.functions if f.parent is not None and is_within(f, taken)]
    if any(f.key[2] for f in (*inner, *taken)) or any(is_within(c.defined_in, taken) for c in module.classes):
        return None
    names = {f.qualname for f in inner}
    if any(f.qualname in names and f not in inner for f in module.functions):
        return None
    return Edit(taken, None)


def _stays(function: FunctionInfo, now: Facts | None) -> bool:
    found: list[tuple[Facts, Facts]] = []
    return now is not None and _same(function.facts, now, found) and not found


def _same(before: Any, now: Any, found: list[tuple[Facts, Facts]]) -> bool:
    """Whether nodes are the same but for bodies of functions; those are put into ``found``."""
    if before is now:
        return True
    if type(before) is not tuple or type(now) is not tuple:
        return type(before) is type(now) and bool(before == now)
    if len(before) != len(now):
        return False
    if _is_function(before) and _is_function(now):
        if not (_alike(before[:_BODY], now[:_BODY]) and _alike(before[_BODY + 1 : _NAMES], now[_BODY + 1 : _NAMES])):
            return False
        # the same statements may be other bytes: marshal notes what is referred to by more than one
        if before[_BODY] != now[_BODY] and not _alike(unpack(before[_BODY]), unpack(now[_BODY])):
            found.append((before, now))
        return True
    return all(_same(a, b, found) for a, b in zip(before, now, strict=True))


def _alike(before: Facts, now: Facts) -> bool:
    """Whether facts are written the same: ``0x01`` equals ``True``, and stands in the same place."""
    return before == now and repr(before) == repr(now)


def _is_function(node: Facts) -> bool:
    return len(node) == _NAMES + 1 and type(node[_BODY]) is bytes


def is_within(function: FunctionInfo | None, functions: Container[FunctionInfo]) -> bool:
    """Whether a function is one of these or defined inside of one."""
    while function is not None:
        if function in functions:
            return True
        function = function.parent
    return False


def rerun(module: ModuleInfo, blob: bytes, kept: dict[FunctionInfo, Facts]) -> None:
    """Has the body of a module met anew, with these functions in it as they are."""
    module.body.fill(module, (*module.body.facts[:_BODY], unpack(blob)[0], *module.body.facts[_BODY + 1 :]), "")
    module.body.traces = []
    module.blob = blob
    for function, facts in kept.items():
        function.facts = facts
        function.wrappers = ()  # what its decorators put around it they say again
        module.body.children[function.span] = function
    module.functions = [f for f in module.functions if is_within(f, kept)]
    module.classes = [c for c in module.classes if is_within(c.defined_in, kept)]
    module.imports = [entry for entry in module.imports if is_within(entry[3], kept)]


def renew(module: ModuleInfo, blob: bytes, functions: dict[FunctionInfo, Facts]) -> None:
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


__all__ = ["Edit", "edit_of", "is_within", "renew", "rerun"]
