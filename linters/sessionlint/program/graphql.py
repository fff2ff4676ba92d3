"""GraphQL servers: what their context holds reaches every resolver through ``info.context``.

Facts about ``strawberry`` (strawberry.rocks/docs/integrations/fastapi): ``context_getter`` is a dependency of FastAPI,
and what it returns is ``info.context``.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.dependencies import resolve
from sessionlint.program.frame import Frame
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
