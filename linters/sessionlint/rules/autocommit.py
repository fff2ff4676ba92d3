"""Sessions on which the driver commits each statement by itself: ``isolation_level="AUTOCOMMIT"``.

https://docs.sqlalchemy.org/en/20/core/connections.html#setting-transaction-isolation-levels-including-dbapi-autocommit:
an engine is told by ``create_engine``, a copy of it or a connection by ``execution_options``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sessionlint.program.isolation import is_autocommit, is_isolation
from sessionlint.program.values import ENGINE, Handle, Site, Value

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_BOUND_TO = ("bind", "sync_bind")
#: What only marks rows for the next flush, which nothing sends by itself.
_WAITS = frozenset({"add", "add_all", "delete", "merge"})
_MAX_HOPS = 4


def commits_itself(program: Program, function: FunctionInfo, index: int, session: Any) -> bool:
    """Whether the write that is event ``index`` of ``function`` is sent, and so committed, without any transaction."""
    before, after = function.events[:index], function.events[index + 1 :]
    if not (_is_bound(program, function, session) or any(_is_told(e, session) for e in before)):
        return False
    event = function.events[index]
    waits = event.kind == "change" or (event.kind == "use" and event.name in _WAITS)
    return not waits or any(session in e.subject and _sends(e) for e in after)


def _sends(event: Event) -> bool:
    """Whether a flush, or a query before which one is made, follows."""
    return (event.kind == "use" and event.name not in _WAITS) or (event.kind, event.text) == ("effect", "use")


def _is_told(event: Event, session: Any, hops: int = 0) -> bool:
    """``session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})``, or a connection's own, or below."""
    if event.kind == "options" or (event.kind == "use" and event.name == "connection"):
        return session in event.subject and is_autocommit(event.keywords)
    if event.kind != "call" or event.callee is None or hops > _MAX_HOPS:
        return False
    names = [key for key, value in event.bindings if session in value]
    return any(_is_told(inner, name, hops + 1) for name in names for inner in event.callee.events)


def _is_bound(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether all that a session may be, wherever it was opened, works on such an engine or connection."""
    known = program.shared(_autocommitting)
    handles = _handles(program, (session,))
    told = [e for e in _where_handed_out(session) if e.function is not function]
    return bool(handles) and all(a.root in known or any(_is_told(e, a) for e in told) for a in handles)


def _where_handed_out(session: Any) -> Iterable[Event]:
    """What the function does that FastAPI calls for a session."""
    info = getattr(getattr(session, "source", None), "info", None)
    return getattr(info, "events", ())


def _autocommitting(program: Program) -> frozenset[Site]:
    """The places where engines, copies of engines, connections, factories and sessions of this kind are made."""
    options = [e for e in program.events("options") if is_isolation(e.keywords)]
    known = {e.site for e in options if is_autocommit(e.keywords)}
    # a connection is told itself, of an engine a copy is made
    known.update(
        a.site for e in options if e.site in known for a in e.subject if a.tag == "handle" and a.kind != ENGINE
    )
    made = list(program.events("create"))
    known.update(e.site for e in made if is_autocommit(e.keywords))
    copies = {e.site for e in options}
    while known:
        found = {e.site for e in made if e.site not in known and _works_on(program, e, known, copies)}
        if not found:
            break
        known |= found
    return frozenset(known)


def _works_on(program: Program, event: Event, known: set[Site], copies: set[Site]) -> bool:
    """Whether all that a handle is bound to, or made by, is of this kind."""
    bound = [value for name, value in event.keywords if name in _BOUND_TO]
    made_by = tuple(a.receiver if a.tag == "method" else a for a in event.value)
    for value in bound or (*event.args[:1], made_by):
        handles = _handles(program, value)
        if handles:
            return all(a.site in known or (a.site not in copies and a.root in known) for a in handles)
    return False


def _handles(program: Program, value: Value) -> list[Handle]:
    seen = [v for a in value for v in (program.solver.views(a) if a.tag in ("param", "injected") else (a,))]
    return [a for a in seen if isinstance(a, Handle)]
