"""Sessions that a container makes anew for each who asks: ``Depends(Provide[Container.session])``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program import knowledge, provider_objects
from sessionlint.program.values import FACTORY, Handle, Injected
from sessionlint.rules.called_objects import source_of
from sessionlint.rules.session_classes import may_commit_itself

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def by_container(program: Program, session: Injected) -> bool | None:
    """Whether a container commits what it has made: it only calls a class or factory; ``None`` for all else."""
    provider = source_of(session)
    if provider is None or not provider_objects.makes_anew(program.solver, provider):
        return None
    return False if provider.function and all(_makes_session(program, made) for made in provider.function) else None


def _makes_session(program: Program, made: Any) -> bool:
    if isinstance(made, Handle):
        return made.kind == FACTORY and not made.registry and not may_commit_itself(program, made, ())
    return bool(made.tag == "ext" and made.name in knowledge.SESSION_CLASSES)
