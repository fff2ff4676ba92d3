"""Endpoints: routes, routers, and decorators of the project that register what they decorate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import including, knowledge, middleware, strings
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.texts import HOLE
from sessionlint.program.values import UNKNOWN, Inst, Method, Param, PartialCall, Value, join, join_all, literal

Keywords = list[tuple[str, Value]]
#: Methods of applications and routers that are given a path and an endpoint.
ADDS_ROUTE = ("add_api_route", "add_route", "add_api_websocket_route", "add_websocket_route")


class Route(NamedTuple):
    """One registration of an endpoint: HTTP method, path (``…`` for what is not known of it), router, dependencies.

    It stands at ``span`` of the file ``path_of_file``, which need not be the endpoint's. ``framework``: which other one
    than FastAPI serves it; that has no router or dependencies of FastAPI's kind, or none that is in sight.
    """

    method: str
    path: str | None
    router: Any
    dependencies: Value
    span: ir.Span4
    path_of_file: str
    framework: str = ""


def options(frame: Frame, call: ir.Expr, wanted: tuple[str, ...]) -> Iterator[tuple[str, Value]]:
    """The ``wanted`` keywords of a decorator's call, those too that ``**`` spreads from a dictionary."""
    for key, expr in call[4]:
        if key in wanted:
            yield key, frame.evaluate(expr)
        elif key is None:
            spread = [a for a in frame.evaluate(expr) if a.tag == "map"]
            for name in wanted:
                found = [v for a in spread if (v := a.get(name)) is not None]
                if found:
                    yield name, join_all(found)


def add_route(frame: Frame, info: FunctionInfo, route: Route) -> None:
    """Notes that a function serves requests."""
    frame.solver.note_route(info, route)


def register(
    frame: Frame, receiver: Any, name: str, endpoint: Value, args: list[Value], keywords: Keywords, e: ir.Expr
) -> None:
    """``router.get("/x")(endpoint)`` and its kin; ``args`` are those before the endpoint.

    In a decorator the endpoint is what it decorates, so it is only noted that it registers that.
    """
    named = dict(keywords)
    path, injected = args[0] if args else named.get("path", UNKNOWN), named.get("dependencies", UNKNOWN)
    if _decorates(frame, endpoint):
        noted = PartialCall((Method(receiver, name),), (path,), (("dependencies", injected),))
        frame.solver.write(("registers", frame.function), (noted,))
        return
    functions = _served(frame, endpoint)
    # which of several is meant by which path is not told
    paths = _paths(path) if len(functions) == 1 else [path_of(path)]
    for served in functions:
        for one in paths:
            add_route(frame, served, Route(name, one, receiver, injected, e[1], frame.path))
        frame.solver.want(served)


def _paths(path: Value) -> list[str | None]:
    """The path of a route, or those that a loop goes through."""
    each = [strings.whole((atom,)) for atom in path]
    return list(dict.fromkeys(each)) if each and None not in each else [path_of(path)]


def path_of(path: Value) -> str | None:
    """The path of a route with ``…`` for what the source does not tell; ``None`` where it tells nothing."""
    known = strings.whole(path)
    if known is not None or len(path) != 1 or path[0].tag != "text" or path[0].text == HOLE:
        return known
    told = str(path[0].text).replace(HOLE, "…")
    return told if told.startswith("/") else f"/{told}"


def _served(frame: Frame, endpoint: Value) -> list[FunctionInfo]:
    """The functions that an endpoint may be: of what a record keeps, all that any is made with, however many."""
    found = [a.info for a in endpoint if a.tag == "fn"]
    for atom in endpoint:
        if atom.tag == "param" and atom.info.name == "__init__" and atom.info is not frame.function:
            found.extend([a.info for a in frame.solver.ask("arguments_of", atom) if a.tag == "fn"])
    return list(dict.fromkeys(found))


def added(frame: Frame, receiver: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """``router.add_api_route("/x", endpoint, methods=["POST"])``."""
    named = dict(keywords)
    target = args[1] if len(args) > 1 else named.get("endpoint", UNKNOWN)
    register(frame, receiver, _http_method(named), target, args[:1], keywords, e)


def _http_method(named: dict[str, Value]) -> str:
    """The one method in ``methods=["POST"]``; ``api_route`` for none or several."""
    given = [literal(item) for atom in named.get("methods", UNKNOWN) if atom.tag == "seq" for item in atom.items]
    return given[0].lower() if len(given) == 1 and isinstance(given[0], str) else "api_route"


def bound_task(frame: Frame, info: FunctionInfo, decorator: ir.Expr) -> None:
    """``@app.task(base=DatabaseTask, bind=True)``: Celery passes the task, an object of that class, first."""
    options = dict(decorator[4]) if decorator[0] == "c" else {}
    if "base" not in options or "bind" not in options or not info.params:
        return
    if literal(frame.evaluate(options["bind"])) is not True:
        return
    for atom in frame.evaluate(options["base"]):
        if atom.tag == "cls" and any(b.startswith("celery.") for b in frame.solver.external_bases(atom.info)):
            frame.solver.flow(info, info.params[0][0], (Inst(atom.info),))


def _decorates(frame: Frame, endpoint: Value) -> bool:
    """Whether the function that runs registers the function it receives first, or what it wraps around that."""
    function = frame.function
    if function.name == "<module>" or not function.params:
        return False
    first = Param(function, function.params[0][0])
    if not any(a == first or (a.tag == "fn" and a.info.parent is not None) for a in endpoint):
        return False
    return any(a.tag == "fn" for a in frame.solver.arguments_of(first))


def registered(frame: Frame, info: FunctionInfo, decorator: FunctionInfo, written: ir.Expr) -> None:
    """``@protected(router.get, "/x")``: the decorator registers the function with the method it is given."""
    noted = frame.solver.read(("registers", decorator))
    if not noted:
        return
    given = [("", frame.evaluate(value)) for value in written[3]]
    given += [(name, frame.evaluate(value)) for name, value in written[4] if name]
    methods = tuple(a for _, v in given for a in v if a.tag == "method" and a.name in knowledge.ROUTE_METHODS)
    methods = methods or tuple(m for n in noted for m in n.function)[:1]
    paths = [p for _, v in given if (p := strings.whole(v)) is not None and (p == "" or p.startswith("/"))]
    path = paths[0] if paths else strings.whole(noted[0].args[0])
    injected = join_all([value for _, value in options(frame, written, ("dependencies",))])
    for note in noted:
        injected = join(injected, dict(note.keywords)["dependencies"])
    for method in methods:
        add_route(frame, info, Route(method.name, path, method.receiver, injected, written[1], frame.path))


def router_method(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A method of an application or router is called."""
    named = dict(keywords)
    if name == "include_router":
        including.included(frame, receiver, args, keywords, e)
    elif name in ADDS_ROUTE:
        added(frame, receiver, args, keywords, e)
    elif name == "add_middleware":
        middleware.added(frame, receiver, args, keywords, e)
    elif name in knowledge.ROUTE_METHODS:
        return _route_by_call(frame, receiver, name, args, keywords, e)
    elif name == "middleware":
        return middleware.by_call(frame, receiver, args, keywords, e)
    elif name == "mount":
        middleware.mounted(frame, receiver, args, keywords, e)
    elif name == "add_event_handler":
        given = args[1] if len(args) > 1 else named.get("func", UNKNOWN)
        frame.emit("starts", e[1], name=name, value=given, expr=e)
    elif name == "add_exception_handler":
        whole = f"fastapi.FastAPI().{name}"
        frame.emit("external", e[1], name=whole, args=tuple(args), keywords=tuple(keywords), expr=e)
    return UNKNOWN


def _route_by_call(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``router.get("/x")(endpoint)``: what the first call gives is called with the endpoint."""
    given = ("fn", "param") if len(args) > 1 or (args and "path" in dict(keywords)) else ("fn",)
    if not any(a.tag in given for v in args[-1:] for a in v):
        return (PartialCall((Method(receiver, name),), tuple(args), tuple(keywords)),)
    register(frame, receiver, name, args[-1], args[:-1], keywords, e)
    return args[-1]
