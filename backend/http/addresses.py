"""Whom a connection or a request counts against."""

import ipaddress

# An IPv6 customer is given a whole /64, and could otherwise come from a new address each time.
IPV6_CUSTOMER_PREFIX = 64
UNKNOWN = "unknown"


def network_of(address: str) -> str:
    """The IPv4 address itself, the /64 of an IPv6 address, `unknown` for what is neither."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return str(ipaddress.ip_network((found, IPV6_CUSTOMER_PREFIX), strict=False))
        found = found.ipv4_mapped
    return str(found)


def client_of(peer: str, forwarded_for: str, proxies: int) -> str:
    """The client's address behind `proxies` trusted proxies, each of which appends to
    `X-Forwarded-For` the address that it was asked from; `peer` where too few did."""
    hops = [hop.strip() for hop in forwarded_for.split(",")] if forwarded_for else []
    return hops[-proxies] if 0 < proxies <= len(hops) else peer
