"""What the approved ways hand out where nothing says what it is: a session, for the policy names them as that."""

from __future__ import annotations

from collections.abc import Iterable

from sessionlint.program import left_open
from sessionlint.program.frame import Frame
from sessionlint.program.memo import FILES
from sessionlint.program.model import Hop
from sessionlint.program.values import SESSION, Ext, Handle, Value, join

#: By whether the function is asynchronous.
_SESSIONS = {True: Ext("sqlalchemy.ext.asyncio.AsyncSession()"), False: Ext("sqlalchemy.orm.Session()")}


def promise(frame: Frame) -> None:
    """Takes what a function gives for a session, if the policy names the function and its code does not tell."""
    policy = frame.solver.policy
    given = frame.yields if frame.function.is_generator else frame.returns
    if not _is_untold(frame, given):
        return
    opens = _is_named(frame, policy.session_contexts)
    if not opens and not _is_named(frame, policy.session_dependencies):
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


def _is_named(frame: Frame, named: Iterable[str]) -> bool:
    function, solver = frame.function, frame.solver
    for name in named:
        module, _, member = name.rpartition(".")
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
