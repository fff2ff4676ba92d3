"""What stands before all routes of an application: middleware, and the application that one is mounted in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Const, Fn, Method, PartialCall, Value

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.solver import Solver

Keywords = list[tuple[str, Value]]
#: The option under which the place of ``app.mount(…)`` is noted: no dependency of ``app`` reaches what is mounted.
MOUNTED: Final = "mounted"
#: What says of a class, with arguments, that it is to be put before an application.
MAKER: Final = "starlette.middleware.Middleware"
#: The cell that says of a function that it was made middleware by a call.
BY_CALL: Final = "middleware"
_METHODS: Final = ("dispatch", "__call__")
#: How libraries' base classes, and the decorators of functions, are called: ``aiogram.BaseMiddleware``.
_BASE: Final = "Middleware"
_DECORATORS: Final = ("middleware", "middleware()")


def is_one(solver: Solver, function: FunctionInfo) -> bool:
    """Whether what serves requests or messages calls a function around what answers them."""
    if "middleware" in function.registrations:
        return True
    if function.decorator_values:
        wearing = [a for _, value in function.decorator_values for a in value if a.tag == "ext"]
        if any(a.name.endswith(_DECORATORS) for a in wearing):
            return True
    owner = function.class_info
    return owner is not None and bool(owner.bases) and any(b.endswith(_BASE) for b in solver.external_bases(owner))


def added(frame: Frame, application: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """``app.add_middleware(Guard, …)``."""
    for atom in args[0] if args else dict(keywords).get("middleware_class", UNKNOWN):
        register(frame, atom, e[1])
        if atom.tag == "ext":
            frame.emit("external", e[1], name=atom.name, args=tuple(args), keywords=tuple(keywords), expr=e)
        _stands(frame, application, PartialCall((atom,), tuple(args[1:]), tuple(keywords)), e[1])


def made(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Middleware(Guard, …)``, as an application is given in a list: it calls the class with these arguments."""
    given = args[0] if args else UNKNOWN
    for atom in given:
        register(frame, atom, e[1])
    return (PartialCall(given, tuple(args[1:]), tuple(keywords)),)


def decorated(frame: Frame, application: Any, info: Any, decorator: ir.Expr) -> None:
    """``@app.middleware("http")``."""
    info.registrations["middleware"] = (frame.site(decorator[1]), "middleware")
    _stands(frame, application, Fn(info), decorator[1])


def by_call(frame: Frame, application: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``app.middleware("http")(keep_session)``: what the first call gives is called with the function."""
    functions = [a for a in args[-1] if a.tag == "fn"] if len(args) > 1 else []
    if not functions:
        return (PartialCall((Method(application, "middleware"),), tuple(args), tuple(keywords)),)
    for atom in functions:
        frame.solver.note_middleware(atom.info, frame.site(e[1]))
        frame.solver.write((BY_CALL, atom.info), (atom,))
        _stands(frame, application, atom, e[1])
    return args[-1]


def mounted(frame: Frame, application: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> None:
    """``app.mount("/inner", inner)``."""
    for atom in args[1] if len(args) > 1 else dict(keywords).get("app", UNKNOWN):
        if atom.tag == "obj":
            entry = (application, atom, UNKNOWN, frame.site(e[1]))
            frame.solver.note_include(entry, {MOUNTED: (Const(True, "bool"),)})


def register(frame: Frame, atom: Any, span: ir.Span4) -> None:
    """A class that stands before all routes: what the server calls is its ``dispatch`` or ``__call__``."""
    if atom.tag == "cls":
        for name in _METHODS:
            method = frame.solver.method(atom.info, name)
            if method is not None:
                frame.solver.note_middleware(method, frame.site(span))


def _stands(frame: Frame, application: Any, what: Any, span: ir.Span4) -> None:
    """Like a router that is included, it belongs to the application from this place on."""
    if application.tag == "obj":
        frame.solver.note_include((application, what, UNKNOWN, frame.site(span)), {})
