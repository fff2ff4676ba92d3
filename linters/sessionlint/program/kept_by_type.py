"""kink's container: what a program keeps in ``di`` under a class is what decorated constructors are given for it.

https://github.com/kodemore/kink: ``di[Repository] = SqlRepository(…)``, and ``@inject`` before a class.
"""

from __future__ import annotations

from typing import Final

from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import Ext, Value

_CONTAINERS: Final = (Ext("kink.di"), Ext("kink.Container()"))
_INJECT: Final = Ext("kink.inject")
_KEPT: Final = "kept by type"


def keep(frame: Frame, owner: Value, keys: Value, value: Value) -> None:
    """``di[Repository] = value``; a function that takes the container makes what it returns."""
    if _CONTAINERS[0] not in owner and _CONTAINERS[1] not in owner:
        return
    made = [a for a in value if a.tag == "fn"]
    for maker in made:
        frame.solver.want(maker.info)
    given = tuple([a for a in value if a.tag != "fn"]) + tuple(
        [a for maker in made for a in frame.solver.summary_of(maker.info).returns]
    )
    for key in keys:
        if key.tag == "cls":
            frame.solver.write((_KEPT, key.info), given)


def fill_class(frame: Frame, info: ClassInfo) -> None:
    """The constructor of a class with the decorator is given what is kept for the types of its parameters."""
    init = info.methods.get("__init__") if _INJECT in info.decorators else None
    if init is not None:
        frame.solver.ensure_signed(init)
        _fill(frame, init)


def _fill(frame: Frame, function: FunctionInfo) -> None:
    for name, (declared, _) in function.param_values.items():
        for atom in declared if name != "return" else ():
            given = frame.solver.read((_KEPT, atom.info)) if atom.tag == "cls" else ()
            if given:
                frame.solver.flow(function, name, given)
