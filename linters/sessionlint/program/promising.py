"""What the return annotation of a function promises where its code does not tell: ``def db(request) -> Session:``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import CONNECTION, SESSION, UNKNOWN, Ext, Value, join, join_all

_PROMISED = (SESSION, CONNECTION)
_NAMED = ("Session", "Connection")
_NUMBERS = ("int", "float")
#: Annotations of which it is plain that they declare nothing to be called.
_NO_MAKERS = frozenset({"str", "int", "float", "bool", "bytes", "dict", "list", "tuple", "set", "object", "Any"})
#: The cells of functions whose code does not tell what they return.
OPAQUE: Final = "opaque"
_DECLARED: Value = (Ext(knowledge.DECLARED_CALL),)
#: What may turn out to be a handle for a caller, or is one.
_TELLS = frozenset({"param", "injected", "handle", "pending", "operation", "inst", "seq", "map", "fn", "cls"})


def returned(frame: Frame, value: Value) -> Value:
    """What a function returns, with the session, connection or object that only its annotation names."""
    if not value:
        number = _number(frame)
        if number:
            return number
    if frame.function.is_generator:
        return value
    found = _maker(frame, value) or join(value, _promised(frame, value))
    return join(found, _object(frame)) if frame.returned and says_nothing(found) else found


def _object(frame: Frame) -> Value:
    """The project's object that ``-> Job`` promises where some ``return`` gives what nobody knows."""
    function = frame.function
    if not names_class(function.facts[6]) or not frame.solver.read((OPAQUE, function)):
        return UNKNOWN
    given = (e for e in frame.events if e.kind == "return" and e.expr is not None)
    if all(any(not is_given(a) for a in event.value) for event in given):
        return UNKNOWN
    return frame.solver.objects_of(frame.solver.returned(function))


def opaque(functions: Iterable[FunctionInfo], objects_of: Callable[[Value], Value]) -> list[FunctionInfo]:
    """The functions that only their annotations say something of, once all who may fill what they return were asked."""
    return [
        f
        for f in functions
        if f.evaluated
        and names_class(f.facts[6])
        and not f.is_generator
        and says_nothing(f.summary.returns)
        and objects_of(f.param_values.get("return", (UNKNOWN, UNKNOWN))[0])
    ]


def names_class(declared: ir.Expr | None) -> bool:
    """Whether an annotation may name a class of the project."""
    return declared is not None and declared[-1] is not None and declared[-1] not in _NO_MAKERS


def says_nothing(value: Value) -> bool:
    """Whether a value is nothing that is known, or what a library's object gives."""
    return all((a.tag == "const" and a.value is None) or is_given(a) for a in value)


def is_given(atom: Any) -> bool:
    """Whether a library's object or function gives something of which nobody knows what it is."""
    if atom.tag != "ext" or ("()" not in atom.name and "[]" not in atom.name):
        return False
    made = atom.name.removesuffix("()").rpartition(".")[2]
    return not (atom.name.endswith("()") and made[:1].isupper())


def _maker(frame: Frame, value: Value) -> Value:
    """What makes sessions, by the annotation, where what is returned comes from a library's object or from nowhere."""
    declared = frame.function.facts[6]
    if declared is None or declared[0] == "k" or declared[-1] in _NO_MAKERS or not all(a.tag == "ext" for a in value):
        return UNKNOWN
    return makers(frame, frame.solver.instances(frame.solver.returned(frame.function)))


def makers(frame: Frame, typed: Value) -> Value:
    """What is declared as something to call that gives a session."""
    found = [a for a in typed if a.tag == "partial" and a.function == _DECLARED]
    return tuple(
        [a for a in found if any(frame.solver.kind_of(t) == SESSION for t in frame.solver.instances(a.args[0]))]
    )


def _number(frame: Frame) -> Value:
    """The number that ``-> int`` promises where nothing is known of what is returned."""
    declared = frame.function.facts[6]
    if declared is None or declared[0] != "n" or declared[2] not in _NUMBERS or frame.function.is_generator:
        return UNKNOWN
    return tuple(a for a in frame.solver.instances(frame.lookup(declared[2])) if a.tag == "ext")


def yielded(frame: Frame, value: Value) -> Value:
    """The same for what a generator or context manager yields: ``-> Iterator[Session]``."""
    if not frame.function.is_generator:
        return value
    return join(value, _promised(frame, value))


def name_yielded(frame: Frame, name: str) -> None:
    """``yield session`` of something unknown where ``-> AsyncIterator[AsyncSession]`` is declared: the name is one."""
    promised = _promised(frame, UNKNOWN)
    if promised and name in frame.env:
        frame.env[name] = promised


def _promised(frame: Frame, value: Value) -> Value:
    declared = frame.function.facts[6]
    # calling an object of which only a protocol is known gives another session each time
    if (
        declared is None
        or frame.function.name == "__call__"
        or any(atom.tag in _TELLS for atom in value)
        or not _names_handle(declared)
    ):
        return UNKNOWN
    typed = frame.solver.instances(frame.solver.returned(frame.function))
    if frame.function.is_generator:
        typed = join_all([atom.items[0] for atom in typed if atom.tag == "seq" and atom.items])
    return tuple(a for a in typed if a.tag == "ext" and frame.solver.kind_of(a) in _PROMISED)


def _names_handle(declared: ir.Expr) -> bool:
    """Whether an annotation may be one of a session or connection, by the names in it."""
    if declared[0] in ("n", "a"):
        return bool(declared[-1].endswith(_NAMED))
    if declared[0] == "k":
        return isinstance(declared[2], str) and any(name in declared[2] for name in _NAMED)
    if declared[0] == "i":
        return _names_handle(declared[3])
    if declared[0] == "t":
        return any(_names_handle(part) for part in declared[2])
    return declared[0] == "b" and (_names_handle(declared[3]) or _names_handle(declared[4]))
