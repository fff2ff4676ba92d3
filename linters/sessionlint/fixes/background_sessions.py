"""TXN601: a background function opens its own session instead of being given a request's."""

from __future__ import annotations

import libcst as cst

from sessionlint.fixes.background_starts import given, is_start, starts_of
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import parameters, remove_argument, remove_parameter
from sessionlint.fixes.moves_imports import import_for
from sessionlint.fixes.source import Function, Statement
from sessionlint.fixes.tenancy_words import docstring, without_parameter
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Param
from sessionlint.report import Finding

_BEGUN = ("begin", "commit", "rollback")


def open_own_session(context: Context, finding: Finding) -> Proposal:
    """``add_task(scan, session, item_id)`` becomes ``add_task(scan, item_id)``, for every start of ``scan``.

    Its body goes into ``async with get_session() as session:``, with ``session.begin()`` where the function neither
    begins nor commits. Refuses for functions that are also awaited with a caller's session, and for objects and
    closures that hold one.
    """
    event = next(iter(context.events_at(finding.span, "schedule")), None)
    if event is None:
        refuse("a helper passes the session on")
    function, name = _started(context, event)
    node = context.node_of(function)
    if node.decorators:
        refuse(f"a decorator of {function.name}() may use its session", function.path, function.header[0])
    edit = context.edit()
    for start in _starts(context, function):
        argument = given(context, start, function, name)
        if argument is None:
            refuse("the start does not give the session", start.path, start.span[0])
        _check_rows(context, start)
        call = context.source(start.path).parents[argument]
        assert isinstance(call, cst.Call)
        remove_argument(edit, start.path, call, argument)
    _open(context, edit, function, node, name)
    return edit.proposal(finding, f"Let {function.name}() open its own session", "unsafe")


def _started(context: Context, event: Event) -> tuple[FunctionInfo, str]:
    """The function that is started, and its parameter for the session."""
    program = context.program
    functions = program.started_by(event)
    if len(functions) != 1:
        refuse("what is started is not known")
    (function,) = functions
    if function.parent is not None or function.name == "<lambda>":
        refuse("the background function is a closure over the session", function.path, function.header[0])
    if _is_asynchronous(context) and not function.is_async:
        refuse(f"{function.name}() is not asynchronous, as the session is", function.path, function.header[0])
    names = [p[0] for p in function.params if program.sessions((Param(function, p[0]),))]
    if function.class_info is not None or len(names) != 1:
        refuse("an object that holds the session is passed on", function.path, function.header[0])
    if any(e.kind in ("return", "yield") and program.handles(e.value) for e in function.events):
        refuse(f"{function.name}() gives its session away", function.path, function.header[0])
    return function, names[0]


def _is_asynchronous(context: Context) -> bool:
    """Whether the way to a session that the policy names is an asynchronous one."""
    return any(function.is_async for function in context.program.approved_contexts)


def _starts(context: Context, function: FunctionInfo) -> list[Event]:
    """Every start of the function; refuses when it is called or named in any other way."""
    starts = starts_of(context, function)
    callers = context.callers(function)
    for mention in callers.unknown:
        if not is_start(starts, mention):
            refuse(f"{function.name}() is {mention.why}", mention.path, mention.line)
    for call in callers.calls:
        if not any(e.path == call.path and e.span[:2] <= call.span[:2] <= e.span[2:] for e in starts):
            refuse(f"{function.name}() is also called with the session of its caller", call.path, call.line)
    if function.registrations or function.routes:
        refuse(f"a framework calls {function.name}(), too", function.path, function.header[0])
    return starts


def _check_rows(context: Context, event: Event) -> None:
    """Rows of the request's session would be used with another one."""
    for value in (*event.args, *(v for _, v in event.keywords)):
        for atom in value:
            if atom.tag == "inst" and context.program.solver.is_model(atom.info):
                refuse(f"a row ({atom.info.name}) is passed on, too; pass its id", event.path, event.span[0])


def _open(context: Context, edit: Edit, function: FunctionInfo, node: Function, name: str) -> None:
    """The body in a session of its own; the docstring stays above."""
    path = function.path
    if not context.policy.session_contexts:
        refuse("the policy names no session-contexts")
    if not isinstance(node.body, cst.IndentedBlock):
        refuse("the body stands on the line of the def", path, function.header[0])
    opener = import_for(edit, path, context.policy.session_contexts[0])
    body: list[Statement] = [line for line in node.body.body if isinstance(line, Statement)]
    written = docstring(node)
    if written is not None:
        edit.change(path, written, lambda old: old.with_changes(value=without_parameter(old.value, name)))
        body = body[1:]
    if not body:
        refuse("the function does nothing", path, function.header[0])
    begins = any(e.kind == "txn" and e.name in _BEGUN for e in function.events) or any(
        e.kind == "effect" and e.text == "txn" and e.name in _BEGUN for e in function.events
    )
    transaction = "" if begins else f", {name}.begin()"
    keyword = "async with" if _is_asynchronous(context) else "with"
    edit.wrap(path, body[0], body[-1], f"{keyword} {opener}() as {name}{transaction}:")
    assert any(parameter.name.value == name for parameter in parameters(node))
    remove_parameter(edit, path, node, name)
