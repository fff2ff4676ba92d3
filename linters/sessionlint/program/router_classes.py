"""Router classes of the project: what their constructors pass on to FastAPI's."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.substitution import substitute, substitution
from sessionlint.program.values import UNKNOWN, UNKNOWN_KEYWORDS, Const, Map, Seq, Value, join

Keywords = list[tuple[str, Value]]
#: What lists the functions that run when an application starts or ends.
ON_EVENTS = ("on_startup", "on_shutdown")
#: What a router's constructor may pass on that says how its routes are reached, and what runs beside them.
OPTIONS = ("dependencies", "prefix", "lifespan", "include_in_schema", "middleware", "route_class",
           "exception_handlers", *ON_EVENTS)  # fmt: skip
#: Dependencies that a constructor adds to those it is given.
_ADDED = "added dependencies"


def note_options(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``super().__init__(dependencies=[…], **options)`` in the constructor of a router class."""
    init = frame.function
    rest = next((p[0] for p in init.params if p[1] == ir.KIND_KWARGS), None)
    given = {k for a in frame.solver.read(("param", init, rest)) if a.tag == "map" for k, _ in a.items} if rest else ()
    written = {key for key, _ in e[4] if key}
    options = tuple((k, v) for k, v in keywords if k in OPTIONS and (k in written or k not in given))
    open_ended = any(key is None and value[0] == "n" and value[2] == rest for key, value in e[4])
    frame.solver.write(("router options", init), (Map(options, open_ended),))
    return ()


def router_options(
    frame: Frame, info: ClassInfo, init: FunctionInfo, bindings: dict[Any, Value], keywords: Keywords, span: ir.Span4
) -> Keywords:
    """The options FastAPI's constructor gets when a router of a project class is made by ``init``."""
    noted = [a for cls in frame.solver.mro(info) if (own := cls.methods.get("__init__")) is not None
             for a in frame.solver.read(("router options", own))]  # fmt: skip
    named = {p[0] for p in init.params if p[1] != ir.KIND_KWARGS}
    passed = {k: v for k, v in keywords if k not in named and k != UNKNOWN_KEYWORDS}
    options = dict(passed) if not noted or all(a.partial for a in noted) else {}
    mapped = substitution(frame, init, tuple(bindings.items()))

    def given(value: Value) -> Value:
        return tuple(settled(a) for a in substitute(frame, value, mapped, init, span))

    def settled(atom: Any) -> Any:
        if atom.tag == "text" and not atom.dynamic:
            return Const(atom.text, "str")
        if atom.tag == "dependency":
            return atom._replace(target=given(atom.target))
        return atom._replace(items=tuple(map(given, atom.items))) if atom.tag == "seq" else atom

    for atom in noted:
        # the class furthest up has the last word
        options.update((k, given(v)) for k, v in atom.items if k != _ADDED)
    for added in (v for atom in noted for k, v in atom.items if k == _ADDED):
        if options.get("dependencies") != UNKNOWN:
            options["dependencies"] = join(options.get("dependencies", UNKNOWN), given(added))
    return list(options.items())


def note_added(frame: Frame, target: ir.Expr, added: Value) -> None:
    """``router.dependencies.append(…)``; in a constructor ``options.setdefault("dependencies", []).append(…)``."""
    held = _dependencies_of(target)
    if held is None:
        return
    listed = (Seq(tuple((a,) for a in added)),)
    init = frame.function
    if init.name == "__init__" and held[0] == "n" and held[2] in _own(init):
        frame.solver.write(("router options", init), (Map(((_ADDED, listed),), True),))
        return
    for atom in frame.evaluate(held) if target[0] == "a" else ():
        if atom.tag == "obj" and atom.site[0] == frame.path:
            frame.solver.note_router(atom.site, {f"dependencies {frame.site(target[1])}": listed})


def _dependencies_of(target: ir.Expr) -> ir.Expr | None:
    """What a list of dependencies belongs to: a router, or the options that will make one."""
    if target[0] == "a":
        return target[2] if target[3] == "dependencies" else None
    if target[0] == "c" and target[2][0] == "a" and target[2][3] in ("setdefault", "get") and target[3]:
        key, holder = target[3][0], target[2][2]
    elif target[0] == "i":
        key, holder = target[3], target[2]
    else:
        return None
    return holder if key[0] == "k" and key[2] == "dependencies" else None


def _own(init: FunctionInfo) -> set[str]:
    """The names in a constructor for its object and for the options it passes on."""
    return {p[0] for i, p in enumerate(init.params) if not i or p[1] == ir.KIND_KWARGS}
