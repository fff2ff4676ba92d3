"""What the policy says of the project's own functions: the approved ways, what waits on the network, what starts work.

The approved ways hand out sessions where nothing says what they give.
"""

from __future__ import annotations

from collections.abc import Iterable

from sessionlint.program import left_open
from sessionlint.program.entering import ENTERS
from sessionlint.program.frame import Frame
from sessionlint.program.memo import FILES
from sessionlint.program.model import Effect, FunctionInfo, Hop
from sessionlint.program.values import SESSION, Ext, Handle, Value, join

#: By whether the function is asynchronous.
_SESSIONS = {True: Ext("sqlalchemy.ext.asyncio.AsyncSession()"), False: Ext("sqlalchemy.orm.Session()")}


def tell(frame: Frame) -> None:
    """What the policy says of this function is so, whatever its code tells."""
    policy, function = frame.solver.policy, frame.function
    _promise(frame)
    if _is_named(frame, function, policy.network_calls):
        note = f"{function.name}() is named in network-calls"
        frame.effect(Effect("network", function.name, None), function.header, note)


def is_sink(frame: Frame, function: FunctionInfo) -> bool:
    """Whether the policy says that a function has what it is given run in the background."""
    return _is_named(frame, function, frame.solver.policy.background_sinks)


def _promise(frame: Frame) -> None:
    """Takes what a function gives for a session, if the policy names the function and its code does not tell."""
    policy, function = frame.solver.policy, frame.function
    given = frame.yields if frame.function.is_generator else frame.returns
    if not _is_untold(frame, given):
        return
    opens = _is_named(frame, function, policy.session_contexts)
    if not opens and not _is_named(frame, function, policy.session_dependencies):
        return
    site = frame.site(frame.function.header)
    promised: Value = (_SESSIONS[frame.function.is_async],)
    if opens or frame.function.is_generator:
        # opened for who asks; what a plain function gives to FastAPI may be kept somewhere
        promised = (Handle(SESSION, site, site, is_async=frame.function.is_async),)
        frame.effects.setdefault(left_open.OPENS, Hop(site, f"{frame.function.name}() is named in the policy"))
        frame.holds_open = frame.holds_open or frame.function.is_generator
    left = tuple([a for a in given if a.tag != "ext"])
    if frame.function.is_generator:
        frame.yields = join(left, promised)
    else:
        frame.returns = join(left, promised)


def _is_untold(frame: Frame, given: Value) -> bool:
    """Whether nothing but a library is behind what is given, and that is not known as a handle."""
    if any(a.tag != "ext" and not (a.tag == "const" and a.value is None) for a in given):
        return False
    return all(frame.solver.kind_of(a) is None for a in given)


def _is_named(frame: Frame, function: FunctionInfo, named: Iterable[str]) -> bool:
    solver = frame.solver
    cls = function.class_info.qualname if function.class_info is not None and function.name in ENTERS else ""
    for name in named:
        module, _, member = name.rpartition(".")
        if cls and member == cls:
            # a class that is entered
            solver.remember(FILES, None, solver.names.identity)
            if solver.names.path_of(module) == function.path:
                return True
        if member != function.name:
            continue
        solver.remember(FILES, None, solver.names.identity)
        path = solver.names.path_of(module)
        if path is not None and any(a.tag == "fn" and a.info is function for a in solver.member(path, member)):
            return True
        owner, _, cls = module.rpartition(".")
        if owner and function.qualname == f"{cls}.{member}" and solver.names.path_of(owner) == function.path:
            return True
    return False
