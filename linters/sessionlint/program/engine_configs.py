"""``engine_from_config(settings, "db.")``: an engine made of what a dictionary has under keys with a prefix."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.patterns import regex
from sessionlint.program.values import UNKNOWN, UNKNOWN_KEYWORDS, Const, Map, Value, literal

Keywords = list[tuple[str, Value]]
#: The functions that make such engines, and what they call.
CALLS: Final = {
    "sqlalchemy.engine_from_config": "sqlalchemy.create_engine",
    "sqlalchemy.ext.asyncio.async_engine_from_config": "sqlalchemy.ext.asyncio.create_async_engine",
}
#: What they look for at the beginning of keys unless they are told something else.
_PREFIX: Final[Value] = (Const("sqlalchemy.", "str"),)
_WRITTEN_NUMBER: Final = regex(r"\s*-?\d+\s*")


def taken_out(config: Value, args: list[Value], named: dict[str, Value]) -> dict[str, Value] | None:
    """What a dictionary says of the engine, by the names of options; ``None`` where it is not in sight.

    Numbers are read from texts.
    """
    start = literal(args[1] if len(args) > 1 else named.get("prefix", _PREFIX))
    if len(config) != 1 or not isinstance(config[0], Map) or not isinstance(start, str):
        return None
    found: dict[str, Value] = {}
    for key, value in config[0].items:
        if not isinstance(key, str) or key == UNKNOWN_KEYWORDS:
            found[UNKNOWN_KEYWORDS] = UNKNOWN
        elif key.startswith(start):
            found[key.removeprefix(start)] = tuple([_number(a) for a in value])
    if config[0].partial:
        found[UNKNOWN_KEYWORDS] = UNKNOWN
    return found


def as_arguments(args: list[Value], keywords: Keywords) -> tuple[list[Value], Keywords] | None:
    """The arguments that the maker of engines is called with, where they are told."""
    named = dict(keywords)
    options = taken_out(args[0] if args else named.get("configuration", UNKNOWN), args, named)
    if options is None:
        return None
    options.update((k, v) for k, v in keywords if k not in ("configuration", "prefix"))
    return [options.pop("url", UNKNOWN)], list(options.items())


def _number(atom: Any) -> Any:
    is_one = atom.tag == "const" and atom.kind == "str" and _WRITTEN_NUMBER.fullmatch(atom.value)
    return Const(int(atom.value), "int") if is_one else atom


__all__ = ["CALLS", "as_arguments", "taken_out"]
