"""Containers keyed by a type: ``def resolve(self, key: type[T]) -> T`` gives an instance of what it is asked for.

What such a container holds for other types says nothing of the one that a call names.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Value

_CLASS_OF = ("type", "Type", "typing.Type")


def key_of(function: FunctionInfo) -> str | None:
    """The parameter that takes the class of which a function returns an instance, by its annotations."""
    variable = _variable(function.facts[6])
    if variable is None:
        return None
    return next((name for name, _, annotation, *_ in function.params if _is_class_of(annotation, variable)), None)


def _variable(returns: ir.Expr | None) -> str | None:
    """The name a function is annotated with for what it returns, ``| None`` left out."""
    if returns is not None and returns[0] == "b" and returns[2] == "|" and returns[4][0] == "k":
        returns = returns[3]
    return returns[2] if returns is not None and returns[0] == "n" else None


def _is_class_of(annotation: ir.Expr | None, variable: str) -> bool:
    return (
        annotation is not None
        and annotation[0] == "i"
        and ir.dotted(annotation[2]) in _CLASS_OF
        and annotation[3][0] == "n"
        and annotation[3][2] == variable
    )


def asked_for(frame: Frame, function: FunctionInfo, bindings: dict[Any, Value], result: Value) -> Value:
    """What a call gives that names the class: of the handles and objects a container holds, those of that class."""
    if not any(a.tag in ("handle", "inst", "param", "injected") for a in result):
        return result
    key = key_of(function)
    given = bindings.get(identity(function, key), ()) if key is not None else ()
    wanted = frame.solver.instances(given) if given else ()
    if not wanted or len(wanted) != len(given):
        return result
    kinds = {frame.solver.kind_of(a) for a in wanted}
    kept = tuple(a for a in result if frame.solver.kind_of(a) is None or frame.solver.kind_of(a) in kinds)
    fitting = [a for a in kept if a.tag == "inst" and any(_fits(frame, a, w) for w in wanted)]
    return tuple(a for a in kept if a.tag != "inst" or a in fitting) if fitting else kept


def _fits(frame: Frame, atom: Any, wanted: Any) -> bool:
    return wanted.tag == "inst" and (
        wanted.info in frame.solver.mro(atom.info) or atom.info in frame.solver.mro(wanted.info)
    )
