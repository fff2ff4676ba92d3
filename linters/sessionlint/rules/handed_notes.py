"""What an ``except`` clause notes down by a helper, and what a helper makes of it: names of the one as of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

#: Helpers of helpers are followed this far.
MOST_HOPS = 2
_PLAIN = (ir.KIND_POSONLY, ir.KIND_NORMAL, ir.KIND_KWONLY)


class Helper(NamedTuple):
    """The function of the project that a statement calls, and what its parameters are called where it is called."""

    function: FunctionInfo
    named: dict[str, str]

    def inside(self, noted: dict[str, bool]) -> dict[str, bool]:
        """What is known of names of the caller, as the function calls them."""
        return {
            inner + name[len(outer) :]: known
            for inner, outer in self.named.items()
            for name, known in noted.items()
            if name == outer or name.startswith(f"{outer}.")
        }

    def outside(self, noted: dict[str, bool]) -> dict[str, bool]:
        """What is known of parameters and their attributes, as the caller calls them."""
        found = ((name.partition("."), known) for name, known in noted.items())
        return {self.named[root] + dot + rest: known for (root, dot, rest), known in found if root in self.named}


def helper_of(events: list[Event], statement: Any) -> Helper | None:
    """What a statement that is nothing but a call of one function of the project, awaited or not, calls."""
    if statement[0] != "E" or len(statement) != 3:
        return None
    call = statement[2][2] if statement[2][0] == "aw" else statement[2]
    if call[0] != "c":
        return None
    places = (call[1], statement[2][1])
    callees = {e.callee for e in events if e.kind == "call" and e.span in places and e.callee is not None}
    if len(callees) != 1:
        return None
    (callee,) = callees
    left = callee.is_generator or (callee.is_async and statement[2][0] != "aw")
    return None if left else Helper(callee, _named(call, callee))


def _named(call: ir.Expr, callee: FunctionInfo) -> dict[str, str]:
    names = [name for name, kind, *_ in callee.params if kind in _PLAIN]
    bound = callee.class_info is not None and not callee.is_staticmethod and call[2][0] == "a"
    given = [call[2][2], *call[3]] if bound else [*call[3]]
    if any(value[0] == "*" for value in given):
        return {}
    pairs = [*zip(names, given, strict=False), *((name, value) for name, value in call[4] if name in names)]
    return {name: outer for name, value in pairs if (outer := ir.dotted(value)) is not None}


__all__ = ["MOST_HOPS", "Helper", "helper_of"]
