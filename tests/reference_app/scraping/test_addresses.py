"""Which addresses and ports may be connected to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from reference_app.scraping.addresses import AddressPolicy, is_web_port

REFUSED = {
    "0.0.0.0": "an address of this host",
    "10.1.2.3": "a private address",
    "100.64.0.1": "a carrier-grade NAT address",
    "100.100.100.200": "a carrier-grade NAT address",
    "127.0.0.1": "a loopback address",
    "127.255.255.254": "a loopback address",
    "168.63.129.16": "a cloud provider's internal service",
    "169.254.169.254": "a link-local (metadata service) address",
    "172.16.0.1": "a private address",
    "172.31.255.255": "a private address",
    "192.0.0.192": "an address reserved for protocols",
    "192.88.99.1": "a 6to4 relay address",
    "192.168.1.1": "a private address",
    "198.19.255.255": "a benchmarking address",
    "203.0.113.7": "a documentation address",
    "224.0.0.1": "a multicast address",
    "240.0.0.1": "a reserved address",
    "255.255.255.255": "a reserved address",
    "::": "an address of this host",
    "::1": "a loopback address",
    "::7f00:1": "an IPv4 address in IPv6 form",
    "::ffff:8.8.8.8": "an IPv4 address in IPv6 form",
    "::ffff:0:7f00:1": "outside the public IPv6 space",
    "64:ff9b::7f00:1": "an IPv4 address behind NAT64",
    "64:ff9b:1::a00:1": "an IPv4 address behind NAT64",
    "100::1": "outside the public IPv6 space",
    "2001:0:7f00:1::": "an IPv4 address in a Teredo tunnel",
    "2001:20::1": "an address reserved for protocols",
    "2001:db8::1": "a documentation address",
    "2002:7f00:1::": "an IPv4 address in a 6to4 tunnel",
    "3fff::1": "a documentation address",
    "5f00::1": "outside the public IPv6 space",
    "fd00:ec2::254": "a private address",
    "fe80::1": "a link-local address",
    "fe80::1%eth0": "a link-local address",
    "fec0::1": "a private address",
    "ff02::1": "a multicast address",
}


@pytest.mark.parametrize(("address", "reason"), REFUSED.items())
def test_addresses_that_are_not_public_are_refused_with_a_reason(address: str, reason: str) -> None:
    assert AddressPolicy().refusal(ip_address(address)) == reason


@pytest.mark.parametrize("address", ["1.1.1.1", "100.63.255.255", "172.32.0.1", "223.255.255.255", "2606:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert AddressPolicy().refusal(ip_address(address)) is None


def test_the_development_setting_opens_loopback_and_nothing_else() -> None:
    policy = AddressPolicy(allow_loopback=True)
    allowed = [address for address in REFUSED if policy.refusal(ip_address(address)) is None]
    assert allowed == ["127.0.0.1", "127.255.255.254", "::1"]


def test_an_operator_can_close_networks_of_their_own() -> None:
    policy = AddressPolicy(also_refused=("9.0.0.0/8", "2620:1f7::/32"))
    assert policy.refusal(ip_address("9.9.9.9")) == "in a network the operator has closed"
    assert policy.refusal(ip_address("2620:1f7::1")) == "in a network the operator has closed"
    assert policy.refusal(ip_address("8.8.8.8")) is None


def test_only_web_ports_are_open() -> None:
    tried = (0, 21, 22, 25, 80, 443, 445, 1023, 1024, 2049, 5060, 6000, 6667, 8080, 8443, 65535, 65536)
    assert [port for port in tried if is_web_port(port)] == [80, 443, 1024, 8080, 8443, 65535]
