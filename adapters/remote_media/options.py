"""The option that says from which hosts the media of a request may be fetched."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from adapters.options import BadOption

PUBLIC, OFF = "public", "off"

_PATTERN = re.compile(r"[a-z0-9_.:*-]+")


RemoteMediaHosts = Annotated[
    tuple[str, ...],
    Meta(
        description="Where images that requests name by URL are fetched from: public (hosts on the public internet), "
        "off, or the hosts that are allowed instead, also private ones (img.lan, *.example.com). The gateway fetches "
        "them; only OpenAI's own server gets public URLs as they are."
    ),
]
"""The option ``remote_media`` of every engine whose requests may name media by URL."""

FROM_PUBLIC = (PUBLIC,)
"""Its default."""


class AllowedHosts(msgspec.Struct, frozen=True, kw_only=True):
    """Which hosts media may come from: those whose addresses are ``public``, and those that match ``patterns``."""

    public: bool
    patterns: tuple[re.Pattern[str], ...]

    def names(self, host: str) -> bool:
        """Whether a pattern allows ``host``, whatever its addresses."""
        return any(pattern.fullmatch(host.lower().rstrip(".")) for pattern in self.patterns)


def allowed_hosts(given: RemoteMediaHosts) -> AllowedHosts:
    """The hosts that the option allows; in a pattern ``*`` stands for anything but a dot. Raises ``BadOption``."""
    if OFF in given and len(given) > 1:
        raise BadOption(f"--remote_media {','.join(given)!r}: {OFF} cannot stand beside others.")
    hosts = [name.lower() for name in given if name not in {PUBLIC, OFF}]
    for host in hosts:
        if not _PATTERN.fullmatch(host) or not host.strip("*."):
            raise BadOption(
                f"--remote_media {host!r} is neither {PUBLIC} nor {OFF} nor a host: write img.example.com, or "
                "*.example.com for all hosts in a domain, without scheme, port and path."
            )
    return AllowedHosts(public=PUBLIC in given, patterns=tuple(map(_compiled, hosts)))


def _compiled(pattern: str) -> re.Pattern[str]:
    # Without dots: 10.0.0.* must not match 10.0.0.example.com, whose owner chooses the address.
    return re.compile("[^.]*".join(map(re.escape, pattern.split("*"))))
