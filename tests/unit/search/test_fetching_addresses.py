"""What counts as the public internet."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.addresses import is_public


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "", "bees.example", "127.0.0.1", "10.0.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "0.0.0.0", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1", "::", "::1", "::7f00:1",
        "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:808:808::1",
        "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2606:4700::1/64", "5f00::1",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_as_public_inside_ipv6(address: IPv4Address) -> None:
    mapped = IPv6Address(int(IPv6Address("::ffff:0:0")) | int(address))
    translated = IPv6Address(int(IPv6Address("64:ff9b::")) | int(address))
    assert is_public(str(mapped)) == is_public(str(translated)) == is_public(str(address))


@given(st.ip_addresses())
def test_what_is_public_is_global(address: IPv4Address | IPv6Address) -> None:
    if is_public(str(address)) and isinstance(address, IPv4Address):
        assert address.is_global
    if address.is_private or address.is_loopback or address.is_multicast:
        assert not is_public(str(address)) or address.version == 6
