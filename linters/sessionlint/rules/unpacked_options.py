"""``**options: Unpack[Filter]``: the keys of a typed dictionary are the keywords that a function takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.rules.tenancy import is_tenant_name

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.listing import FileListing
    from sessionlint.program.model import FunctionInfo

_UNPACK: Final = "Unpack"


def unpacking(listing: FileListing) -> Iterator[FunctionInfo]:
    """The functions of a file that take their keywords so."""
    return (f for f in listing.functions if _options(f) is not None)


def tenant_key(program: Program, function: FunctionInfo) -> tuple[str, ir.Span4] | None:
    """The tenant's name among such keywords, and where the parameter stands that takes them."""
    found = _options(function)
    if found is None:
        return None
    written, span = found
    for atom in program.solver.member(function.path, written):
        for info in program.solver.mro(atom.info) if atom.tag == "cls" else ():
            name = next((n for n in info.attributes if is_tenant_name(program, n)), None)
            if name is not None:
                return name, span
    return None


def _options(function: FunctionInfo) -> tuple[str, ir.Span4] | None:
    """The name of the dictionary's class, and the place of the parameter."""
    for _, kind, annotation, _, span in function.params[-1:]:
        if kind == ir.KIND_KWARGS and _is_unpacked(annotation):
            return annotation[3][2], span
    return None


def _is_unpacked(annotation: Any) -> bool:
    """Whether an annotation is ``Unpack[Name]``, or ``typing.Unpack[Name]``."""
    if annotation is None or annotation[0] != "i" or annotation[3][0] != "n":
        return False
    return annotation[2][0] in ("n", "a") and annotation[2][-1] == _UNPACK


__all__ = ["tenant_key", "unpacking"]
