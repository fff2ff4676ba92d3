"""Records that were pickled, and nothing else: who checks a repository may find such a file in it from somebody else.

Unpickling makes the functions and classes of a program, named tuples of this package and a few plain types. Whatever
else a file asks for makes it worthless.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections import Counter
from typing import Any, Final

from sessionlint.program import model, summaries
from sessionlint.report import CheckError, Finding, Span, TraceStep

_OWN: Final = f"{__package__}."

#: What may be made besides the named tuples of this package.
_OTHERS: Final[dict[tuple[str, str], Any]] = {
    **{(model.__name__, name): kind for name, kind in vars(model).items() if isinstance(kind, type)},
    (summaries.__name__, "Summary"): summaries.Summary,
    ("builtins", "complex"): complex,
    ("builtins", "Ellipsis"): Ellipsis,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "set"): set,
    ("collections", "Counter"): Counter,
    **{(CheckError.__module__, kind.__name__): kind for kind in (CheckError, Finding, Span, TraceStep)},
}


class Records:
    """The functions and classes that pickled parts speak of: one record for each."""

    def __init__(self) -> None:
        """No records yet."""
        self._functions: dict[model.Key, model.FunctionInfo] = {}
        self._classes: dict[model.Key, model.ClassInfo] = {}

    def function(self, key: model.Key) -> model.FunctionInfo:
        """The record of a function."""
        return self._functions.get(key) or self._functions.setdefault(key, model.FunctionInfo(key))

    def class_(self, key: model.Key) -> model.ClassInfo:
        """The record of a class."""
        return self._classes.get(key) or self._classes.setdefault(key, model.ClassInfo(key))


class PlainUnpickler(pickle.Unpickler):
    """Makes plain records and nothing else."""

    def __init__(self, stream: io.BytesIO, records: Records) -> None:
        """Reads from ``stream``; functions and classes are those of ``records``."""
        super().__init__(stream)
        self._made = {
            (model.__name__, "FunctionInfo"): records.function,
            (model.__name__, "ClassInfo"): records.class_,
        }

    def find_class(self, module: str, name: str) -> Any:
        """The class of a record. Raises ``UnpicklingError`` for everything else."""
        kind = self._made.get((module, name)) or _OTHERS.get((module, name)) or _named_tuple(module, name)
        if kind is None:
            raise pickle.UnpicklingError(f"there is no room for {module}.{name}")
        return kind


def _named_tuple(module: str, name: str) -> type | None:
    """A named tuple of a module of this package that has been imported: making one runs nothing."""
    kind = vars(sys.modules[module]).get(name) if module.startswith(_OWN) and module in sys.modules else None
    is_record = isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")
    return kind if is_record and kind.__module__ == module else None
