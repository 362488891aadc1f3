"""``GET /v1/usage``: pages, filters, and parameters without effect."""

import httpx

from tests.support.server import gateway_with_routes, scripted_engines, served


async def test_records_come_in_pages_the_newest_first() -> None:
    gateway = gateway_with_routes(scripted_engines(), [("a", ()), ("b", ())])
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        for model in ("a", "b", "b"):
            await client.post("/v1/audio/speech", json={"input": "Hello.", "model": model})
        first = (await client.get("/v1/usage", params={"limit": 1})).json()
        second = (await client.get("/v1/usage", params={"limit": 1, "after": first["last_id"]})).json()
        assert [(page["data"][0]["route"], page["data"][0]["turns"]) for page in (first, second)] == [
            ("b", 2),
            ("a", 1),
        ]
        assert (first["has_more"], second["has_more"]) == (True, False)
        none = await client.get("/v1/usage", params={"key": "somebody", "colour": "red"})
        assert none.json()["data"] == []
        assert none.headers["x-ignored-parameters"] == "colour"
