"""Fields that a data class only hands to its ``__post_init__``: ``raw: InitVar[AsyncSession]``."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import running
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import UNKNOWN, Annotation, Const, Value, literal

_MARK: Final = "init only"
AFTER: Final = "__post_init__"


def typed(inner: Value) -> Value:
    """What ``InitVar[X]`` says: it is an ``X``, and no attribute."""
    return (Annotation(inner, (Const(_MARK, "str"),)),)


def declare(frame: Frame, info: ClassInfo) -> None:
    """What ``__post_init__`` is given is what the constructor of the class takes."""
    after = info.methods.get(AFTER)
    if after is None or info.maker is None:
        return
    for name, taken in _pairs(frame, info, after):
        frame.solver.flow(after, taken, (identity(info.maker, name),))


def run(frame: Frame, info: ClassInfo, after: FunctionInfo, bindings: dict[Any, Value], e: ir.Expr) -> dict[Any, Value]:
    """Runs ``__post_init__`` of an object that is made with these arguments; what it is given of them."""
    given: dict[Any, Value] = {}
    for name, taken in _pairs(frame, info, after) if len(after.params) > 1 else ():
        value = next((v for k, v in bindings.items() if k.tag == "param" and k.name == name), UNKNOWN)
        given[identity(after, taken)] = value
        frame.solver.flow(after, taken, value)
    running.run(frame, after, {**bindings, **given}, e)
    return given


def _pairs(frame: Frame, info: ClassInfo, after: FunctionInfo) -> list[tuple[str, str]]:
    """The names of these fields, and of the parameters that take them, in order."""
    entries = [(n, entry[1]) for cls in reversed(frame.solver.mro(info)) for n, entry in cls.attributes.items()]
    names = [n for n, annotation in entries if any(_is_marked(a) for a in annotation)]
    return list(zip(names, [p[0] for p in after.params[1:]], strict=False))


def _is_marked(atom: Any) -> bool:
    return bool(atom.tag == "annotated") and literal(atom.metadata) == _MARK


__all__ = ["AFTER", "declare", "run", "typed"]
