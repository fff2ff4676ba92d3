"""Objects that open their session when a method of theirs is called: whoever has called none has given none away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.literals import owner_of
from sessionlint.program.model import KEPT

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.values import Site


def is_opened_later(program: Program, session: Any, done: frozenset[FunctionInfo]) -> bool:
    """Whether an object that was only made, somewhere else, opens its session in what background work has ``done``.

    One that its constructor opens is there from the start, and one that its maker has opened goes along with it.
    """
    opener = _maker(program, session.root)
    if opener is None or opener.class_info is None or opener.name == "__init__":
        return False
    if opener not in done or session.site not in program.shared(_constructed):
        return False
    kept = program.solver.peek(("attr", opener.class_info, KEPT))
    maker = _maker(program, session.site)
    opened = maker is not None and any(e.kind == "call" and e.callee is opener for e in maker.events)
    return not opened and any(handle.root == session.root for handle in kept)


def _maker(program: Program, site: Site) -> FunctionInfo | None:
    module = program.solver.modules.get(site[0])
    return owner_of(module, site[1]) if module is not None else None


def _constructed(program: Program) -> frozenset[Site]:
    """Where objects are made."""
    return frozenset(e.site for e in program.events("construct"))
