"""Encoders and digests of the standard library: what they give is told apart where they are given a UUID."""

from __future__ import annotations

import re
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Ext, Value

#: Ends the name of what was made of a UUID.
OF_UUID = ".of_uuid()"
_UUID = re.compile(r"uuid\.uuid\d\(\)")
_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "blake2s", "sha3_256", "new")
_ENCODERS = (
    "b64encode", "urlsafe_b64encode", "standard_b64encode", "b32encode", "b32hexencode", "b85encode", "a85encode",
)  # fmt: skip


def _made(name: str) -> Any:
    def call(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
        of_uuid = any(a.tag == "ext" and _UUID.match(a.name) for value in args for a in value)
        return (Ext(f"{name}(){OF_UUID}" if of_uuid else f"{name}()"),)

    return call


SPECIAL: dict[str, Any] = {
    name: _made(name)
    for name in (*(f"hashlib.{digest}" for digest in _DIGESTS), *(f"base64.{encode}" for encode in _ENCODERS))
}
