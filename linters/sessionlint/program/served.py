"""Functions that other frameworks than FastAPI call when something comes in: handlers of requests and of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sessionlint.patterns import regex
from sessionlint.program import knowledge
from sessionlint.program.dispatchers import dispatched
from sessionlint.program.entries import takes_session
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.reached import beside, reached_from
from sessionlint.program.resolvers import resolvers

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.solver import Solver

#: What a class-based view's endpoints are served by.
CLASSES: Final = "classes"
#: Frameworks whose routes are decorators named after HTTP methods, as modules and classes that have them. Classes of
#: routes are FastAPI's endpoints on a router that their object makes, and that is not followed.
_FRAMEWORKS: Final = regex(
    r"(?:(?P<litestar>litestar|starlite)\.(?:handlers\.)?(?:\w+\.)*"
    r"|(?P<classes>classy_fastapi|fastapi_class|fastapi_class_router|fastapi_cls_controller)\.(?:\w+\.)*)\Z"
)
#: Class decorators and bases that make an endpoint of each method that has the name of an HTTP method.
_VIEWS: Final = regex(
    r"fastapi_class\.(?:\w+\.)*View|(?:fastapi_utils|fastapi_restful)\.(?:\w+\.)*Resource|fastcbv\.(?:\w+\.)*BaseView"
)
_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_MORE_METHODS: Final = frozenset({"websocket_listener", "websocket_stream"})


def framework_of(name: str) -> str:
    """The framework whose decorator of routes an external name is; ``""`` for what is none."""
    package, _, last = name.rpartition(".")
    if last not in knowledge.ROUTE_METHODS and last not in _MORE_METHODS:
        return ""
    found = _FRAMEWORKS.match(f"{package}.")
    return found.lastgroup or "" if found is not None else ""


def serves_by_name(solver: Solver, owner: ClassInfo | None, name: str) -> bool:
    """Whether a method of a class-based view is an endpoint because it is called ``get`` or ``post``."""
    if owner is None or name not in _VERBS or not (owner.decorators or owner.bases):
        return False
    wearing = {a.name for a in owner.decorators if a.tag == "ext"}
    return any(_VIEWS.fullmatch(n.removesuffix("()")) for n in wearing | set(solver.external_bases(owner)))


def message_handlers(program: Program) -> frozenset[FunctionInfo]:
    """The functions that a dispatcher of messages or a GraphQL server calls: nobody calls them in sight.

    What they alone call in their files does their work, unless it takes a session that they have opened.
    """
    found = frozenset(dispatched(program)) | program.shared(resolvers)
    if not found:
        return found
    return found | {f for f in reached_from(program, found, beside(program)) if not takes_session(program, f)}
