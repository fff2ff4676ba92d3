"""Classes as dependencies: FastAPI calls the constructor, and fills its parameters like those of a function.

``Annotated[Service, Depends()]``, ``Depends(Service)``: what ``__init__`` declares to be injected is what the object
is made with. The constructor that a data class gets from its decorator declares the fields of the class body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program import headers
from sessionlint.program.events import Event
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import UNKNOWN, Dependency, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame


def filled(frame: Frame, target: Any, passed: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
    """The arguments that FastAPI makes an object with, beside those that are ``passed``."""
    if target.tag != "cls":
        return passed
    init = frame.solver.method(target.info, "__init__")
    if init is not None:
        frame.solver.ensure_signed(init)
        made = [(name, init) for name in init.dependencies]
    else:
        frame.solver.mro(target.info)
        made = [(n, maker) for n, maker in frame.solver.fields(target.info).items() if maker is not None]
    known = [name for name, _ in passed]
    given = [(name, maker.param_values.get(name, (UNKNOWN, UNKNOWN))[1]) for name, maker in made if name not in known]
    return [*passed, *((name, value) for name, value in given if any(_is_filled(a) for a in value))]


def note_field(info: ClassInfo, name: str, entry: tuple[Any, Value, Value, Any]) -> None:
    """A field of a data class that is declared to be injected is a dependency of what makes its objects."""
    maker = info.maker
    dependency = next((m for a in entry[1] if a.tag == "annotated" for m in a.metadata if m.tag == "dependency"), None)
    if maker is None or (dependency is None and name not in maker.dependencies):
        return
    maker.dependencies.pop(name, None)
    others = [event for event in maker.events if event.name != name]
    if isinstance(dependency, Dependency):
        maker.dependencies[name] = dependency
        others.append(Event("inject", maker, entry[0], entry[2], name, (dependency,)))
    maker.events = others
    maker.resigned()


def _is_filled(atom: Any) -> bool:
    return atom.tag == "injected" or headers.is_read(atom)


__all__ = ["filled", "note_field"]
