"""Classes of routes that look at the token themselves: what ``APIRoute.get_route_handler`` is overridden with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sessionlint.program.api import Program
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.rules.authentication import Authentication, is_decoder
from sessionlint.rules.letting_through import lets_through

_MAKES_HANDLER: Final = "get_route_handler"


def guards_routes(program: Program, known: Authentication, router: Any) -> bool:
    """Whether the class that a router makes its routes of refuses who has no token, whatever it may be."""
    made_of = program.solver.routers.get(getattr(router, "site", None), {}).get("route_class", ())
    return bool(made_of) and all(a.tag == "cls" and _refuses(program, known, a.info) for a in made_of)


def _refuses(program: Program, known: Authentication, info: ClassInfo) -> bool:
    def looks(event: Event) -> bool:
        return is_decoder(event.name) if event.callee is None else known.decodes(event.callee)

    handlers = _handlers(program, info)
    return any(known.reads_token(f) and not lets_through(program, f, looks) for f in handlers)


def _handlers(program: Program, info: ClassInfo) -> Iterator[FunctionInfo]:
    """What answers the requests of such routes: made where the handler of the class above is wrapped."""
    for above in program.solver.mro(info):
        method = above.methods.get(_MAKES_HANDLER)
        if method is not None:
            yield from method.children.values()
            for event in method.events:
                if event.kind == "call" and event.callee is not None and event.callee.name != _MAKES_HANDLER:
                    yield from event.callee.children.values()
