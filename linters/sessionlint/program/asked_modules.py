"""``import_module(name, package)``: which module is asked for, by its whole name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sessionlint.program.strings import whole
from sessionlint.program.values import UNKNOWN, Value, literal

if TYPE_CHECKING:
    from sessionlint.program.modules import ModuleNames


def asked_for(names: ModuleNames, path: str, args: list[Value], keywords: Mapping[str, Value]) -> str | None:
    """The name, as far as it is written; a relative one is below the package that is told, or that of the file."""
    name = whole(args[0] if args else keywords.get("name", UNKNOWN))
    if name is None or not name.startswith("."):
        return name
    level = len(name) - len(name.lstrip("."))
    package = literal(args[1] if len(args) > 1 else keywords.get("package", UNKNOWN))
    if not isinstance(package, str):
        return names.absolute(path, name.lstrip("."), level)
    parents = package.split(".")
    return ".".join([*parents[: len(parents) - level + 1], name.lstrip(".")])


__all__ = ["asked_for"]
