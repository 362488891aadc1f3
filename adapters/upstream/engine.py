"""What engines share that are a server: how asking it goes, a connection that is opened early, and its end."""

from adapters.contract.engine import UpstreamState
from adapters.upstream.client import UpstreamClient


class ServerEngine:
    """An engine behind ``upstream``, whose connections other engines on the same server use too."""

    def __init__(self, upstream: UpstreamClient) -> None:
        self._upstream = upstream

    @property
    def upstream_state(self) -> UpstreamState:
        """How asking the server goes."""
        return self._upstream.state

    async def warm_up(self) -> None:
        """Open a connection; a server that cannot be reached yet is only logged."""
        await self._upstream.warm_up()

    async def aclose(self) -> None:
        """Close the connections that no other adapter uses."""
        await self._upstream.aclose()
