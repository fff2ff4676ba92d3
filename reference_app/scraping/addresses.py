"""Which addresses and ports the scraper may connect to: the public internet's web ports and nothing else.

Blocks come from the IANA special-purpose registries
(https://www.iana.org/assignments/iana-ipv4-special-registry, .../iana-ipv6-special-registry). IPv6 is refused unless
it lies in 2000::/3, the only block IANA assigns for global unicast; that alone shuts out every form that carries an
IPv4 address in disguise (v4-mapped, v4-compatible, NAT64), except 6to4 and Teredo, which are listed.
`ipaddress.is_global` is not enough: on Python 3.11 it calls 2002:7f00:1:: and 64:ff9b::7f00:1 global.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_V4_REFUSED: dict[str, str] = {
    "0.0.0.0/8": "an address of this host",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "a carrier-grade NAT address",
    "127.0.0.0/8": "a loopback address",
    "168.63.129.16/32": "a cloud provider's internal service",
    "169.254.0.0/16": "a link-local (metadata service) address",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "an address reserved for protocols",
    "192.0.2.0/24": "a documentation address",
    "192.31.196.0/24": "an address reserved for protocols",
    "192.52.193.0/24": "an address reserved for protocols",
    "192.88.99.0/24": "a 6to4 relay address",
    "192.168.0.0/16": "a private address",
    "192.175.48.0/24": "an address reserved for protocols",
    "198.18.0.0/15": "a benchmarking address",
    "198.51.100.0/24": "a documentation address",
    "203.0.113.0/24": "a documentation address",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved address",
}
_V6_REFUSED: dict[str, str] = {
    "::/128": "an address of this host",
    "::1/128": "a loopback address",
    "::ffff:0:0/96": "an IPv4 address in IPv6 form",
    "::/96": "an IPv4 address in IPv6 form",
    "64:ff9b::/96": "an IPv4 address behind NAT64",
    "64:ff9b:1::/48": "an IPv4 address behind NAT64",
    "2001::/32": "an IPv4 address in a Teredo tunnel",
    "2001::/23": "an address reserved for protocols",
    "2001:db8::/32": "a documentation address",
    "2002::/16": "an IPv4 address in a 6to4 tunnel",
    "2620:4f:8000::/48": "an address reserved for protocols",
    "3fff::/20": "a documentation address",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a private address",
    "ff00::/8": "a multicast address",
}
_V4_BLOCKS = tuple((IPv4Network(block), reason) for block, reason in _V4_REFUSED.items())
_V6_BLOCKS = tuple((IPv6Network(block), reason) for block, reason in _V6_REFUSED.items())
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

# Ports above 1023 that browsers refuse too, https://fetch.spec.whatwg.org/#port-blocking.
_OTHER_PROTOCOLS = frozenset(
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)
MAX_PORT = 65535


@dataclass(frozen=True)
class AddressPolicy:
    """The one decision about addresses.

    ``allow_loopback`` is for development only and opens 127.0.0.0/8 and ::1, nothing else. ``also_refused`` lists
    networks (CIDR) of the operator's own that happen to have public addresses.
    """

    allow_loopback: bool = False
    also_refused: tuple[str, ...] = field(default=())

    def refusal(self, address: Address) -> str | None:
        """Why ``address`` must not be connected to, as a noun phrase; None when it may be."""
        if any(address in network for network in self._operator_networks):
            return "in a network the operator has closed"
        if self.allow_loopback and any(address in network for network in _LOOPBACK):
            return None
        blocks: tuple[tuple[Network, str], ...] = _V4_BLOCKS if address.version == 4 else _V6_BLOCKS
        for network, reason in blocks:
            if address in network:
                return reason
        if address.version == 6 and address not in _GLOBAL_UNICAST:
            return "outside the public IPv6 space"
        return None

    @cached_property
    def _operator_networks(self) -> tuple[Network, ...]:
        return tuple(ip_network(network) for network in self.also_refused)


def is_web_port(port: int) -> bool:
    """Whether a web server may be expected at ``port``: 80, 443, or above 1023 and no other protocol's."""
    return port in (80, 443) or (1023 < port <= MAX_PORT and port not in _OTHER_PROTOCOLS)
