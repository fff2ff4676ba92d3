"""A dependency that returns an object around the session it has opened: FastAPI closes neither, nor does the object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.values import Handle, Inst, Site, contained
from sessionlint.rules.ownership import closes

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

#: Base classes that close nothing.
_PLAIN = ("abc.", "builtins.object", "typing.")


def is_left_in_an_object(program: Program, event: Event, handle: Handle) -> bool:
    """Whether a dependency returns what ``event`` has opened in an object, and nobody in sight closes it."""
    function = event.function
    if function.is_generator or function not in program.dependency_functions:
        return False
    given = [e for e in function.events if e.kind == "return" and _holds(e, handle)]
    if not given or any(e.kind in ("escape", "external", "schedule") and _holds(e, handle) for e in function.events):
        return False
    holders = [a for e in given for a in e.value if isinstance(a, Inst)]
    if len(holders) < sum(len(e.value) for e in given) or any(_closes(program, a, handle) for a in holders):
        return False
    return handle.root not in program.shared(_closed)


def _closed(program: Program) -> frozenset[Site]:
    """Where the sessions were made that somebody closes."""
    ends = (e for e in program.events("txn", "effect") if e.name == "close")
    return frozenset(a.root for e in ends for a in e.subject if isinstance(a, Handle))


def _holds(event: Event, handle: Handle) -> bool:
    values = (event.value, event.subject, *event.args, *(v for _, v in event.keywords))
    return any(a == handle for value in values for a in contained(value))


def _closes(program: Program, holder: Inst, handle: Handle) -> bool:
    """Whether the class of an object, or of what that holds, may close the session; of a library's nobody knows."""
    for atom in contained((holder,)):
        if not isinstance(atom, Inst):
            continue
        if any(not base.startswith(_PLAIN) for base in program.solver.external_bases(atom.info)):
            return True
        keys = [key for key, value in atom.bindings if handle in value]
        if any(closes(program, atom.info, key) for key in keys):
            return True
    return False
