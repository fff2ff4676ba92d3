"""Where an API key or token is compared with what is kept: in constant time, or with its hash."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.comparing import COMPARISONS
from sessionlint.rules.walking import own_nodes_below

CREDENTIAL = regex(r"api_?key|access_?(?:key|token)|(?:auth|bearer|id|session)_?token|^token$|authorization|jwt", re.I)
#: Secrets that prove something else than who calls.
OTHER_SECRET = regex(r"csrf|xsrf|webhook|signature|_digest$|checksum|hook|reset|invite|unsubscribe|confirm", re.I)
#: What hashes are checked of besides: what somebody logs in with.
_PASSWORD = regex(r"passw|pwd|passphrase|otp", re.I)
#: Libraries that compare a password, or a key, with the hash that is kept of it.
_HASH_CHECK_ENDS = ("verify", "checkpw", "check_password_hash", "verify_and_update")
_HASH_CHECKS = regex(
    r"^(?:bcrypt\.checkpw|werkzeug\.security\.check_password_hash|argon2\.(?:\w+\.)*PasswordHasher\(\)\.verify"
    r"|passlib\.(?:context\.\w*CryptContext\(\)|hash\.\w+(?:\(\))?)\.verify(?:_and_update)?"
    r"|pwdlib\.(?:\w+\.)*PasswordHash(?:\.recommended)?\(\)\.verify(?:_and_update)?)$"
)


def is_comparison(name: str) -> bool:
    """Whether a library's function compares secrets."""
    return name in COMPARISONS or _checks_hash(name)


def _checks_hash(name: str) -> bool:
    return name.endswith(_HASH_CHECK_ENDS) and _HASH_CHECKS.match(name) is not None


def compares_credential(event: Event) -> bool:
    """Whether what compares secrets is given a caller's API key or token, by the names of what it compares."""
    if event.expr is None or event.expr[0] != "c":
        return False
    if event.name in COMPARISONS:
        given = event.expr[3]
    elif _checks_hash(event.name):
        given = (*event.expr[3], *(value for _, value in event.expr[4]))
        if any(_PASSWORD.search(n) for n in (event.function.name, *[n for a in given for n in _names(a)])):
            return False
    else:
        return False
    names = [n for argument in given for n in (*_names(argument), *_hashed(event.function, argument))]
    return any(CREDENTIAL.search(n) for n in names) and not any(OTHER_SECRET.search(n) for n in names)


def _hashed(function: FunctionInfo, expr: ir.Expr) -> Iterable[str]:
    """What a variable is the hash of: ``digest = hashlib.sha256(key.encode()).hexdigest()``."""
    if expr[0] != "n":
        return
    for node in own_nodes_below(function.body):
        if node[0] == "=" and len(node) == 4 and any(t[0] == "n" and t[2] == expr[2] for t in node[2]):
            names = list(_names(node[3]))
            yield from names if "hashlib" in names and "hmac" not in names else ()


def _names(expr: ir.Expr) -> Iterable[str]:
    """Names and attributes that an expression mentions."""
    if expr[0] in ("n", "a"):
        yield expr[-1]
    for part in expr[2:]:
        for child in part if type(part) is tuple and part and type(part[0]) is tuple else (part,):
            if type(child) is tuple and len(child) > 1 and type(child[0]) is str and type(child[1]) is tuple:
                yield from _names(child)
