"""What a class has for Python and its libraries to call: validators, ``model_post_init``, setters, default factories.

Read off the class body once; a class that has none of it costs nothing where objects are made and assigned to.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir

#: The last name of decorators whose functions pydantic runs when it makes or validates an object.
_VALIDATORS: Final = frozenset({"field_validator", "model_validator", "validator", "root_validator"})
#: The one whose functions SQLAlchemy runs when an attribute of a row is assigned.
_VALIDATES: Final = "validates"
#: Methods of these names run after an object was made.
AFTER: Final = frozenset({"model_post_init", "__attrs_post_init__"})
#: The keywords that say what makes the default of a field.
FACTORIES: Final = ("default_factory", "factory")

#: A method that is called without a call in sight, with the fields that its decorator names (``None``: any).
Hook = tuple[Any, frozenset[str] | None]


def _last_name(decorator: ir.Expr) -> str:
    """``validates`` of ``@orm.validates("name")``."""
    named = decorator[2] if decorator[0] == "c" else decorator
    return str(named[3]) if named[0] == "a" else str(named[2]) if named[0] == "n" else ""


def is_setter(method: Any) -> bool:
    """Whether a method is what assigning to a property runs."""
    return any(d[0] == "a" and d[3] == "setter" for d in method.decorators)


def of_making(methods: dict[str, Any]) -> tuple[Hook, ...]:
    """What runs when an object of a class is made."""
    found: list[Hook] = [(m, None) for name, m in methods.items() if name in AFTER]
    for method in methods.values():
        for decorator in method.decorators:
            if _last_name(decorator) in _VALIDATORS:
                found.append((method, _named_in(decorator)))
    return tuple(found)


def of_assigning(methods: dict[str, Any]) -> tuple[Hook, ...]:
    """What runs when a column of a mapped class is assigned."""
    found: list[Hook] = []
    for method in methods.values():
        for decorator in method.decorators:
            if _last_name(decorator) == _VALIDATES:
                found.append((method, _named_in(decorator)))
    return tuple(found)


def _named_in(decorator: ir.Expr) -> frozenset[str] | None:
    if decorator[0] != "c":
        return None
    names = [a[2] for a in decorator[3] if a[0] == "k" and isinstance(a[2], str)]
    if not names or len(names) < len(decorator[3]) or "*" in names:
        return None
    return frozenset(names)


def of_defaults(attributes: dict[str, Any]) -> tuple[str, ...]:
    """The fields whose default something makes: ``field(default_factory=look)``."""
    called = [(name, entry[3][4]) for name, entry in attributes.items() if entry[3] is not None and entry[3][0] == "c"]
    return tuple([name for name, keywords in called if any(key in FACTORIES for key, _ in keywords)])


__all__ = ["AFTER", "FACTORIES", "Hook", "is_setter", "of_assigning", "of_defaults", "of_making"]
