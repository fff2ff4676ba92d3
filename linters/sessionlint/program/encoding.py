"""Encoders and digests of the standard library: what they give is told apart where they are given a UUID.

What is quoted for a URL stays the text that it was, spelled otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, quote_plus

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.frame import Frame
from sessionlint.program.texts import HOLE
from sessionlint.program.values import UNKNOWN, Const, Ext, Value, join, literal

#: Ends the name of what was made of a UUID.
OF_UUID = ".of_uuid()"
_UUID = regex(r"uuid\.uuid\d\(\)")
_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256", "new")
_ENCODERS = (
    "b64encode", "urlsafe_b64encode", "standard_b64encode", "b32encode", "b32hexencode", "b85encode", "a85encode",
)  # fmt: skip


def _made(name: str) -> Any:
    def call(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        of_uuid = any(a.tag == "ext" and _UUID.match(a.name) for value in args for a in value)
        return (Ext(f"{name}(){OF_UUID}" if of_uuid else f"{name}()"),)

    return call


def _quoted(name: str, spaces: bool, kept: str) -> Any:
    def call(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        safe = literal(dict(keywords).get("safe") or (args[1] if len(args) > 1 else UNKNOWN))
        left = f"{safe if isinstance(safe, str) and safe.isascii() else kept}{HOLE}"
        out: Value = UNKNOWN
        for atom in (args[0] if args else dict(keywords).get("string", UNKNOWN)) or (Ext(f"{name}()"),):
            if atom.tag == "const" and isinstance(atom.value, str):
                atom = Const(_spelled(atom.value, left, spaces), "str")
            elif atom.tag == "text":
                atom = atom._replace(text=_spelled(atom.text, left, spaces))
            elif atom.tag != "param":
                atom = Ext(f"{name}()")
            out = join(out, (atom,))
        return out

    return call


def _spelled(text: str, left: str, spaces: bool) -> str:
    return quote_plus(text, left, errors="replace") if spaces else quote(text, left, errors="replace")


SPECIAL: dict[str, Any] = {
    **{
        name: _made(name)
        for name in (*(f"hashlib.{digest}" for digest in _DIGESTS), *(f"base64.{encode}" for encode in _ENCODERS))
    },
    "urllib.parse.quote": _quoted("urllib.parse.quote", False, "/"),
    "urllib.parse.quote_plus": _quoted("urllib.parse.quote_plus", True, ""),
}
