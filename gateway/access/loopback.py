"""Says which hosts no other machine can reach."""

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=128)
def is_loopback(host: str) -> bool:
    """Whether ``host`` is an address or a name of this machine that no other machine can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
