"""Sessions of units of work that a function was given: another object opened them, and keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.literals import owner_of
from sessionlint.program.model import KEPT, Effect
from sessionlint.program.values import Handle, Site
from sessionlint.rules.background_work import enclosing

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo

_OPENS = Effect("create", "session", None)


def is_of_received_unit(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether a session is kept by an object that neither ``function`` nor its class makes or enters."""
    if not isinstance(session, Handle) or session.kind != "session" or session.registry:
        return False
    keeper, maker = keeper_of(program, session), _maker(program, session.site)
    if maker is None or maker.name == "<module>":
        return False
    if keeper is None:
        made = program.shared(_constructed).get(session.site)
        keeper = made if made is not None and _keeps(program, made, session) else None
    own = _own_functions(program, function)
    if keeper is None or maker in own:
        return False
    return not any(_opens(program, e, keeper) for f in own for e in _beside_blocks(f, f is function))


def is_handed_down(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether another function opens a session, and begins on it by what it calls: that has it out of what it is given.

    ``Pipeline(session=session)`` that keeps its ``**resources``, ``work(Bundle(session, name))``.
    """
    if not isinstance(session, Handle) or session.kind != "session" or session.registry:
        return False
    maker = _maker(program, session.site)
    if maker is None or maker.name == "<module>" or maker in _kin(program, function):
        return False
    if function in (*enclosing(maker), *maker.wrappers) or maker in function.wrappers:
        return False
    return any(
        e.kind == "effect" and e.text == "txn" and e.name == "begin" and session in e.subject for e in maker.events
    )


def _kin(program: Program, function: FunctionInfo) -> Iterator[FunctionInfo]:
    """The functions around a function, and the methods of the classes that have those: what one opens is theirs."""
    for own in enclosing(function):
        yield own
        info = own.class_info
        if info is not None:
            above = program.solver.mro(info)
            family = (c for c in program.classes if c in above or info in program.solver.mro(c))
            yield from (m for cls in family for m in cls.methods.values())


def keeper_of(program: Program, session: Any) -> ClassInfo | None:
    """The class whose objects open a session and keep it."""
    return program.shared(_keepers).get(session)


def _beside_blocks(function: FunctionInfo, whole: bool) -> list[Event]:
    """What a function does; of another method, without the objects it makes for a ``with``, which end there."""
    if whole:
        return function.events
    made = {e.span for e in function.events if e.kind == "construct"}
    blocks = {e.span for e in function.events if e.kind == "call" and "context" in e.flags and e.span in made}
    return [e for e in function.events if e.span not in blocks]


def _keepers(program: Program) -> dict[Any, ClassInfo]:
    """The sessions that methods make and keep on their objects, as the class knows them."""
    return {h: cls for cls in program.classes for h in program.solver.peek(("attr", cls, KEPT))}


def _constructed(program: Program) -> dict[Site, ClassInfo]:
    """Where objects are made, and of which class."""
    return {e.site: a.info for e in program.events("construct") for a in e.value if a.tag == "cls"}


def _keeps(program: Program, made: ClassInfo, session: Handle) -> bool:
    kept = (h for cls in program.solver.mro(made) for h in program.solver.peek(("attr", cls, KEPT)))
    return any(h.root == session.root for h in kept)


def _own_functions(program: Program, function: FunctionInfo) -> list[FunctionInfo]:
    """The function, or all methods of the class whose method it is."""
    owner = function.class_info
    if owner is None:
        return [function]
    return [function, *(m for cls in program.solver.mro(owner) for m in cls.methods.values())]


def _opens(program: Program, event: Event, keeper: ClassInfo) -> bool:
    """Whether an object of the class that keeps the session is made here, or opens it."""
    if event.kind == "construct":
        values = [event.value]
    elif event.kind == "call" and event.callee is not None and _OPENS in event.callee.summary.effects:
        values = [value for _, value in event.bindings[:1]]
    else:
        return False
    infos = (a.info for value in values for a in value if a.tag in ("inst", "cls"))
    return any(keeper in program.solver.mro(info) for info in infos)


def _maker(program: Program, site: Site) -> FunctionInfo | None:
    module = program.solver.modules.get(site[0])
    return owner_of(module, site[1]) if module is not None else None
