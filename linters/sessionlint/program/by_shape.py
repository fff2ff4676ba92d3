"""Classes that are of a protocol by their shape alone: where none names it as a base, they are what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.parameters import is_protocol
from sessionlint.program.values import Value

#: A shape that more classes have says nothing of what a protocol stands for.
_MOST = 6


def fulfilled(
    asked: Collection[Any], classes: Iterable[ClassInfo], below: Callable[[Any], Value],
    mro: Callable[[ClassInfo], tuple[ClassInfo, ...]],
) -> list[tuple[ClassInfo, ClassInfo]]:  # fmt: skip
    """The protocols whose classes below are asked for though there are none, each with a class that has its methods.

    Their names, parameters and kinds have to be the same: one that merely has a method of the name is another thing.
    """
    alone = [info for info in asked if is_protocol(info) and not below(("subclasses", info))]
    shapes = {info: _methods(mro(info)) for info in alone}
    wanted = {info: shape for info, shape in shapes.items() if any(not name.startswith("__") for name in shape)}
    if not wanted:
        return []
    made = [(c, _methods(mro(c))) for c in classes if not is_protocol(c) and c not in wanted]
    found: list[tuple[ClassInfo, ClassInfo]] = []
    for info, shape in wanted.items():
        fits = [c for c, own in made if shape.keys() <= own.keys() and all(_alike(m, own[n]) for n, m in shape.items())]
        found += [(info, c) for c in fits if c not in mro(info)] if len(fits) <= _MOST else []
    return found


def _methods(mro: tuple[ClassInfo, ...]) -> dict[str, FunctionInfo]:
    """The methods of a class, those of its bases among them."""
    found: dict[str, FunctionInfo] = {}
    for info in mro:
        for name, method in info.methods.items():
            found.setdefault(name, method)
    return found


def _alike(said: FunctionInfo, own: FunctionInfo) -> bool:
    """Whether one method is what another one says: awaited as that is, with the same parameters."""
    names = [p[0] for p in said.params]
    return said.is_async == own.is_async and names == [p[0] for p in own.params][: len(names)]
