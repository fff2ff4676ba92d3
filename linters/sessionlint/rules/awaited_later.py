"""Coroutines of a library that are made inside a block and kept: they run where what keeps them is awaited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Site
from sessionlint.rules.walking import is_placed, own_expressions_below
from sessionlint.rules.watching import is_within

#: What runs the coroutines that it is given; an answer that is there already is given to none of them.
_RUNS: Final = frozenset({
    "gather", "wait", "wait_for", "shield", "as_completed", "create_task", "ensure_future", "start_soon",
    "run_coroutine_threadsafe", "run_until_complete",
})  # fmt: skip
#: Methods that give what a container keeps.
_TAKES: Final = frozenset({"values", "items", "pop", "popleft", "get", "copy"})
#: Methods by which a stack enters a block that ends with its own.
_ENTERS: Final = frozenset({"enter_context", "enter_async_context", "push", "push_async_exit"})


def is_awaited_later(event: Event, opened: Site) -> bool:
    """Whether a coroutine that is made here is only awaited behind the block that ``opened`` the transaction."""
    if not event.function.is_async or opened[0] != event.path:
        return False
    if event.kind != "network" and (event.callee is None or event.callee.is_async):
        return False
    nodes = list(own_expressions_below(event.function.body))
    awaiting = [(n[1], given) for n in nodes for given in _awaited(n)]
    if any(_runs(given, event.span) for _, given in awaiting):
        return False
    around = _block_of(opened[1], nodes)
    keepers = _keepers(nodes, event.span)
    if around is None or not keepers or _is_read_inside(event, keepers):
        return False
    open_blocks = [around, *[b for b in _transactions(event, nodes) if not is_within(event.span, b[1])]]
    for span, given in awaiting:
        if any(is_within(span, b[1]) for b in open_blocks) and _mentions(given, keepers):
            return False
    surely = _is_coroutine(event.name)
    return any(_is_kept(given, keepers) or (surely and _mentions(given, keepers)) for _, given in awaiting)


def _is_coroutine(name: str) -> bool:
    """Whether the name of a library's function says that calling it waits for nothing yet."""
    return name.startswith("asyncio.") or ".Async" in name


def _is_read_inside(event: Event, keepers: frozenset[str]) -> bool:
    """Whether a function inside of this one mentions what keeps the coroutine, and may await it anywhere."""
    inner = list(event.function.children.values())
    for function in inner:
        inner.extend(function.children.values())
    return any(n[0] == "n" and n[2] in keepers for f in inner for n in own_expressions_below(f.body))


def _keepers(nodes: list[ir.Expr], made: ir.Span4) -> frozenset[str]:
    """The local names by which what a call gives is kept: alone, in containers or objects, under one name and then
    another."""
    local = {n[2] for node in nodes for target in _targets(node) for n in _names(target)}
    keepers: frozenset[str] = frozenset()
    while True:
        found = set(keepers)
        for node in nodes:
            for value, targets in _filled(node):
                if _gives(value, made, keepers):
                    found.update([n[2] for target in targets for n in _names(target) if n[2] in local])
        if found == keepers:
            return keepers
        keepers = frozenset(found)


def _targets(node: ir.Expr) -> Iterator[ir.Expr]:
    for _, targets in _filled(node):
        yield from targets if node[0] != "E" else ()


def _filled(node: ir.Expr) -> Iterator[tuple[ir.Expr, list[ir.Expr]]]:
    """The values that a node puts somewhere, each with where."""
    if node[0] == "=":
        yield node[3], list(node[2])
    elif node[0] in (":", "+=") and len(node) > 4 and node[4]:
        yield node[4], [node[2]]
    elif node[0] == "w" or node[0] == "L":
        yield node[3], [node[2]]
    elif node[0] == "g":
        for target, iterated, _ in node[4]:
            yield iterated, [target]
    elif node[0] == "E" and node[2][0] == "c":
        # ``calls.append(call)``, ``ask(calls, client)``: whatever a call is given may keep it
        yield node[2], [*[n[2] for n in own_expressions_below((node[2],)) if n[0] == "a"], *node[2][3]]


def _names(expr: ir.Expr) -> Iterator[ir.Expr]:
    """The names that are assigned, or whose entries or attributes are."""
    if expr[0] in ("t", "l"):
        for part in expr[2]:
            yield from _names(part)
        return
    while expr[0] in ("a", "i", "*"):
        expr = expr[2]
    if expr[0] == "n":
        yield expr


def _gives(value: ir.Expr, made: ir.Span4, keepers: frozenset[str]) -> bool:
    """Whether a value may hold what the call at a place gave, or what one of some names keeps."""
    if value[0] == "aw":
        return False
    if value[1] == made or (value[0] == "n" and value[2] in keepers):
        return True
    if value[0] == "c" and _called(value) in _RUNS:
        return False
    return any(_gives(n, made, keepers) for n in _parts(value))


def _parts(node: ir.Expr) -> Iterator[ir.Expr]:
    """The expressions right below one."""
    for child in node[2:]:
        yield from _expressions(child)


def _expressions(child: object) -> Iterator[ir.Expr]:
    if isinstance(child, tuple) and child:
        if type(child[0]) is str and is_placed(child):
            yield child
        else:
            for part in child:
                yield from _expressions(part)


def _awaited(node: ir.Expr) -> Iterator[ir.Expr]:
    """What a node awaits, or has run."""
    if node[0] == "aw":
        yield node[2]
    elif node[0] == "c" and _called(node) in _RUNS:
        for given in node[3]:
            yield given[2] if given[0] == "*" else given
    elif node[0] == "L" and node[6]:
        yield node[3]


def _called(call: ir.Expr) -> str:
    """The last part of the name of what is called; ``partial(gather, …)()`` calls ``gather``."""
    function = call[2]
    if function[0] == "c" and function[3] and _called(function) == "partial":
        function = function[3][0]
    return str(function[3] if function[0] == "a" else function[2])


def _runs(given: ir.Expr, made: ir.Span4) -> bool:
    """Whether what is awaited is the call at a place, or made with what it gives."""
    return is_within(made, given[1])


def _mentions(given: ir.Expr, keepers: frozenset[str]) -> bool:
    return any(n[0] == "n" and n[2] in keepers for n in (given, *own_expressions_below((given,))))


def _is_kept(given: ir.Expr, keepers: frozenset[str]) -> bool:
    """Whether what is awaited comes right out of what keeps the coroutine."""
    while True:
        if given[0] in ("a", "i", "*"):
            given = given[2]
        elif given[0] == "c" and given[2][0] == "a" and given[2][3] in _TAKES:
            given = given[2][2]
        elif given[0] in ("l", "t", "e"):
            return any(_is_kept(part, keepers) for part in given[2])
        elif given[0] == "g":
            return any(_is_kept(part, keepers) for part in given[3])
        else:
            return given[0] == "n" and given[2] in keepers


def _block_of(opened: ir.Span4, nodes: list[ir.Expr]) -> ir.Stmt | None:
    """The block that a place opens, be it by a stack that ends with its own."""
    blocks = [n for n in nodes if n[0] == "w/"]
    around = next((b for b in blocks if any(is_within(opened, item[0][1]) for item in b[2])), None)
    if around is not None:
        return around
    calls = [n for n in nodes if n[0] == "c" and is_within(opened, n[1])]
    parts = [n for call in calls for n in own_expressions_below(call) if n[0] == "a" and n[3] in _ENTERS]
    stacks = {n[2][2] for n in parts if n[2][0] == "n"}
    found = [b for b in blocks for _, target in b[2] if target and target[0] == "n" and target[2] in stacks]
    return next((b for b in found[::-1] if is_within(opened, b[1])), None)


def _transactions(event: Event, nodes: list[ir.Expr]) -> Iterator[ir.Stmt]:
    """The blocks of the function that open a transaction."""
    sites = {t.site for e in event.function.events for t in e.transactions}
    for span in [span for path, span in sites if path == event.path]:
        block = _block_of(span, nodes)
        if block is not None:
            yield block


__all__ = ["is_awaited_later"]
