"""Whether what was written on a session is ever committed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.beginning import BEGINS
from sessionlint.program.merging import ADDED
from sessionlint.program.model import Effect
from sessionlint.program.unsaved import LEFT, is_left
from sessionlint.program.values import CONNECTION, SESSION, Handle, contained
from sessionlint.rules.autocommit import commits_itself
from sessionlint.rules.background_work import own_handles
from sessionlint.rules.handed_to_handlers import commits_after_handler
from sessionlint.rules.kept_around_requests import commits_around_request
from sessionlint.rules.left_generators import left_at_yield
from sessionlint.rules.opened_blocks import let_go_by_blocks, queried_in_blocks
from sessionlint.rules.out_of_sight import EMPTIED, may_be_committed
from sessionlint.rules.ownership import made, verdict
from sessionlint.rules.switched_off import is_switched_off
from sessionlint.rules.transactions import behind, closing_commits, owned, request_dependencies
from sessionlint.rules.units_out_of_sight import goes_out_of_sight
from sessionlint.rules.ways_out import left_before

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo, Transaction


def is_lost(program: Program, function: FunctionInfo, index: int, session: Any) -> bool:
    """Whether nothing commits the write that is event ``index`` of ``function``; doubt means no."""
    event = function.events[index]
    if "closed" in event.flags or _is_closed(event, session):
        return False  # TXN208
    blocks = tuple([t for t in owned(event) if not _is_left(event, session, t)])
    same = _same(event, session)
    if not _is_session(program, session) or any(s in t.subjects for t in blocks for s in same):
        return False
    if blocks and any(a in t.subjects for a in _bound_to(function, session) for t in blocks):
        return False  # the block of the connection that it works on commits
    if _is_registry(session) and not _ends_here(function, session):
        if may_be_committed(program, session):
            return False
    else:
        closing = _closing_commits(program, event, session)
        if closing is None or (closing and left_at_yield(event, session) is None):
            return False
    if any(e.name in ("begin", "commit") for e in around(program, function)):
        return False  # a decorator commits
    saving = [
        other
        for i, other in enumerate(function.events)
        if any(_may_commit(other, s, event, later=i > index) for s in same)
    ]
    if saving and wrapped(event) is not None:
        saving = [other for other in saving if not is_switched_off(program, event, other)]
    if saving and not (all(_is_commit(s, event) for s in saving) and left_before(event, session, saving)):
        return False
    if any(_may_end(program, function, other, session) for other in function.events):
        return False
    commit, escape = Effect("txn", "commit", session), Effect("escape", "unknown", session)
    before = (target for asked in request_dependencies(program, function) for target in behind(program, asked))
    for target in before:
        # one that only returns has run before the endpoint does
        commits = commit in target.summary.effects and (target.is_generator or not function.routes)
        if commits or escape in target.summary.effects:
            return False
        if any(session in t.subjects for t in target.summary.yield_transactions if not t.savepoint):
            return False  # its block is around the endpoint
    return not commits_itself(program, function, index, session) and not goes_out_of_sight(program, function, session)


def _is_left(write: Event, session: Any, block: Transaction) -> bool:
    """Whether a block is that of a generator which is left at its ``yield``."""
    if block.source is None or session not in block.subjects:
        return False
    taken = left_at_yield(write, session)
    return taken is not None and taken.site == block.site


def _closing_commits(program: Program, write: Event, session: Any) -> bool | None:
    """Whether closing it commits, here or in the middleware around an endpoint or a handler of messages."""
    if session.tag == "param":
        return commits_after_handler(program, write.function, session)
    answer = closing_commits(program, write.function, session)
    return commits_around_request(program, write, session) if answer is None else answer


def _is_session(program: Program, session: Any) -> bool:
    return program.kind(session) in (SESSION, CONNECTION) or _is_registry(session)


def _bound_to(function: FunctionInfo, session: Any) -> tuple[Any, ...]:
    """The connection or engine that a session made here was given."""
    made = [e for e in function.events if e.kind == "create" and session in e.subject]
    given = (value for e in made for value in (*e.args[:1], *(v for name, v in e.keywords if name == "bind")))
    return tuple(atom for value in given for atom in value)


def _ends_here(function: FunctionInfo, session: Any) -> bool:
    """Whether a ``with`` of the function closes the session of a registry, which nobody commits after that."""
    return any(session in _entered(e) for e in function.events if e.kind in ("create", "obtain"))


def _entered(event: Event) -> list[Handle]:
    """The sessions of registries that a ``with`` opens here."""
    return [a for a in event.subject if isinstance(a, Handle) and a.registry] if "context" in event.flags else []


def _is_registry(session: Any) -> bool:
    """Whether it passes what is asked of it on to the one session of its scope, which no block around this closes."""
    return session == EMPTIED or (isinstance(session, Handle) and session.registry)


def _same(event: Event, session: Any) -> tuple[Any, ...]:
    """The session, and what else is the same one: of a registry, the registry itself and what a call of it gives."""
    if not isinstance(session, Handle) or not session.registry:
        return (session,)
    found = {a for t in owned(event) for a in t.subjects} | {a for e in event.function.events for a in e.subject}
    others = (a for a in found if isinstance(a, Handle) and a.registry and a.site == session.site and a != session)
    return (session, *others)


def is_write(event: Event) -> bool:
    """Whether rows are written here, or by what is called."""
    if event.kind == "effect":
        return event.text == LEFT or (event.text == "use" and event.name == "write")
    return event.kind == "use" and "write" in event.flags


def changes_row(event: Event) -> bool:
    """Whether an attribute of a loaded row is assigned here, or by what is called, that its session has to write."""
    return "change" in (event.kind, event.text) and ADDED not in event.flags


def reads_only(function: FunctionInfo) -> bool:
    """Whether only ``GET`` requests get here: what they change in a row is meant for their answer."""
    methods = {route.method for route in function.routes}
    return bool(methods) and methods <= {"get", "head", "options", "trace"}


def opened_and_kept(program: Program, function: FunctionInfo) -> frozenset[Any]:
    """The sessions and connections a function opens and hands to nobody: what it writes there no caller can commit."""
    events = [e for e in function.events if e.kind in ("create", "obtain")]
    kinds = (SESSION, CONNECTION)
    opened = [(e, h) for e in events for h in (*made(e), *_entered(e)) if h.kind in kinds]
    ended = let_go_by_blocks(program, function) | queried_in_blocks(function)
    if not opened:
        return ended
    summary = function.summary
    handed = set(contained((*summary.returns, *summary.yields)))
    return ended | {h for e, h in opened if h not in handed and verdict(program, e, h) != "passed on"}


def _is_closed(event: Event, session: Any) -> bool:
    """Whether a call is given a session that is closed by then."""
    events = event.function.events if event.kind == "effect" else ()
    return any(e.kind == "call" and e.span == event.span and session in e.subject for e in events)


def around(program: Program, function: FunctionInfo) -> Iterator[Event]:
    """What the decorators of a function do to transactions themselves, not what the functions do that they wrap."""
    called = [
        method
        for _, value in function.decorator_values
        for atom in value
        if atom.tag in ("cls", "inst") and (method := program.solver.method(atom.info, "__call__")) is not None
    ]
    for wrapper in (*function.wrappers, *called):
        for event in wrapper.events:
            wrapped = event.callee
            if event.kind == "txn" or (event.kind == "effect" and not _is_wrapped(program, wrapper, wrapped)):
                yield event


def _is_wrapped(program: Program, wrapper: FunctionInfo, function: FunctionInfo | None) -> bool:
    """Whether a decorator's wrapper calls a function as the one that it, or another decorator, was put around."""
    if function is None or function in program.shared(_wrappers):
        return True
    owners = (a.info for _, value in function.decorator_values for a in value if a.tag in ("cls", "inst"))
    return wrapper in function.wrappers or any(wrapper.class_info is owner for owner in owners)


def _wrappers(program: Program) -> frozenset[FunctionInfo]:
    return frozenset(wrapper for function in program.functions for wrapper in function.wrappers)


def _may_commit(other: Event, session: Any, write: Event, later: bool) -> bool:
    """Whether an event of the function can save what was written on ``session`` at ``write``."""
    if other.kind == "schedule":
        owned_by_given = own_handles(tuple(contained(value)) for value in (other.value, *other.args))
        return any(session in value for value in (*other.args, *owned_by_given.values()))
    if later and commits_when_run(other, session):
        return True
    if is_of_another(write, other) or _is_in_its_place(write, other, session):
        return False
    if session not in other.subject or (is_left(write, other) and not {"loop"} & other.flags & write.flags):
        return False
    if other.kind in ("store", "escape") or (other.kind == "effect" and other.text == "escape"):
        return True
    if other.kind == "effect" and other.name in BEGINS and other.span == write.span:
        return True  # the callee owns a transaction of its own
    if other.name == "begin" and other.callee is not None and other.callee.name in ("__enter__", "__aenter__"):
        return not later  # an object of the project begins in its ``with``, and ends there by ways of its own
    if other.name == "commit" and other.callee is not None and other.callee.summary.commits_after_yield:
        return True  # a context manager that commits when its block is left
    again = later or other.span == write.span or bool({"loop"} & other.flags & write.flags)
    return again and other.name == "commit" and other.kind in ("txn", "effect")


def _may_end(program: Program, function: FunctionInfo, event: Event, session: Any) -> bool:
    """Whether a callee commits what an object of unknown making was given: the session may be among that."""
    if event.kind != "effect" or event.text != "txn" or event.name != "commit":
        return False
    given = (a for a in event.subject if a.tag == "param" and a.info is not function and a.info.name == "__init__")
    return any(session in program.solver.arguments_of(param) for param in given)


def commits_when_run(event: Event, session: Any) -> bool:
    """Whether a library is handed a generator or coroutine that commits the session, as a streaming response is."""
    given = (*event.args, *(v for _, v in event.keywords)) if event.kind == "external" else ()
    made = (a for value in given for a in value if a.tag == "pending")
    return any(
        session in value and Effect("txn", "commit", key) in atom.info.summary.effects
        for atom in made
        for key, value in atom.bindings
    )


def wrapped(event: Event) -> FunctionInfo | None:
    """What a decorator's inner function calls as the one that it is put around."""
    callee = event.callee
    return callee if callee is not None and event.function in callee.wrappers else None


def is_of_another(write: Event, other: Event) -> bool:
    """Whether a decorator's inner function calls one function where it writes, and another where the other happens."""
    one, another = wrapped(write), wrapped(other)
    return one is not None and another is not None and one is not another


def _is_in_its_place(write: Event, other: Event, session: Any) -> bool:
    """Whether one call does either: a method writes, and what another class has under its name begins or commits."""
    one, another = write.callee, other.callee
    if one is None or another is None or one is another or write.span != other.span or one.name != another.name:
        return False
    if one.class_info is None or another.class_info is None or one in another.wrappers or another in one.wrappers:
        return False
    # in a loop the next one may work on the same session
    events = write.function.events if "loop" in write.flags else ()
    return "loop" not in write.flags or any(
        e.kind in ("create", "obtain") and "loop" in e.flags and session in e.subject for e in events
    )


def _is_commit(other: Event, write: Event) -> bool:
    """Whether an event is a commit in a place of its own, and nothing that may save in some other way."""
    if other.name != "commit" or not (other.kind == "txn" or (other.kind == "effect" and other.text == "txn")):
        return False
    return other.span != write.span and not (other.callee is not None and other.callee.summary.commits_after_yield)


def only_attaches(event: Event) -> bool:
    """Whether all that is written here, or below, is merged to be read: ``row = session.merge(cached)``."""
    seen: set[FunctionInfo] = set()
    pending = [event]
    while pending:
        current = pending.pop()
        if current.kind == "use" and (current.name != "merge" or "statement" in current.flags):
            return False
        callee = current.callee if current.kind == "effect" else None
        if callee is not None and callee not in seen:
            seen.add(callee)
            pending += [e for e in callee.events if is_write(e)]
    return True
