"""What becomes of the task that a call makes: whether the function that makes it keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.rules.walking import nodes_below, own_nodes_below

_CALLBACK: Final = "add_done_callback"
#: What a task only says of itself: whoever asks has not kept it. Asking whether it is done is a way to wait for it.
_ASKS: Final = frozenset({"get_name", "set_name", "get_coro", "get_context", "get_stack", "print_stack"})
#: https://docs.python.org/3/library/weakref.html: what is only referred to so can be collected.
_REFERRING: Final = frozenset({"weakref.ref", "weakref.proxy", "weakref.WeakSet().add"})
_WEAK: Final = "weakly"
_INNER: Final = ("F", "C", "lam")
#: Statements that look at a value once and let it go, with their test in the third place.
_TESTS: Final = ("I", "W", "as")
_LOOPS: Final = ("L", "W")
_ROWS: Final = ("t", "l")
_PARTS: Final = ("t", "l", "e")
_LOOKED_AT: Final = frozenset({"E", "=", ":", "L", *_TESTS})
_COPIES: Final = frozenset({"list", "tuple", "set"})


def fate_of(event: Event) -> str | None:
    """How a task that is not dropped at once is lost all the same; ``None`` when it is kept."""
    body = event.function.body
    weak = frozenset(e.span for e in event.function.events if e.kind == "external" and e.name in _REFERRING)
    for statement in statements(body):
        if statement[0] == "E":
            if statement[2][1] in weak and any(given[1] == event.span for given in statement[2][3]):
                return "kept by a weak reference only"
            watched = _only_asked(statement[2], event.span)
            if watched is not None:
                return "given a callback but kept nowhere" if watched == _CALLBACK else "only asked what it is"
            if _falls_through(statement[2], event.span):
                return "dropped"
        elif statement[0] == "L":
            if statement[2][0] == "n" and _falls_through(statement[3], event.span):
                return _of_element(body, statement[2][2])
        elif statement[0] in _TESTS:
            if _falls_through(statement[2], event.span):
                return "only asked whether it is there"
        elif (target := _target_of(statement, event.span)) is not None:
            return _of_name(event, body, statement, target, weak)
    return None


def _target_of(statement: ir.Stmt, span: ir.Span4) -> ir.Expr | None:
    """What a statement gives the task to: its one target, or the one in the task's place (``task, name = …, …``)."""
    value = statement[-1]
    if value is None or (statement[0] == "=" and len(statement[2]) > 1):
        return None
    target: ir.Expr = statement[2][0] if statement[0] == "=" else statement[2]
    if value[1] == span:
        return target
    if statement[0] != "=" or value[0] not in _ROWS or target[0] not in _ROWS or len(value[2]) != len(target[2]):
        return None
    if any(part[0] == "*" for part in (*value[2], *target[2])):
        return None
    return next((to for to, part in zip(target[2], value[2], strict=True) if part[1] == span), None)


def _of_element(body: Any, name: str) -> str | None:
    """What becomes of tasks that a loop goes through."""
    # the target itself is among what mentions it
    mentioned = sum(not asked for asked in reads(body, name))
    return f"given to {name}, which nothing reads" if mentioned <= 1 else None


def _of_name(
    event: Event, body: Any, statement: ir.Stmt, target: ir.Expr, weak: frozenset[ir.Span4]
) -> str | None:  # fmt: skip
    """What becomes of a task that is given to a name."""
    if target[0] != "n" or event.function.name == "<module>" or target[2] in globals_of(body):
        return None
    name = target[2]
    if name == "_":
        return "given to _"
    read = list(reads(body, name, weak))
    if not read:
        return f"given to {name}, which nothing reads"
    if all(read):
        only = "only gets a callback" if set(read) == {_CALLBACK} else "is only asked what it is"
        only = "is only referred to weakly" if _WEAK in read else only
        return f"given to {name}, which {only}"
    if any(_is_read((n,), name) for n in nodes_below(body) if n[0] in _INNER):
        return None
    if _is_replaced(_block_of(body, statement), statement, name):
        return f"given to {name}, which is given something else before anything reads it"
    loop = next((s for s in statements(body) if s[0] in _LOOPS and _goes_on(s, statement, name)), None)
    return f"given to {name}, which the next round gives another one" if loop else None


def _is_read(node: Any, name: str) -> bool:
    return not all(reads(node, name))


def _block_of(node: Any, statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
    """The statements that one of them stands among."""
    if any(child is statement for child in node):
        return tuple(node)
    found = (_block_of(child, statement) for child in node if type(child) is tuple)
    return next((block for block in found if block), ())


def _is_replaced(block: tuple[ir.Stmt, ...], statement: ir.Stmt, name: str) -> bool:
    """Whether the name is assigned anew further down, and not read in between."""
    after = next((i for i, s in enumerate(block) if s is statement), len(block)) + 1
    for later in block[after:]:
        if _is_read((later,), name):
            return False
        if later[0] == "=" and any(t[0] == "n" and t[2] == name for t in later[2]):
            return True
    return False


def _goes_on(loop: ir.Stmt, statement: ir.Stmt, name: str) -> bool:
    """Whether each round of a loop that nothing leaves makes a task, and none reads the one of the last round."""
    block = loop[4] if loop[0] == "L" else loop[3]
    if not any(s is statement for s in block):
        return False
    if any(n[0] == "R" or (n[0] == "J" and n[2:] == ("break",)) for n in own_nodes_below(block)):
        return False
    return not _is_read(loop[2:], name)


def _only_asked(expr: ir.Expr, span: ir.Span4) -> str | None:
    """The method that is called on the task in its place, where that keeps nothing of it."""
    if expr[0] != "c" or expr[2][0] != "a" or expr[2][2][1] != span:
        return None
    method: str = expr[2][3]
    return method if method == _CALLBACK or method in _ASKS else None


def _falls_through(expr: ir.Expr, span: ir.Span4) -> bool:
    """Whether the task is the value of a statement by way of ``and``, a conditional, a display or a comprehension."""
    if expr[1] == span:
        return True
    if expr[0] == "o":
        return any(_falls_through(e, span) for e in expr[3])
    if expr[0] == "q":
        return any(_falls_through(e, span) for e in expr[3:])
    if expr[0] in _PARTS:
        return any(_falls_through(e, span) for e in expr[2])
    if expr[0] == "c":
        return expr[2][0] == "n" and expr[2][2] in _COPIES and any(_falls_through(e, span) for e in expr[3])
    if expr[0] == "*":
        return _falls_through(expr[2], span)
    return expr[0] == "g" and any(_falls_through(e, span) for e in expr[3])


def _is_statement(node: Any) -> bool:
    """Whether it is no list of names, and no function or class that is called ``I`` or ``E``."""
    if type(node[1]) is not tuple or type(node[2]) is not tuple or not node[2]:
        return False
    return node[0] == "=" or type(node[2][0]) is str


def statements(node: Any) -> Iterator[Any]:
    """All statements below a node that may hold, name, test or go through tasks."""
    for child in node:
        if type(child) is tuple:
            if len(child) > 2 and child[0] in _LOOKED_AT and _is_statement(child):
                yield child
            yield from statements(child)


def globals_of(node: Any) -> set[str]:
    """The names that ``global`` and ``nonlocal`` say belong to others."""
    found: set[str] = set()
    for child in node:
        if type(child) is tuple:
            if child and child[0] == "glob" and len(child) == 3:
                found.update(child[2])
            found |= globals_of(child)
    return found


def reads(node: Any, name: str, weak: frozenset[ir.Span4] = frozenset()) -> Iterator[str]:
    """Every read of a name: by which method, where that keeps nothing of it (``name.get_name()``), else ``""``.

    Calls at the places ``weak`` only refer to what they are given.
    """
    for child in node:
        if type(child) is not tuple or not child:
            if type(child) is bytes and name.encode() in child:
                yield ""
            continue
        op = child[0]
        if op == "c" and len(child) == 5 and child[1] in weak:
            # the collection or reference keeps none of its arguments alive
            yield from (_WEAK for given in child[3] if given[0] == "n" and given[2] == name)
            yield from reads(tuple(given for given in child[3] if given[0] != "n"), name, weak)
        elif op == "del" and len(child) == 3:
            yield from reads(tuple(t for t in child[2] if t[0] != "n"), name, weak)
        elif op == "c" and len(child) == 5 and _is_method_of(child[2], name) and child[2][3] in _ASKS:
            yield child[2][3]
            yield from reads(child[3:], name, weak)
        elif op == "a" and _is_method_of(child, name) and child[3] == _CALLBACK:
            yield _CALLBACK
        elif op == "n" and len(child) == 3 and child[2] == name:
            yield ""
        elif op == "=" and len(child) == 4:
            yield from reads(tuple(_without_names(child[2])), name, weak)
            yield from reads((child[3],), name, weak)
        elif op == ":" and len(child) == 5 and child[2][0] == "n":
            yield from reads((child[4],), name, weak)
        else:
            yield from reads(child, name, weak)


def _without_names(targets: tuple[ir.Expr, ...]) -> Iterator[ir.Expr]:
    """Targets without the names among them, which are assigned and not read."""
    for target in targets:
        if target[0] in _ROWS:
            yield from _without_names(target[2])
        elif target[0] != "n":
            yield target


def _is_method_of(expr: ir.Expr, name: str) -> bool:
    """Whether an expression is an attribute of a name."""
    return bool(expr[0] == "a" and len(expr) == 4 and expr[2][0] == "n" and expr[2][2] == name)
