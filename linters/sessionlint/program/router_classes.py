"""Router classes of the project: what their constructors pass on to FastAPI's."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.substitution import substitute, substitution
from sessionlint.program.values import UNKNOWN_KEYWORDS, Const, Map, Value

Keywords = list[tuple[str, Value]]
#: What a router's constructor may pass on that says how its routes are reached.
_OPTIONS = ("dependencies", "prefix", "lifespan", "include_in_schema")


def note_options(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``super().__init__(dependencies=[…], **options)`` in the constructor of a router class."""
    init = frame.function
    rest = next((p[0] for p in init.params if p[1] == ir.KIND_KWARGS), None)
    given = {k for a in frame.solver.read(("param", init, rest)) if a.tag == "map" for k, _ in a.items} if rest else ()
    written = {key for key, _ in e[4] if key}
    options = tuple((k, v) for k, v in keywords if k in _OPTIONS and (k in written or k not in given))
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
        options.update((k, given(v)) for k, v in atom.items)
    return list(options.items())
