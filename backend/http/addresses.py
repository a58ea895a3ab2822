"""Whom a connection or a request counts against."""

import ipaddress
from functools import lru_cache

# An IPv6 customer is given a whole /64, and could otherwise come from a new address each time.
IPV6_CUSTOMER_PREFIX = 64
UNKNOWN = "unknown"


# Looked up for each request, and one takes 20 us; an attack from more addresses pays for itself.
@lru_cache(maxsize=4_096)
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
