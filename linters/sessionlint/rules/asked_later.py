"""Started work whose outcome is asked for elsewhere: tasks that an object keeps for another method, joined threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import all_blocks
from sessionlint.rules.walking import nodes_below, own_nodes_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.program.values import Site

_PUTS = frozenset({"append", "add"})
_AROUND = frozenset({"wait_for", "shield"})
_ANSWERS = frozenset({"result", "exception"})
_ALL = frozenset({"Exception", "BaseException"})


def is_awaited_by_owner(program: Program, event: Event) -> bool:
    """Whether a task is kept in an attribute, and a method of the same object awaits what that holds."""
    known = program.shared(_known)
    if event.site not in known:
        known[event.site] = _awaits(program, event)
    return known[event.site]


def _known(_: Program) -> dict[Site, bool]:
    """What was found out of tasks: many calls may come down to the start of one."""
    return {}


def _awaits(program: Program, event: Event) -> bool:
    function = event.function
    owner = function.class_info
    attribute = _attribute_of(function, event.span) if owner is not None and function.params else None
    if owner is None or attribute is None:
        return False
    classes = (*program.solver.mro(owner), *program.solver.subclasses(owner))
    methods = (m for info in classes for m in info.methods.values() if m.params)
    return any(_asks(ir.body_of(m.facts), m.params[0][0], attribute) for m in methods)


def _attribute_of(function: FunctionInfo, span: ir.Span4) -> str | None:
    """The attribute of the method's object that what is made at a place is put into."""
    body, this = ir.body_of(function.facts), function.params[0][0]
    names = {
        target[2]
        for node in own_nodes_below(body)
        if _is(node, "=", 4) and _holds(node[3], span, frozenset())
        for target in node[2]
        if target[0] == "n"
    }
    for node in own_nodes_below(body):
        places: tuple[Any, ...] = ()
        given: Any = ()
        if _is(node, "=", 4):
            places, given = node[2], node[3]
        elif _is(node, ":", 5):
            places, given = (node[2],), node[4]
        elif _is(node, "c", 5) and node[2][0] == "a" and node[2][3] in _PUTS:
            places, given = (node[2][2],), node[3]
        kept = [p[2] if p[0] == "i" else p for p in places]
        found = next((p[3] for p in kept if p[0] == "a" and p[2][0] == "n" and p[2][2] == this), None)
        if found is not None and given and _holds((given,), span, names):
            return str(found)
    return None


def _holds(node: Any, span: ir.Span4, names: frozenset[str] | set[str]) -> bool:
    """Whether an expression has the call at a place in it, or a name."""
    return any((_is(n, "c", 5) and n[1] == span) or (_is(n, "n", 3) and n[2] in names) for n in nodes_below((node,)))


def _asks(body: Any, this: str, attribute: str) -> bool:
    """Whether a method awaits what an attribute of its object holds, or asks it how it ended."""
    if not any(_is_attribute(n, this, attribute) for n in own_nodes_below(body)):
        return False
    names = set(_elements(body, this, attribute))

    def is_it(node: Any) -> bool:
        if node[0] == "i":
            return is_it(node[2])
        if node[0] == "c" and node[2][0] == "a" and node[2][3] == "pop":
            return is_it(node[2][2])
        return _is_attribute(node, this, attribute) or (node[0] == "n" and node[2] in names)

    for node in _loud(body):
        if _is(node, "c", 5) and node[2][0] == "a" and node[2][3] in _ANSWERS and is_it(node[2][2]):
            return True
        if _is(node, "aw", 3) and (is_it(node[2]) or _waits(node[2], is_it)):
            return True
    return False


def _waits(call: Any, is_it: Any) -> bool:
    """``gather(*tasks)``, ``wait_for(task, 5)``: what these wait for raises its error; not where they return errors."""
    if call[0] != "c":
        return False
    name = (ir.dotted(call[2]) or "").rpartition(".")[2]
    if name in _AROUND:
        return bool(call[3]) and bool(is_it(call[3][0]))
    if name != "gather" or any(key == "return_exceptions" for key, _ in call[4]):
        return False
    return any(is_it(a[2] if a[0] == "*" else a) for a in call[3])


def _is(node: Any, op: str, size: int) -> bool:
    """Whether it is a node of that kind: names and keywords stand in tuples, too."""
    return bool(node[0] == op and len(node) == size and type(node[1]) is tuple)


def _is_attribute(node: Any, this: str, attribute: str) -> bool:
    return bool(_is(node, "a", 4) and node[3] == attribute and node[2][0] == "n" and node[2][2] == this)


def _elements(body: Any, this: str, attribute: str) -> Iterator[str]:
    """The names that stand for what the attribute holds, or for one of its elements."""
    for node in own_nodes_below(body):
        pairs: list[tuple[Any, Any]] = []
        if _is(node, "L", 7):
            pairs = [(node[2], node[3])]
        elif _is(node, "=", 4):
            pairs = [(target, node[3]) for target in node[2]]
        elif _is(node, "g", 5):
            pairs = [(target, iterable) for target, iterable, _ in node[4]]
        for target, source in pairs:
            if any(_is_attribute(n, this, attribute) for n in nodes_below((source,))):
                yield from (n[2] for n in nodes_below((target,)) if _is(n, "n", 3))


def _loud(node: Any) -> Iterator[Any]:
    """The nodes below one, but for the blocks of a ``try`` or ``with`` that keep every error to themselves."""
    for child in node:
        if type(child) is not tuple or not child or child[0] in ("F", "C", "lam"):
            continue
        if type(child[0]) is str:
            yield child
        if _is(child, "T", 6) and any(_is_silent(handler) for handler in child[3]):
            yield from _loud(child[3:])
        elif _is(child, "w/", 5) and any(_suppresses(item[0]) for item in child[2]):
            continue
        else:
            yield from _loud(child)


def _is_silent(handler: Any) -> bool:
    """Whether a clause catches whatever comes, and neither calls anything nor raises."""
    _, caught, _, body = handler
    if caught is not None and not _names_all((caught,)):
        return False
    return not any(_is(n, "c", 5) or _is(n, "!", 3) for n in nodes_below(body))


def _suppresses(entered: Any) -> bool:
    if entered[0] != "c" or (ir.dotted(entered[2]) or "").rpartition(".")[2] != "suppress":
        return False
    return _names_all(entered[3])


def _names_all(nodes: Any) -> bool:
    return any(_is(n, "n", 3) and n[2] in _ALL for n in nodes_below(nodes))


def is_joined_for_its_outcome(program: Program, event: Event) -> bool:
    """``thread.start(); thread.join(); return result``: the starter waits, and goes on with what the thread left."""
    function = event.function
    left = {n for work in program.started_by(event) if work.parent is function for n in _left_by(work)}
    for block in all_blocks(ir.body_of(function.facts)) if left else ():
        for at, statement in enumerate(block):
            if statement[0] != "=" or statement[3][1] != event.span or statement[2][0][0] != "n":
                continue
            thread = statement[2][0][2]
            calls = [_called_on(following, thread) for following in block[at + 1 :]]
            if "start" not in calls or calls[calls.index("start") + 1 :][:1] != ["join"]:
                return False
            behind = block[at + 1 + calls.index("join") + 1 :]
            return any(_is(n, "n", 3) and n[2] in left for n in nodes_below(behind))
    return False


def _left_by(work: FunctionInfo) -> Iterator[str]:
    """The names around an inner function under which it leaves something: assigned ones, collections that it fills."""
    for node in nodes_below(ir.body_of(work.facts)):
        if _is(node, "glob", 3):
            yield from node[2]
        elif _is(node, "=", 4):
            yield from (t[2][2] for t in node[2] if t[0] == "i" and t[2][0] == "n")
        elif _is(node, "c", 5) and node[2][0] == "a" and node[2][3] in _PUTS and node[2][2][0] == "n":
            yield node[2][2][2]


def _called_on(statement: Any, thread: str) -> str:
    """The method of a name that a statement calls without arguments."""
    call: ir.Expr = statement[2] if statement[0] == "E" else ()
    if call[:1] != ("c",) or call[3] or call[4] or call[2][0] != "a" or call[2][2][0] != "n" or call[2][2][2] != thread:
        return ""
    return str(call[2][3])
