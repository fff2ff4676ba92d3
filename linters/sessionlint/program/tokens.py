"""Libraries that verify a token while they make the object for it.

Facts about ``jwcrypto`` (jwcrypto.readthedocs.io/en/latest/jwt.html): ``JWT(jwt=token, key=key)`` does what
``deserialize(token, key)`` does, which verifies or decrypts when there is a key; of ``header`` and ``claims`` a new
token is made.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Ext, Value, const

_TOKEN = "jwcrypto.jwt.JWT"
_ARGUMENTS = ("header", "claims", "jwt", "key")
_NONE = const(None)


def made(frame: Frame, args: list[Value], keywords: Any, e: ir.Expr) -> Value:
    """``jwcrypto.jwt.JWT(…)``: given a token and its key, it verifies."""
    given = dict(zip(_ARGUMENTS, args, strict=False)) | dict(keywords)
    if all(given.get(name, _NONE) != _NONE for name in ("jwt", "key")):
        passed = (given["jwt"], given["key"])
        frame.emit("external", e[1], name=f"{_TOKEN}().deserialize", args=passed, expr=e)
    return (Ext(f"{_TOKEN}()"),)
