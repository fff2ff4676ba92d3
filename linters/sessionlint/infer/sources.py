"""Functions that hand out sessions, as the survey finds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import (
    SESSION,
    Site,
)

DEPENDENCY, CONTEXT, DECORATOR, HOOK = "dependency", "context", "decorator", "hook"
#: Kind and place of a handle.
Made = tuple[str, Site]
#: What ``with`` calls on an object.
ENTERS = ("__enter__", "__aenter__")


def enters(function: FunctionInfo) -> bool:
    """Whether it is what ``with`` calls on an object."""
    return function.name in ENTERS and function.class_info is not None


@dataclass(slots=True, eq=False)
class Source:
    """A function that hands out sessions.

    ``kind`` is ``dependency``, ``context``, ``decorator`` or ``hook``; ``behind`` the handles its sessions are made
    from, nearest first; ``users`` the functions that get sessions from it; ``passes_on`` is set when the session comes
    from another dependency; ``named`` is unset when it hands out an object that only holds the session; ``by_call`` is
    set when it hands out what opens one; ``received`` when it opens nothing, but reads what somebody has put somewhere
    (``request.state.db``); ``owner`` is the class that is injected, and entered by the function.
    """

    function: FunctionInfo
    kind: str
    handed: str = SESSION
    behind: tuple[Made, ...] = ()
    users: dict[FunctionInfo, None] = field(default_factory=dict)
    passes_on: bool = False
    named: bool = True
    by_call: bool = False
    received: bool = False
    owner: ClassInfo | None = None

    @property
    def path(self) -> str:
        """The file that defines it."""
        return self.function.path if self.owner is None else self.owner.path

    @property
    def name(self) -> str:
        """What code that uses it writes: a class for the method that enters its objects."""
        owner = self.owner or (self.function.class_info if enters(self.function) else None)
        if self.kind == HOOK:
            return self.function.qualname
        return self.function.name if owner is None else owner.name

    @property
    def endpoints(self) -> list[FunctionInfo]:
        """The endpoints among its users."""
        return [user for user in self.users if user.routes]
