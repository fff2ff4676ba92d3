"""Objects with a session (units of work, repositories) that get to where nobody sees who commits what they write.

Of a session itself the program tells that it escapes; of an object that a parameter stands for it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.frame import identity
from sessionlint.program.values import Injected, contained
from sessionlint.rules.sessions_inside import is_opened_by, is_session
from sessionlint.rules.transactions import injector

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.program.values import Value

#: What only looks at an object, or tells of it.
_LOOKS_ONLY = ("builtins.", "logging.", "structlog.", "typing.")
_SEEN = ("call", "construct")


def goes_out_of_sight(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether a function, or one that it passes such an object to, hands it to unknown code, or puts it somewhere."""
    if not is_session(session):
        return False
    pending: list[tuple[FunctionInfo, frozenset[Any]]] = [(function, frozenset())]
    seen: set[FunctionInfo] = set()
    while pending:
        current, known = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        if _leaks(program, current, known, session):
            return True
        for event in current.events:
            given = _taken(program, event, known, session) if event.kind == "call" else frozenset()
            if given and event.callee is not None:
                pending.append((event.callee, given))
    return False


def _taken(program: Program, event: Event, known: frozenset[Any], session: Any) -> frozenset[Any]:
    """The parameters for which a call passes it; whose method is called is none: that stays what it is."""
    callee = event.callee
    own = callee.params[0][0] if callee is not None and callee.class_info is not None and callee.params else None
    found = [k for k, value in event.bindings if k.tag == "param" and _is_among(program, value, known, session)]
    return frozenset(k for k in found if k.info is not callee or k.name != own)


def _is_among(program: Program, value: Value, known: frozenset[Any], session: Any) -> bool:
    return any(a in known or _holds(program, a, session) for a in value)


def _holds(program: Program, atom: Any, session: Any) -> bool:
    if isinstance(atom, Injected):
        source = injector(program, atom)
        return source is not None and is_opened_by(source, session)
    if atom.tag != "inst":
        return False
    own = [a for key, held in atom.bindings if key.tag == "handle" for a in held]
    return session in own or session in contained((atom,))


def _leaks(program: Program, function: FunctionInfo, known: frozenset[Any], session: Any) -> bool:
    body = function.body
    names = {p[0] for p in function.params if _is_among(program, (identity(function, p[0]),), known, session)}
    fields = _fields(program, function, known)
    if not names and not fields:
        return False
    self = function.params[0][0] if function.class_info is not None and function.params else None

    def meant(node: Any) -> bool:
        if node[0] == "a" and len(node) == 4:
            return bool(node[3] in fields and node[2][0] == "n" and node[2][2] == self)
        return bool(node[0] == "n" and len(node) == 3 and node[2] in names)

    _with_others(body, names, meant, {e.span for e in function.events if e.kind == "construct"})
    spans = _calls_in_sight(function)
    return any(_leaves(statement, meant, spans) for statement in body)


def _fields(program: Program, function: FunctionInfo, known: frozenset[Any]) -> set[str]:
    """The attributes in which the object of a method keeps it."""
    owner = function.class_info
    params = [a for a in known if a.tag == "param" and a.info.class_info is not None] if owner is not None else []
    found: set[str] = set()
    for a in params:
        stored = [e for e in a.info.events if e.kind == "setattr" and a in e.value]
        found.update(e.text.rpartition(".")[2] for e in stored)
    return found


def _with_others(body: Any, names: set[str], meant: Callable[[Any], bool], made: set[ir.Span4]) -> None:
    """Adds the other names that it is given, and what is made with it: ``async with unit as own``, ``Desk(unit)``."""
    for node in body:
        if type(node) is not tuple or not node:
            continue
        items = node[2] if node[0] == "w/" and len(node) == 5 else ()
        given = [*items, *((node[3], t) for t in (node[2] if node[0] == "=" and len(node) == 4 else ()))]
        targets = [(value, t[2]) for value, t in given if t is not None and t[0] == "n"]
        names.update([t for value, t in targets if meant(value) or (value[1] in made and any(map(meant, value[3])))])
        _with_others(node, names, meant, made)


def _calls_in_sight(function: FunctionInfo) -> set[ir.Span4]:
    found: set[ir.Span4] = set()
    pending = [function]
    while pending:
        current = pending.pop()
        quiet = [e for e in current.events if e.kind == "external" and e.name.startswith(_LOOKS_ONLY)]
        found.update(e.span for e in (*quiet, *(e for e in current.events if e.kind in _SEEN)))
        pending.extend(current.children.values())
    return found


def _leaves(node: Any, meant: Callable[[Any], bool], spans: set[ir.Span4]) -> bool:
    """Whether it is mentioned where it is neither used nor passed to a function in sight."""
    if type(node) is not tuple or not node:
        return False
    op = node[0] if type(node[0]) is str else ""
    if op in ("n", "a") and len(node) > 2 and meant(node):
        return True
    if op == "a" and len(node) == 4:
        inner = (node[2],)
    elif op == "c" and len(node) == 5:
        passed = (*node[3], *(value for _, value in node[4]))
        given = [value for value in passed if meant(value)]
        if given and node[1] not in spans:
            return True
        return any(_leaves(part, meant, spans) for part in (node[2], *(v for v in passed if v not in given)))
    elif op == "x" and len(node) == 5:
        inner = (node[2], *node[4])
    elif op == "w/" and len(node) == 5:
        return any(_leaves(value, meant, spans) for value, _ in node[2] if not meant(value)) or _leaves(
            node[3], meant, spans
        )
    elif op == "=" and len(node) == 4:
        # to another name, or the attribute that was looked for
        elsewhere = [target for target in node[2] if not _is_taken(target) and not meant(target)]
        if meant(node[3]):
            return bool(elsewhere)
        inner = (node[3], *elsewhere)
    elif op == "M" and len(node) == 4 and meant(node[2]):
        return any(_leaves(case[4], meant, spans) for case in node[3])
    else:
        return any(_leaves(part, meant, spans) for part in node)
    return any(_leaves(part, meant, spans) for part in inner if not meant(part))


def _is_taken(target: ir.Expr) -> bool:
    """Whether an assignment gives it another name, or takes it apart: what a record holds has names of its own then."""
    return bool(target[0] == "n" or (target[0] in ("t", "l") and all(part[0] == "n" for part in target[2])))
