"""Litestar: what its handlers and providers are given by the names of their parameters.

``dependencies={"session": Provide(open_session)}`` stands on an application, a router, a controller or a handler; the
nearest one that has a name says what it is (docs.litestar.dev, "Dependency Injection"), for providers, too. A provider
that yields goes on when the handler is through, before the response is sent (``litestar/routes/http.py``).
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.router_classes import ON_EVENTS
from sessionlint.program.values import UNKNOWN, Dependency, Ext, Site, Value, join_all

Keywords = list[tuple[str, Value]]
FRAMEWORK: Final = "litestar"
_OPTION: Final = "dependencies"
#: What an application runs when it starts or stops.
_STARTS: Final = (*ON_EVENTS, "lifespan")
#: The cell of what applications and routers say that a name is.
_SAID: Final = "litestar dependency"
#: The cells of which functions are providers, and of whether there are any.
_PROVIDER: Final = "litestar provider"
_PROVIDERS: Final = ("litestar providers",)
_YES: Final = (Ext("litestar.di.Provide()"),)
_CALLED: Final = ("fn", "cls", "inst", "partial", "method")
#: What FastAPI calls the scope that ends so.
_BEFORE_RESPONSE: Final = "function"


def provide(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Provide(open_session)``: what is called for a name."""
    target = args[0] if args else dict(keywords).get("dependency", UNKNOWN)
    return (_called_for(frame, target, frame.site(e[1])),)


def _called_for(frame: Frame, target: Value, site: Site) -> Dependency:
    for atom in target:
        provider = atom.info if atom.tag == "fn" else None
        if atom.tag == "cls":
            provider = frame.solver.method(atom.info, "__init__")
        if provider is not None:
            frame.solver.write(_PROVIDERS, _YES)
            frame.solver.write((_PROVIDER, provider), _YES)
            frame.solver.want(provider)
    return Dependency(target, site, _BEFORE_RESPONSE, handed=True)


def layer(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Litestar(…, dependencies={…})``, ``Router(…, dependencies={…})``: what the handlers below are given."""
    named = dict(keywords)
    starts = join_all([v for n in _STARTS for a in named.get(n, UNKNOWN) if a.tag == "seq" for v in a.items])
    if starts:
        frame.emit("starts", e[1], name=FRAMEWORK, value=_run_by(starts), expr=e)
    for atom in named.get(_OPTION, UNKNOWN):
        for name, value in atom.items if atom.tag == "map" else ():
            said = _said_by(frame, value, frame.site(e[1]))
            if said is not None and isinstance(name, str):
                say(frame, name, said)
    return (Ext("litestar.Litestar()"),)


def _run_by(listed: Value) -> Value:
    """The functions in a list, also those that are called for a context manager."""
    return tuple([f for a in listed for f in (a.function if a.tag == "partial" else (a,))])


def say(frame: Frame, name: str, said: Dependency) -> None:
    """All handlers below are given this for a name; what tests say is so for themselves alone."""
    if frame.solver.policy.layer_of(frame.path) != "test":
        frame.solver.write((_SAID, name), (said,))


def _said_by(frame: Frame, value: Value, site: Site) -> Dependency | None:
    """``Provide(…)`` in a layer's dictionary, or the bare callable, which is the same."""
    if value and isinstance(value[0], Dependency):
        return value[0]
    called = tuple([a for a in value if a.tag in _CALLED])
    return _called_for(frame, called, site) if called and called == value else None


def asks(frame: Frame, info: FunctionInfo) -> bool:
    """Whether a function is given by name what it asks for: a handler, or a provider."""
    if info.routes:
        return serves(info)
    return bool(info.params and frame.solver.read(_PROVIDERS) and frame.solver.read((_PROVIDER, info)))


def given(frame: Frame, info: FunctionInfo, name: str) -> Any:
    """What a parameter of this name is; ``None`` where nothing in sight says it, or several differ."""
    named: list[Value] = [route.dependencies for route in info.routes]
    if frame.class_scope is not None and info.routes:
        named.append(frame.solver.attribute(frame.class_scope, _OPTION))
    for value in named:
        for atom in value:
            nearest = atom.get(name) or UNKNOWN if atom.tag == "map" else UNKNOWN
            if nearest:
                return _said_by(frame, nearest, frame.site(info.header))
    said = frame.solver.read((_SAID, name))
    if not said or any(a.target != said[0].target for a in said):
        return None
    # nothing asks for itself
    return None if any(a.tag == "fn" and a.info is info for a in said[0].target) else said[0]


def serves(info: FunctionInfo) -> bool:
    """Whether a function is one of Litestar's handlers."""
    return any(route.framework == FRAMEWORK for route in info.routes)


_LAYERS: Final = (
    "litestar.Litestar", "litestar.app.Litestar", "litestar.Router", "litestar.router.Router", "starlite.Starlite",
    "starlite.Router",
)  # fmt: skip
SPECIAL = {"litestar.di.Provide": provide, "starlite.Provide": provide, **dict.fromkeys(_LAYERS, layer)}
