"""The only door to the network: every connection goes to an address that was checked, and to no other.

Two walls. The resolver refuses a name as soon as one of its answers is forbidden, and hands the checked addresses to
the connector, which never resolves again: a DNS answer that changes between check and use cannot matter. The socket
factory checks the very address each socket is about to be connected to, so IP literals and cached answers pass it too.
The host name stays in the Host header and in TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from reference_app.scraping.addresses import AddressPolicy, is_web_port

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the textual IP addresses of a host name; raises OSError (socket.gaierror) when there are none."""


# A dead name keeps its thread for many seconds; the loop's own few threads would soon all wait for such names.
_LOOKUPS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="name-lookup")


class ForbiddenAddressError(OSError):
    """A name or URL leads to an address or port the policy closes. An OSError, so that aiohttp lets it through."""


async def resolve_with_system(host: str) -> Sequence[str]:
    """All addresses the operating system knows for ``host``; ``localhost`` names are loopback (RFC 6761, 6.3)."""
    if host == "localhost" or host.endswith(".localhost"):
        return ("127.0.0.1",)
    look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    answers = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, look_up)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))


def open_session(policy: AddressPolicy, resolve: Resolve, tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    """A client session that cannot reach a forbidden address, follows no proxy settings and keeps no cookies.

    Redirects and decompression are left to the caller; the number of connections is bounded by the caller.
    """
    connector = aiohttp.TCPConnector(
        resolver=_CheckedResolver(policy, resolve),
        socket_factory=lambda target: _checked_socket(policy, target),
        ssl=tls or True,
        limit=0,
        ttl_dns_cache=30,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        raise_for_status=False,
    )


class _CheckedResolver(AbstractResolver):
    def __init__(self, policy: AddressPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            addresses = await self._resolve(host)
        except UnicodeError:
            addresses = ()
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        for address in addresses:
            if reason := self._policy.refusal(ip_address(address)):
                raise ForbiddenAddressError(f"{host} leads to {address}, {reason}")
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing to release."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _checked_socket(
    policy: AddressPolicy,
    target: tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]],
) -> socket.socket:
    family, kind, protocol, _, (address, port, *_) = target
    if reason := policy.refusal(ip_address(str(address))):
        raise ForbiddenAddressError(f"{address} is {reason}")
    if not isinstance(port, int) or not is_web_port(port):
        raise ForbiddenAddressError(f"port {port} does not serve web pages")
    opened = socket.socket(family, kind, protocol)
    opened.setblocking(False)
    return opened
