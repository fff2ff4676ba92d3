"""Dependencies that only declare what is wanted: the application says what stands in their place.

``app.dependency_overrides[AsyncSession] = open_session`` outside of tests is how some applications wire themselves:
endpoints depend on a port (a function that raises ``NotImplementedError``, a class, or an object that is equal to
one), and FastAPI calls what is put under it.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Cls, Dependency, Value, join, join_all

#: The dictionary of an application.
REPLACED = "dependency_overrides"
_CALLED = ("fn", "cls", "partial", "inst", "method")


def is_replaced(holder: ir.Expr) -> bool:
    """Whether an expression is the dictionary in which an application replaces dependencies."""
    return bool(holder[0] == "a" and holder[3] == REPLACED)


def replace(frame: Frame, keys: Value, value: Value) -> None:
    """``app.dependency_overrides[key] = value``; tests replace for themselves alone."""
    called = tuple([a for a in value if a.tag in _CALLED])
    if not called or frame.solver.policy.layer_of(frame.path) == "test":
        return
    for atom in called:
        if atom.tag == "fn":
            frame.solver.want(atom.info)
    for key in keys:
        for known in _keys(frame, key):
            frame.solver.write(("replaced", known), called)


def replace_all(frame: Frame, given: ir.Expr, value: Value) -> None:
    """``app.dependency_overrides.update({key: value})``."""
    if given[0] != "d":
        for atom in value:
            for key, held in atom.items if atom.tag == "map" else ():
                if isinstance(key, Cls):
                    replace(frame, (key,), held)
        return
    saved, effects, sources = len(frame.events), dict(frame.effects), dict(frame.sources)
    for key_expr, value_expr in zip(given[2], given[3], strict=True):
        if key_expr is not None:
            replace(frame, frame.evaluate(key_expr), frame.evaluate(value_expr))
    # all of it has been evaluated before, as the argument
    del frame.events[saved:]
    frame.effects, frame.sources = effects, sources


def instead(frame: Frame, dependency: Dependency) -> Value:
    """What the application has in the place of a dependency that gives nothing itself, or of a class."""
    return join_all([
        frame.solver.read(("replaced", key))
        for atom in dependency.target
        if atom.tag != "fn" or frame.solver.is_abstract(atom.info)
        for key in _keys(frame, atom)
    ])  # fmt: skip


def is_stub(frame: Frame, dependency: Dependency) -> bool:
    """Whether nothing comes of calling any of what a dependency names."""
    for atom in dependency.target:
        called = atom.info if atom.tag == "fn" else None
        if atom.tag == "inst":
            called = frame.solver.method(atom.info, "__call__")
        if called is None or not frame.solver.is_abstract(called):
            return False
    return bool(dependency.target)


def _keys(frame: Frame, atom: Any) -> list[Any]:
    """What a dictionary takes something for: itself, or what an object with a hash of its own keeps."""
    if atom.tag in ("fn", "cls"):
        return [atom.info]
    if atom.tag == "ext" and not atom.name.endswith("()"):
        return [atom.name]
    if atom.tag != "inst" or frame.solver.method(atom.info, "__hash__") is None:
        return []
    held: Value = UNKNOWN
    for _, value in atom.bindings:
        held = join(held, value)
    return [key for inner in held if inner.tag != "inst" for key in _keys(frame, inner)]
