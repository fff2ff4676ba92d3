"""Starlette's own routes: whatever they call gets the request first, or the web socket, annotated or not.

https://www.starlette.io/routing/, https://www.starlette.io/endpoints/
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import registering
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Ext, Value

Keywords = list[tuple[str, Value]]
_REQUEST: Value = (Ext("fastapi.Request()"),)
_SOCKET: Value = (Ext("fastapi.WebSocket()"),)
_CLASSES = {"starlette.endpoints.HTTPEndpoint": _REQUEST, "starlette.endpoints.WebSocketEndpoint": _SOCKET}
_CALLED = ("get", "post", "put", "patch", "delete", "head", "options", "on_connect", "on_receive", "on_disconnect")
#: Methods of applications that make such routes; those of FastAPI are called otherwise.
ADDS = {"add_route": _REQUEST, "add_websocket_route": _SOCKET}


def made(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Route("/x", endpoint)``."""
    registering.added(frame, None, args, keywords, e)
    give(frame, args, keywords, _REQUEST)
    return (Ext("fastapi.routing.APIRoute()"),)


def give(frame: Frame, args: list[Value], keywords: Keywords, given: Value) -> None:
    """Passes what comes in to the endpoint of a route."""
    for atom in args[1] if len(args) > 1 else dict(keywords).get("endpoint", ()):
        if atom.tag == "fn":
            _first(frame, atom.info, 1 if atom.receiver is not None and atom.info.class_info is not None else 0, given)
        elif atom.tag == "cls":
            _class(frame, atom.info)


def _class(frame: Frame, info: Any) -> None:
    for base in frame.solver.external_bases(info):
        for name in _CALLED if base in _CLASSES else ():
            method = frame.solver.method(info, name)
            if method is not None:
                _first(frame, method, 1, _CLASSES[base])


def _first(frame: Frame, function: FunctionInfo, at: int, given: Value) -> None:
    if len(function.params) > at and function.params[at][2] is None:
        frame.solver.flow(function, function.params[at][0], given)
