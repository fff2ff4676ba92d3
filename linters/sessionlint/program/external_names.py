"""What the name of an external symbol says of a call: found out once per name, however often it is called."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from sessionlint.program import knowledge, library_classes, network, provider_objects, scheduling

#: Library code whose calls say nothing.
_QUIET = ("builtins.", "typing.", "logging.")
#: What can fail all the same.
_LOUD = frozenset({"builtins.open"})
#: Libraries that do not end a session's transaction behind the caller's back.
_HARMLESS = ("sqlalchemy.", "sqlmodel.", "functools.", "asyncio.", "fastapi.", "inspect.", "contextlib.")
#: Calls that keep a function of the caller and call it later.
_CALLS_BACK = (
    ".callback", ".push_async_callback", ".add_done_callback", ".call_soon", ".call_later", ".run_in_executor",
)  # fmt: skip


class ExternalName(NamedTuple):
    """What can be told of an external function by its dotted name."""

    method: str
    owner: str
    #: the kind of handle whose method it is
    kind: str | None
    quiet: bool
    network: bool
    makes_task: bool
    provides: bool
    of_sqlalchemy: bool
    reads_header: bool
    of_library: bool
    starts: bool
    #: what it is given may be ended by it
    escapes: bool
    #: a class, by the way it is written
    makes: bool


@lru_cache(maxsize=1 << 15)
def told_by(name: str) -> ExternalName:
    """What a name tells."""
    owner, _, method = name.rpartition(".")
    inside = name.startswith(_QUIET)
    return ExternalName(
        method,
        owner,
        knowledge.handle_kind(owner) if owner else None,
        inside and name not in _LOUD,
        network.is_network(name),
        knowledge.TASK_DECORATORS.match(name) is not None,
        name.startswith(provider_objects.MODULES) and name.endswith(provider_objects.KINDS),
        name.startswith(("sqlalchemy.", "sqlmodel.")),
        name.endswith((".headers.get", ".cookies.get")),
        name.startswith(library_classes.PACKAGES),
        scheduling.may_start(name),
        not (inside or name.startswith(_HARMLESS)) or name.endswith(_CALLS_BACK),
        method[:1].isupper() and "()" not in name and not inside,
    )
