"""Libraries that read the environment or files: a setting is the default written at the call, or from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sessionlint.facts import ir
from sessionlint.program import stdlib
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value, join

Keywords = list[tuple[str, Value]]
Reader = Callable[[Frame, list[Value], Keywords, ir.Expr], Value]

#: Classes that read files of settings: ``parser.getint("db", "size", fallback=5)``.
_PARSERS: Final = ("configparser.ConfigParser", "configparser.RawConfigParser", "configparser.SafeConfigParser")
_INTEGER: Final = Ext("builtins.int")
#: Conversions that leave a text what it is.
_TEXTS: Final = frozenset({"builtins.str", "starlette.datastructures.Secret"})


def _reader(name: str, default_at: int, cast_at: int, cast: Value = UNKNOWN) -> Reader:
    """The call of a reader whose default and conversion stand at these places, unless they are named."""
    parses = name.startswith(_PARSERS)

    def read(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        named = dict(keywords)
        default = named.get("default", args[default_at] if len(args) > default_at else UNKNOWN)
        default = named.get("fallback", default) if parses else default
        to = cast or named.get("cast", args[cast_at] if len(args) > cast_at else UNKNOWN)
        if default and _INTEGER in to:
            return stdlib.with_default(join(default, (stdlib.ENVIRONMENT,)))
        if not default or any(a.tag != "ext" or a.name not in _TEXTS for a in to):
            # what is made of it is not known
            return (Ext(f"{name}()"),)
        return join(default, (stdlib.ENVIRONMENT,))

    return read


def _readers() -> dict[str, Reader]:
    """``config(name, default, cast)`` of decouple and environs; others have the conversion before the default."""
    found: dict[str, Reader] = {}
    for name in ("decouple.config", "decouple.Config()", "decouple.AutoConfig()", "environs.Env()", "environs.env"):
        found[name] = _reader(name, 1, 2)
    for name in ("starlette.config.Config()", "environ.Env()", "environ.FileAwareEnv()"):
        found[name] = _reader(name, 2, 1)
    for owner in ("environs.Env()", "environs.env", "environ.Env()", "environ.FileAwareEnv()"):
        found[f"{owner}.str"] = _reader(f"{owner}.str", 1, 9)
        found[f"{owner}.int"] = _reader(f"{owner}.int", 1, 9, (_INTEGER,))
    # a parser's own methods are told the section first, and what to fall back to by name only
    for owner, at in [(o, at) for p in _PARSERS for o, at in ((f"{p}()", 9), (f"{p}()[]", 1))]:
        found[f"{owner}.get"] = _reader(f"{owner}.get", at, 9)
        found[f"{owner}.getint"] = _reader(f"{owner}.getint", at, 9, (_INTEGER,))
    return found


#: By the path of what is called.
READERS: Final = _readers()
