"""What happens because a class is defined: ``__init_subclass__`` of a base, a metaclass, ``__subclasses__()``."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.classes import METACLASS
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import UNKNOWN, Cls, Const, Fn, Param, Seq, Value

#: The method of a class that gives the classes right below it.
BELOW: Final = "__subclasses__"
#: Stands in a metaclass's ``__new__`` for the class that is made, like a parameter that each definition passes.
_MADE: Final = "<class>"
_MAKES: Final = frozenset({"__new__", "__init__"})
HOOK: Final = "__init_subclass__"


def define(frame: Frame, info: ClassInfo, keywords: Any) -> None:
    """A class of the project is defined: its bases, and its metaclass, are told."""
    bases = frame.solver.mro(info)[1:]
    at = ("c", info.header, ("n", info.header, info.name), (), ())
    hook = next((c.methods[HOOK] for c in bases if HOOK in c.methods), None)
    if hook is not None and hook.params and not frame.solver.is_abstract(hook):
        given = [(key, frame.evaluate(expr)) for key, expr in keywords if key not in (None, "metaclass")]
        for name, value in given:
            frame.solver.write(("made", info, Param(hook, name)), value)
        frame.machine.call(frame, Fn(hook), [(Cls(info),)], given, at)
    for cls in (info, *bases):
        for meta in cls.attributes[METACLASS][2] if METACLASS in cls.attributes else ():
            _made_by(frame, info, meta, at)


def _made_by(frame: Frame, info: ClassInfo, meta: Cls, at: ir.Expr) -> None:
    if not meta.info.registers:
        return
    made: Value = (Cls(info),)
    said: list[Value] = [(Const(info.name, "str"),), UNKNOWN, UNKNOWN]
    for name, first in (("__new__", (meta,)), ("__init__", made)):
        method = frame.solver.method(meta.info, name)
        if method is not None:
            frame.solver.flow(method, _MADE, made)
            bindings = dict(zip([identity(method, p[0]) for p in method.params], [first, *said], strict=False))
            _run(frame, method, {**bindings, Param(method, _MADE): made}, at)


def _run(frame: Frame, method: FunctionInfo, bindings: dict[Any, Value], at: ir.Expr) -> None:
    from sessionlint.program import running

    for key, value in bindings.items():
        if key.tag == "param" and value:
            frame.solver.flow(method, key.name, value)
    running.run(frame, method, bindings, at)


def receiver(frame: Frame, receiver: Value) -> Value:
    """What the first parameter of the function is, where it is one of a metaclass that keeps what it makes."""
    function = frame.function
    if function.name not in _MAKES or function.class_info is None or not function.class_info.registers:
        return receiver
    if "builtins.type" not in frame.solver.external_bases(function.class_info):
        return receiver
    return (Cls(function.class_info),) if function.name == "__new__" else UNKNOWN


def made(frame: Frame, args: list[Value], keywords: Any, e: ir.Expr) -> Value:
    """``super().__new__(meta, name, bases, body)`` in the ``__new__`` of a metaclass: the class that is made."""
    function = frame.function
    of_class = function.name == "__new__" and function.class_info is not None and len(args) > 1
    return (Param(function, _MADE),) if of_class else UNKNOWN


def below(frame: Frame, info: ClassInfo) -> Value:
    """``Step.__subclasses__()``: the classes of the project right below one."""
    classes = frame.solver.read(("subclasses", info))
    return (Seq((classes,), True),) if classes else UNKNOWN


__all__ = ["BELOW", "HOOK", "below", "define", "made", "receiver"]
