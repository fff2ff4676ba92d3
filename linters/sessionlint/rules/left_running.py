"""Tasks that nobody is seen to await, with a session that others use meanwhile: more of them, or who started them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Handle
from sessionlint.rules.background_work import runs_in_background
from sessionlint.rules.meanwhile import used_meanwhile
from sessionlint.rules.repeating import is_left_behind
from sessionlint.rules.sharing import count, is_shared
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: Whose tasks TXN601 tells of.
_REQUEST = frozenset({"endpoint", "handler", "router", "service", "dependency", "auth", "model"})
_WAITS = ("aw", "y", "yf")


def used_beside(program: Program, function: FunctionInfo, task: Event, session: Any) -> str:
    """What else uses the session at the same time as the task; empty where nothing does, or TXN601 tells of it."""
    if program.role(function) in _REQUEST and not runs_in_background(program, function):
        return ""
    nodes = [n for n in own_nodes_below(function.body) if len(n) > 3 and type(n[1]) is tuple]
    around = [n for n in nodes if is_within(task.span, n[1])]
    for node in around:
        if node[0] not in ("L", "W", "g") or not _goes_on(node, task):
            continue
        several = count(program, [(task.value, True)])[session] > 1
        if several and is_shared(program, function, session, True, node[1]) and not _is_of_round(node, session):
            return "the tasks of all rounds"
    for node in around:
        if node[0] == "w/" and isinstance(session, Handle) and session.site == (task.path, _opened_by(node, session)):
            left = not _waits(node[3], task.span[2:])
            if left or used_meanwhile(task, session, node[1][2:]):
                return "this task, which nobody awaits, and the function that started it"
    return ""


def _goes_on(node: Any, task: Event) -> bool:
    """Whether a loop or comprehension starts the next task without a wait after the one before."""
    if node[0] == "g":
        return not any(n[0] == "aw" for n in own_nodes_below((node[3],)))
    body = node[2:4] if node[0] == "W" else node[4:5]
    waits = (node[0] == "L" and node[6]) or _waits(body, (0, 0))
    return not waits and not is_left_behind(task.function, task.span)


def _waits(block: Any, since: tuple[int, int]) -> bool:
    """Whether a function lets its tasks go on in a block, behind a place."""
    later = [n for n in own_nodes_below(block) if len(n) > 2 and type(n[1]) is tuple and n[1][:2] >= since]
    return any(n[0] in _WAITS or (n[0] in ("L", "w/") and n[-1] is True) for n in later)


def _is_of_round(node: Any, session: Any) -> bool:
    """Whether the session is opened in the loop itself, anew in each round."""
    return isinstance(session, Handle) and is_within(session.site[1], node[1])


def _opened_by(node: Any, session: Handle) -> Any:
    return next((item[1] for item, _ in node[2] if item[1] == session.site[1]), None)
