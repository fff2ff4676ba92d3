"""Sessions that a plugin hands to Litestar's handlers, and commits before their answer is sent.

``SQLAlchemyAsyncConfig(before_send_handler="autocommit")``, or with one of the handlers that are named after that; the
session is what handlers and providers are given as ``db_session``, or by another name that the configuration says.
Source: advanced-alchemy 1.11, ``extensions/litestar/plugins/init/config`` (``asyncio.py``, ``sync.py``, ``common.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program import alchemy_configs, litestar
from sessionlint.program.values import Injected, literal
from sessionlint.rules.called_objects import source_of

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo

_NAME: Final = "db_session"
_COMMITS: Final = "autocommit"


def commits_before_response(program: Program, endpoint: FunctionInfo, session: Any) -> bool:
    """Whether the plugin commits a session when the handler is through."""
    if isinstance(session, Injected):
        return by_plugin(program, session) is True
    if session.tag != "param" or not litestar.serves(endpoint):
        return False
    return session.name in program.shared(_committed)


def by_plugin(program: Program, session: Injected) -> bool | None:
    """Whether what the plugin injects is committed then; ``None`` where that is not in sight.

    What has the request may ask for that session and commit it for all.
    """
    answer = alchemy_configs.is_committed(source_of(session))
    return None if answer is False and program.shared(_is_ended_around) else answer


def _is_ended_around(program: Program) -> bool:
    """Whether what is seen of the configurations, or of their handlers, is not all there is."""
    if any(e.name == alchemy_configs.BEFORE_ANSWER for e in program.events("setattr")):
        return True
    asked = (e for e in program.events("external") if alchemy_configs.gives_that_of_request(e.name))
    return any(e.name in ("begin", "commit") for event in asked for e in event.function.events)


def _committed(program: Program) -> frozenset[str]:
    """The names under which handlers are given such sessions."""
    found: set[str] = set()
    for event in program.events("external"):
        told = dict(event.keywords) if alchemy_configs.is_config(event.name) else {}
        if any(_is_told_to_commit(a) for a in told.get("before_send_handler", ())):
            name = literal(told.get("session_dependency_key", ()))
            found.add(name if isinstance(name, str) else _NAME)
    return frozenset(found)


def _is_told_to_commit(atom: Any) -> bool:
    """Whether it is the word for that, or a handler that the library names so."""
    said = atom.value if atom.tag == "const" else getattr(atom, "name", "")
    return isinstance(said, str) and _COMMITS in said
