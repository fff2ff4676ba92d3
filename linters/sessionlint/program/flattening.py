"""``Annotated`` around ``Annotated``: what both are marked with holds for the parameter."""

from __future__ import annotations

from typing import Any

from sessionlint.program.values import Annotation, Value, join


def annotated(inner: Value, metadata: Value) -> Value:
    """``Annotated[inner, metadata…]``; of two ``Depends``, FastAPI takes the outer one."""
    if not any(_is_marked(a) for a in inner):
        return (Annotation(inner, metadata),)
    typed: Value = ()
    for atom in inner:
        if _is_marked(atom):
            typed, metadata = join(typed, atom.type), join(metadata, atom.metadata)
        else:
            typed = join(typed, (atom,))
    return (Annotation(typed, metadata),)


def _is_marked(atom: Any) -> bool:
    """Whether an atom is an ``Annotated``, not a container: those are marked with texts only."""
    return bool(atom.tag == "annotated") and any(m.tag != "const" for m in atom.metadata)


__all__ = ["annotated"]
