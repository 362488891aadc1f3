"""``--remote_media`` on every surface: the model's server gets data, and the client the path of what cannot be had."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.engines.build import build
from gateway.settings.load import load
from tests.support.chat_chunks import delta
from tests.support.response_events import end, event
from tests.support.server import gateway_of, question, scripted_engines, served
from tests.support.upstream_server import Exchange, UpstreamServer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SMALL = "data:image/png;base64,AA=="
DATA = "data:image/png;base64,iVBOR"

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
VOICE = "/v1/audio/speech-to-speech"


async def model_and_images(exchange: Exchange) -> None:
    """A model server, which has images besides."""
    if exchange.path.startswith("/cat.png"):
        await exchange.reply(200, PNG, "image/png")
    elif exchange.method == "GET":
        await exchange.reply(404, {})
    elif exchange.path.endswith("/responses"):
        await exchange.start()
        await exchange.events(event("created", response={"id": "resp_1", "status": "in_progress", "output": []}))
        await exchange.events(event("output_text.delta", item_id="a", output_index=0, content_index=0, delta="A cat."))
        await exchange.events(end(id="resp_1"))
        await exchange.finish()
    else:
        await exchange.start()
        await exchange.events(delta(content="A cat."), delta("stop"), "[DONE]")
        await exchange.finish()


@asynccontextmanager
async def serving(backend: str, *flags: str) -> AsyncGenerator[tuple[httpx.AsyncClient, UpstreamServer], None]:
    """A gateway in front of a model server, which is also the one host that images may come from."""
    async with UpstreamServer(model_and_images) as server:
        own = ("--llm_backend", backend, "--responses_api_base_url", server.base_url, "--model_name", "m")
        flags = (*own, *(flags or ("--remote_media", "127.0.0.1")))
        model = build(load(flags, {})).routes[0].engines.llm
        async with (
            served(gateway_of(scripted_engines(llm=model), *flags)) as address,
            httpx.AsyncClient(base_url=address, timeout=20) as client,
        ):
            yield client, server


def asking(route: str, url: str) -> dict[str, Any]:
    """A request that names an image by ``url``, after one that holds its data."""
    if route == RESPONSES:
        items = [{"type": "input_image", "image_url": each} for each in (SMALL, url)]
        return {"json": {"model": "m", "stream": True, "input": [{"role": "user", "content": items}]}}
    if route == VOICE:
        return {"files": {"file": question()}, "data": {"image": json.dumps([url])}}
    parts = [{"type": "image_url", "image_url": {"url": each}} for each in (SMALL, url)]
    return {"json": {"model": "m", "stream": True, "messages": [{"role": "user", "content": parts}]}}


EVERY_WAY = [
    pytest.param(CHAT, "chat-completions", "messages[0].content[1].image_url.url", id="chat passed on"),
    pytest.param(CHAT, "responses-api", "messages", id="chat translated"),
    pytest.param(RESPONSES, "responses-api", "input[0].content[1].image_url", id="responses passed on"),
    pytest.param(RESPONSES, "chat-completions", "input", id="responses translated"),
    pytest.param(VOICE, "chat-completions", "messages", id="voice"),
]


@pytest.mark.parametrize(("route", "backend", "_param"), EVERY_WAY)
async def test_the_server_gets_data_in_place_of_a_url(route: str, backend: str, _param: str) -> None:
    async with serving(backend) as (client, server):
        url = server.base_url.replace("/v1", "/cat.png")
        response = await client.post(route, **asking(route, url))
        assert response.status_code == 200, response.text
        sent = server.exchanges[-1].body.decode()
    assert DATA in sent
    assert url not in sent


@pytest.mark.parametrize(("route", "backend", "param"), EVERY_WAY)
async def test_what_cannot_be_had_is_refused_before_the_model_is_asked(route: str, backend: str, param: str) -> None:
    async with serving(backend, "--remote_media", "public") as (client, server):
        url = server.base_url.replace("/v1", "/cat.png")
        response = await client.post(route, **asking(route, url))
        assert not [exchange for exchange in server.exchanges if exchange.body or "cat" in exchange.path]
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, "invalid_image_url")
    assert error["message"].startswith(f"Error while downloading {url}: its host cannot be reached")


@pytest.mark.parametrize("beside", [(), ({"type": "input_file", "file_data": SMALL},)], ids=["alone", "beside a file"])
async def test_a_conversation_keeps_the_url_and_every_turn_gets_the_data(beside: tuple[Any, ...]) -> None:
    async with serving("responses-api") as (client, server):
        url = server.base_url.replace("/v1", "/cat.png")
        asked = asking(RESPONSES, url)
        asked["json"]["input"][0]["content"] += beside
        first = await client.post(RESPONSES, **asked)
        assert first.status_code == 200, first.text
        kept = (await client.get(f"{RESPONSES}/resp_1/input_items")).json()
        again = {"model": "m", "stream": True, "input": "And now?", "previous_response_id": "resp_1"}
        assert (await client.post(RESPONSES, json=again)).status_code == 200
        sent = server.exchanges[-1].body.decode()
    assert url in json.dumps(kept)
    assert DATA in sent
    assert url not in sent
