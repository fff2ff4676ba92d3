"""What decorators' inner functions are put around: one around nothing but endpoints is what FastAPI calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program import provisions
from sessionlint.program.model import FunctionInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessionlint.program.api import Program
    from sessionlint.program.listing import FileListing


def roles_of_wrappers(program: Program) -> dict[FunctionInfo, str]:
    """The inner functions that are put around endpoints and background functions alone, with what they are as these."""
    around: dict[FunctionInfo, set[str | None]] = {}
    for function in program.by_file(_decorated):
        for wrapper in function.wrappers:
            around.setdefault(wrapper, set()).add(_called_as(program, function))
    return {w: "endpoint" if "endpoint" in roles else "background" for w, roles in around.items() if None not in roles}


def _called_as(program: Program, function: FunctionInfo) -> str | None:
    """What a function is by who calls it, or by the folder of the tasks."""
    if function.routes:
        return "endpoint"
    runs = function in program.background_functions or program.policy.layer_of(function.path) == "background"
    return "background" if runs else None


def is_provider(function: FunctionInfo) -> bool:
    """Whether a container calls a function to get what it makes, as FastAPI does a dependency."""
    return bool(function.decorator_values) and bool(provisions.decorators(function.decorator_values)[0])


def _decorated(listing: FileListing) -> Iterator[FunctionInfo]:
    return (f for f in listing.functions if f.wrappers)
