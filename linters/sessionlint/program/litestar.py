"""Litestar: what its handlers and providers are given by the names of their parameters.

``dependencies={"session": Provide(open_session)}`` stands on an application, a router, a controller or a handler; the
nearest one that has a name says what it is (docs.litestar.dev, "Dependency Injection"). A provider that yields goes on
when the handler is through, before the response is sent (``litestar/routes/http.py``).
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Dependency, Ext, Value

Keywords = list[tuple[str, Value]]
FRAMEWORK: Final = "litestar"
_OPTION: Final = "dependencies"
#: The cell of what applications and routers say that a name is.
_SAID: Final = "litestar dependency"
#: What FastAPI calls the scope that ends so.
_BEFORE_RESPONSE: Final = "function"


def provide(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Provide(open_session)``: what is called for a name."""
    target = args[0] if args else dict(keywords).get("dependency", UNKNOWN)
    for atom in target:
        if atom.tag == "fn":
            frame.solver.want(atom.info)
    return (Dependency(target, frame.site(e[1]), _BEFORE_RESPONSE, handed=True),)


def layer(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Litestar(…, dependencies={…})``, ``Router(…, dependencies={…})``: what the handlers below are given."""
    for atom in dict(keywords).get(_OPTION, UNKNOWN):
        for name, value in atom.items if atom.tag == "map" else ():
            frame.solver.write((_SAID, name), tuple([a for a in value if isinstance(a, Dependency)]))
    return (Ext("litestar.Litestar()"),)


def given(frame: Frame, info: FunctionInfo, name: str) -> Any:
    """What a handler's parameter of this name is; ``None`` where nothing in sight says it, or several differ."""
    named: list[Value] = [route.dependencies for route in info.routes]
    if frame.class_scope is not None:
        named.append(frame.solver.attribute(frame.class_scope, _OPTION))
    for value in named:
        for atom in value:
            nearest = atom.get(name) or UNKNOWN if atom.tag == "map" else UNKNOWN
            if nearest and isinstance(nearest[0], Dependency):
                return nearest[0]
    said = frame.solver.read((_SAID, name))
    return said[0] if len(said) == 1 else None


def serves(info: FunctionInfo) -> bool:
    """Whether a function is one of Litestar's handlers."""
    return any(route.framework == FRAMEWORK for route in info.routes)


_LAYERS: Final = (
    "litestar.Litestar", "litestar.app.Litestar", "litestar.Router", "litestar.router.Router", "starlite.Starlite",
    "starlite.Router",
)  # fmt: skip
SPECIAL = {"litestar.di.Provide": provide, "starlite.Provide": provide, **dict.fromkeys(_LAYERS, layer)}
