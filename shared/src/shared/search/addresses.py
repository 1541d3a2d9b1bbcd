"""Which addresses a page may be fetched from."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_NOT_THE_WEB = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure answers its own machines there, whatever their network
        "192.0.0.0/24",  # protocol assignments; a metadata service of Oracle's cloud among them
        "192.88.99.0/24",  # 6to4 relays
        "2002::/16",  # 6to4 holds an IPv4 address that the next relay may well reach
        "2001::/23",  # protocol assignments; Teredo among them
    )
)
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address, as a resolver gives it, is one of the public internet. What is no address is not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        held = _held_ipv4(parsed)
        if held is None:
            return parsed in _UNICAST and _is_global(parsed)
        parsed = held
    return _is_global(parsed)


def _held_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is really meant: mapped, or behind the NAT64 of networks without IPv4."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if any(address.version == network.version and address in network for network in _NOT_THE_WEB):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
