"""An engine that is a server opens its connection early, tells how asking goes, and lets the connection go."""

from contextlib import aclosing

from adapters.upstream import ServerEngine, UpstreamClient, UpstreamOptions
from tests.support.upstream_server import UpstreamServer, replies


def engine(base_url: str) -> ServerEngine:
    return ServerEngine(UpstreamClient("test", UpstreamOptions(responses_api_base_url=base_url)))


async def test_a_connection_is_open_before_anybody_asks() -> None:
    async with UpstreamServer(replies(200, {"data": []})) as server:
        async with aclosing(engine(server.base_url)) as made:
            assert server.connections == 0
            await made.warm_up()
            assert server.connections == 1
            assert made.upstream_state == made._upstream.state
        await made.aclose()


async def test_a_server_that_is_not_there_yet_is_no_failure() -> None:
    async with aclosing(engine("http://127.0.0.1:9/v1")) as made:
        await made.warm_up()
