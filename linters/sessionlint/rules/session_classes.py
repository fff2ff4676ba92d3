"""Whether what the project's own session classes put in the place of the library's methods may commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.knowledge import SESSION_CLASSES, SESSION_READS, SESSION_WRITES
from sessionlint.program.operations import KNOWN

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.values import Handle, Value

_LIBRARY = (KNOWN | SESSION_READS | SESSION_WRITES) - {"commit"}
#: Base classes from outside that add nothing to a session.
_PLAIN = ("abc.", "builtins.object", "typing.", "typing_extensions.")


def may_commit_itself(program: Program, session: Handle, made: Value) -> bool:
    """Whether a session may be of a class that commits by itself: of those called in ``made``, or its factory's."""
    classes = (*made, *program.solver.peek(("session class", session.root)))
    return any(atom.tag == "cls" and _may_commit(program, atom.info) for atom in dict.fromkeys(classes))


def _may_commit(program: Program, info: Any) -> bool:
    for cls in program.solver.mro(info):
        if len(cls.bases) < len(cls.facts[3]) or any(_is_unseen(base) for base in cls.bases):
            return True
        if any(_is_called_unasked(name) and _commits(method) for name, method in cls.methods.items()):
            return True
    return False


def _is_unseen(base: Any) -> bool:
    """Whether a base is of a library that may commit as well."""
    return base.tag == "ext" and base.name not in SESSION_CLASSES and not base.name.startswith(_PLAIN)


def _is_called_unasked(name: str) -> bool:
    """Whether who uses a session as the library's runs a method of that name: a block's end, ``close()``, ``add()``."""
    return name in _LIBRARY or name.startswith("__")


def _commits(method: FunctionInfo) -> bool:
    # a ``begin()`` of its own is asked for by who calls it
    names = ("commit",) if method.name in ("begin", "begin_nested") else ("begin", "commit")
    return any(e.kind == "escape" or (e.kind == "txn" and e.name in names) for e in method.summary.effects)
