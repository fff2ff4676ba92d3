"""What a library's dependency gives, known by what those who inject it declare: it gives workers the same."""

from __future__ import annotations

from typing import Final

from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value

_GIVEN: Final = "given by library"
_CALLED: Final = "()"


def note(frame: Frame, target: Value, declared: Value) -> None:
    """``session: Annotated[AsyncSession, Depends(library.get_session)]``: a database handle, by its type."""
    if any(a.tag != "ext" for a in target):
        return
    handles = tuple([a for a in declared if a.tag == "ext" and frame.solver.kind_of(a) is not None])
    for source in target if handles else ():
        frame.solver.write((_GIVEN, source.name), handles)


def elements(frame: Frame, called: Ext) -> Value:
    """``async for session in library.get_session()``: what an endpoint would have been injected."""
    if not called.name.endswith(_CALLED):
        return UNKNOWN
    return frame.solver.read((_GIVEN, called.name.removesuffix(_CALLED)))
