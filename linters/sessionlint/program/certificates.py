"""TLS contexts: where one is made, and where it is told not to verify the server's certificate.

Facts about ``ssl``: ``create_default_context()`` and ``SSLContext(PROTOCOL_TLS_CLIENT)`` verify, ``SSLContext()`` of
any other protocol does not until it is told to; ``check_hostname = False`` and ``verify_mode = CERT_NONE``
switch that off, and ``_create_unverified_context()`` never does (docs.python.org/3/library/ssl.html).
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Ext, TlsContext, Value

_UNVERIFIED = "ssl.CERT_NONE"
#: Protocols that servers and clients may speak: a context of one of them verifies nobody unless it is told to.
_OF_EITHER_SIDE = frozenset({
    "ssl.PROTOCOL_TLS", "ssl.PROTOCOL_SSLv23", "ssl.PROTOCOL_TLSv1", "ssl.PROTOCOL_TLSv1_1", "ssl.PROTOCOL_TLSv1_2",
    "ssl.PROTOCOL_SSLv3", "ssl.PROTOCOL_TLS_SERVER",
})  # fmt: skip


def make(frame: Frame, args: list[Value], keywords: Any, e: ir.Expr) -> Value:
    """``ssl.create_default_context()``."""
    return (TlsContext(frame.site(e[1])),)


def make_bare(frame: Frame, args: list[Value], keywords: Any, e: ir.Expr) -> Value:
    """``ssl.SSLContext(protocol)``: only that of a client verifies by itself."""
    protocol = args[0] if args else dict(keywords).get("protocol", ())
    given = bool(args or keywords)
    bare = not given or (bool(protocol) and all(a.tag == "ext" and a.name in _OF_EITHER_SIDE for a in protocol))
    return (TlsContext(frame.site(e[1]), frame.site(e[1]) if bare else None),)


def make_unverified(frame: Frame, args: list[Value], keywords: Any, e: ir.Expr) -> Value:
    """``ssl._create_unverified_context()``."""
    return (TlsContext(frame.site(e[1]), frame.site(e[1])),)


def attribute(name: str) -> Value:
    """What an attribute of a context is."""
    return (Ext(f"ssl.SSLContext().{name}"),)


def switched(frame: Frame, owner: Value, name: str, value: Value, span: ir.Span4) -> dict[Any, Any]:
    """The contexts among ``owner`` that an assignment to their attribute ``name`` changes, and what they are then."""
    contexts = [a for a in owner if isinstance(a, TlsContext)]
    changed = {a: _after(a, name, value, (frame.path, span)) for a in contexts}
    return {before: after for before, after in changed.items() if after != before}


def _after(context: TlsContext, name: str, value: Value, place: tuple[str, ir.Span4]) -> TlsContext:
    bare = context.off == context.site
    if name == "verify_mode" and (value or bare):
        off = any(a.tag == "ext" and a.name == _UNVERIFIED for a in value)
        return context._replace(off=place if off else None)
    if name == "check_hostname" and bare and not any(a.tag == "const" and a.value is False for a in value):
        # https://docs.python.org/3/library/ssl.html#ssl.SSLContext.check_hostname: it asks for a certificate, too
        return context._replace(off=None)
    if name == "check_hostname" and any(a.tag == "const" and a.value is False for a in value):
        return context._replace(off=context.off or place)
    return context


def among(bindings: dict[Any, Value]) -> dict[str, TlsContext]:
    """The contexts that a call passes, by parameter."""
    return {
        key.name: value[0]
        for key, value in bindings.items()
        if key.tag == "param" and len(value) == 1 and isinstance(value[0], TlsContext)
    }


def changed(contexts: dict[str, TlsContext], names: dict[str, Value]) -> dict[Any, Any]:
    """The contexts that a callee has changed, by what its ``names`` hold at its end, and what they are then."""
    after = {before: names.get(name, ()) for name, before in contexts.items()}
    return {
        before: value[0]
        for before, value in after.items()
        if len(value) == 1 and isinstance(value[0], TlsContext) and value[0] != before and value[0].site == before.site
    }
