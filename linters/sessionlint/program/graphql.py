"""GraphQL servers: what their context holds reaches every resolver through ``info.context``.

Facts about ``strawberry`` (strawberry.rocks/docs/integrations/fastapi): ``context_getter`` is a dependency of FastAPI,
and what it returns is ``info.context``.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.dependencies import resolve
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import UNKNOWN, Dependency, Ext, Value

_INFOS = ("strawberry.Info()", "strawberry.types.Info()", "strawberry.types.info.Info()")


def router(frame: Frame, args: list[Value], keywords: Any, e: ir.Expr) -> Value:
    """``GraphQLRouter(schema, context_getter=get_context)``."""
    getters = tuple(a for a in dict(keywords).get("context_getter", UNKNOWN) if a.tag == "fn")
    if getters:
        held = resolve(frame, Dependency(getters, frame.site(e[1])))
        for info in _INFOS:
            frame.solver.write(("state", info, "context"), held)
    return (Ext("strawberry.fastapi.GraphQLRouter()"),)


def context(frame: Frame, declared: Value) -> Value:
    """``info.context`` of ``Info[Context]``: the object of that class that the server's getter makes, where it is told.

    All resolvers of a request are given the same one, with what it was made with.
    """
    classes = [a.info for a in declared if a.tag == "inst"]
    made = frame.solver.read(("state", _INFOS[0], "context")) if classes else UNKNOWN
    return tuple([a for a in made if _is_one_of(frame, a, classes)]) or declared


def _is_one_of(frame: Frame, atom: Any, classes: list[ClassInfo]) -> bool:
    seen = frame.solver.ask("views", atom) if atom.tag == "injected" else (atom,)
    objects = [a for a in seen if a.tag == "inst"]
    return any(info in frame.solver.mro(a.info) for a in objects for info in classes)
