"""TXN101, TXN105 and TXN106: sessions of unapproved origin come from the approved dependency or context manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_imports import import_for
from sessionlint.fixes.sessions_injection import inject_instead
from sessionlint.fixes.sessions_opening import handed_out, open_instead
from sessionlint.fixes.sessions_receiving import receive_instead
from sessionlint.fixes.sessions_settings import refuse_other_settings
from sessionlint.fixes.transactions_flow import is_write
from sessionlint.report import Finding
from sessionlint.rules.opening import Injection, injections
from sessionlint.rules.remedies import gives_session
from sessionlint.rules.transactions import commits_on_exit

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

_INJECT = "Inject the session of the approved dependency"
_OPEN = "Open the session with the approved context manager"
_TAKE = "Take the session as a parameter from the callers"
_RECEIVE = "Receive the session from the approved dependency"


def use_the_approved(context: Context, finding: Finding) -> Proposal:
    """What is injected becomes the approved dependency; what an endpoint opens is injected; others open it properly."""
    edit = context.edit()
    asked = _injection(context, finding)
    if asked is not None:
        note = _swap_dependency(context, edit, asked)
        return edit.proposal(finding, f"{_INJECT}{note}", "unsafe")
    events = context.events_at(finding.span, "obtain", "create")
    if not events:
        refuse("how the session is opened is not understood")
    event = events[0]
    role = context.program.role(event.function)
    if role == "endpoint":
        inject_instead(context, edit, event)
        return edit.proposal(finding, _RECEIVE, "unsafe")
    if role in ("service", "router", "model"):
        receive_instead(context, edit, event)
        return edit.proposal(finding, _TAKE, "unsafe")
    if role == "dependency":
        refuse(f"{event.function.qualname}() is a dependency, and how it gets its session is for you to decide")
    note = open_instead(context, edit, event)
    return edit.proposal(finding, f"{_OPEN}{note}", "unsafe")


def _injection(context: Context, finding: Finding) -> Injection | None:
    span = (finding.span.line, finding.span.column, finding.span.end_line, finding.span.end_column)
    for asked in injections(context.program):
        if asked.function.path == finding.path and asked.span == span:
            return asked
    return None


def _swap_dependency(context: Context, edit: Edit, asked: Injection) -> str:
    """``Depends(get_db)`` becomes ``Depends(get_session_dependency)`` where it is written, an alias included.

    Gives what the title of the change has to add.
    """
    program, policy = context.program, context.policy
    if not policy.session_dependencies:
        refuse("the policy names no session dependency")
    path, span = asked.dependency.site
    call = context.source(path).node_at(span, cst.Call)
    argument = next((a for a in call.args if a.keyword is None or a.keyword.value == "dependency"), None)
    if argument is None:
        refuse("Depends() takes what it depends on from the annotation", path, span[0])
    targets = program.targets(asked.dependency)
    if len(targets) != 1:
        refuse("what is injected is no function of the program", path, span[0])
    approved = _approved(context)
    _refuse_other_ending(context, asked.function, targets[0], approved)
    if _is_async(approved) is not _is_async(targets[0]):
        refuse(f"{targets[0].qualname}() and {approved.qualname}() are not both asynchronous", path, span[0])
    old, new = (handed_out(context, function) for function in (targets[0], approved))
    note = refuse_other_settings(context, old, new, path, span[0])
    _replace_in_tests(context, edit, targets[0])
    edit.replace(path, argument.value, import_for(edit, path, policy.session_dependencies[0]))
    return note


def _approved(context: Context) -> FunctionInfo:
    found = sorted(context.program.approved_dependencies, key=lambda f: (f.path, f.header))
    wanted = context.policy.session_dependencies[0]
    for function in found:
        if function.dotted == wanted or wanted.endswith(f".{function.qualname}"):
            if not gives_session(context.program, function):
                refuse(f"{wanted} gives no session to an endpoint that depends on it")
            return function
    return refuse(f"the policy's {wanted} is no function of the program")


def _is_async(function: FunctionInfo) -> bool | None:
    handed = function.summary.yields if function.is_generator else function.summary.returns
    kinds = {getattr(atom, "is_async", None) for atom in handed if getattr(atom, "kind", "") == "session"}
    return kinds.pop() if len(kinds) == 1 else None


def _refuse_other_ending(context: Context, user: FunctionInfo, old: FunctionInfo, new: FunctionInfo) -> None:
    """A source that commits when it is left must not give way to one that does not, while something relies on it."""
    if commits_on_exit(context.program, old) is not True or commits_on_exit(context.program, new) is True:
        return
    for function in [
        f for f in context.program.functions if any(_asks(context, d, old) for d in f.dependencies.values())
    ]:
        for event in function.events:
            loose = event.kind in ("escape", "external") or _is_loose_write(event)
            if loose and any(atom.tag == "injected" for atom in event.subject):
                reason = f"{old.qualname}() commits what is written here, and {new.qualname}() would not"
                refuse(reason, function.path, event.span[0])


def _asks(context: Context, dependency: Any, source: FunctionInfo) -> bool:
    return source in context.program.targets(dependency)


def _is_loose_write(event: Event) -> bool:
    return is_write(event) and not any(not t.savepoint for t in event.transactions)


def _replace_in_tests(context: Context, edit: Edit, old: FunctionInfo) -> None:
    """Tests that replace the old dependency replace the approved one, too."""
    for mention in context.callers(old).unknown:
        if context.policy.layer_of(mention.path) != "test":
            continue
        source = context.source(mention.path)
        for node in source.walk():
            if isinstance(node, cst.Assign) and source.line(node) <= mention.line <= source.span(node)[2]:
                target = node.targets[0].target
                if isinstance(target, cst.Subscript) and source.code(target.value).endswith("dependency_overrides"):
                    name = import_for(edit, mention.path, context.policy.session_dependencies[0])
                    line = f"{source.code(target.value)}[{name}] = {source.code(node.value)}"
                    if line not in source.text:
                        edit.insert_after(mention.path, source.statement(node), line)
                    break
        else:
            if source.text.splitlines()[mention.line - 1].lstrip().startswith(("from", "import")):
                continue
            refuse(f"{old.qualname}() is {mention.why}", mention.path, mention.line)
