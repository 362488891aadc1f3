"""The routes of the gateway as OpenAI lists models, also under names with slashes."""

import httpx
import openai
import pytest

from adapters import scripted
from adapters.contract import llm, tts
from adapters.contract.errors import Unavailable
from adapters.tts.openai_voices import OPENAI_VOICES
from tests.support.http_client import refused
from tests.support.server import gateway_of, gateway_with_routes, scripted_engines, served

NAMES = [("small", ("s2s", "*")), ("org/large", ()), ("100%/ünïcode model", ()), ("a%20b", ())]


async def test_routes_are_listed_and_found_by_the_sdk() -> None:
    gateway = gateway_with_routes(scripted_engines(), NAMES)
    async with served(gateway) as address, openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x") as client:
        listed = [model async for model in client.models.list()]
        assert [model.id for model in listed] == ["small", "s2s", "org/large", "100%/ünïcode model", "a%20b"]
        for known in listed:
            found = await client.models.retrieve(known.id)
            assert (found.id, found.object) == (known.id, "model")
            assert found.created == gateway.started
        with pytest.raises(openai.NotFoundError) as missing:
            await client.models.retrieve("*")
    assert missing.value.code == "model_not_found"


async def test_unknown_models_are_a_404() -> None:
    gateway = gateway_with_routes(scripted_engines(), NAMES)
    async with served(gateway) as address, httpx.AsyncClient(base_url=address) as client:
        for name in ("huge", "org", "org%2Fhuge"):
            error = refused(await client.get(f"/v1/models/{name}"), 404)
            assert error["message"].startswith(f"The model `{name.replace('%2F', '/')}` does not exist")
            assert error["code"] == "model_not_found"


async def test_voices_are_listed_once() -> None:
    info = tts.Info(sample_rate=24_000, voices=("nova", "hum"), default_voice="hum")
    engines = scripted_engines(tts=scripted.Scripted(info, scripted.synthesiser().script))
    async with served(gateway_with_routes(engines, [("m", ())])) as address, httpx.AsyncClient() as client:
        (model,) = (await client.get(f"{address}/v1/models")).json()["data"]
    assert model["voices"] == [*OPENAI_VOICES, "hum"]


async def test_what_a_model_can_do_is_said_beside_what_openai_says() -> None:
    model = scripted.language_model(scripted.answering("Hello."))
    model.info = llm.Info(images=True, tools=True, json_answers=True, context_tokens=4096)
    gateway = gateway_with_routes(scripted_engines(llm=model), [("m", ())])
    async with served(gateway) as address, openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x") as client:
        found = await client.models.retrieve("m")
        assert found.model_extra == {
            "state": "ready",
            "input_modalities": ["text", "audio", "image"],
            "output_modalities": ["text", "audio"],
            "tools": True,
            "json_answers": True,
            "context_tokens": 4096,
            "voices": [*OPENAI_VOICES, "hum"],
            "engines": {"stt": ["auto"], "llm": ["echo"], "tts": ["auto"]},
        }
        model.info = llm.Info()
        modest = await client.models.retrieve("m")
    assert modest.model_extra is not None
    assert modest.model_extra["input_modalities"] == ["text", "audio"]
    assert (modest.model_extra["tools"], modest.model_extra["context_tokens"]) == (False, None)


async def test_the_context_of_the_settings_is_the_one_that_counts() -> None:
    gateway = gateway_of(scripted_engines(), "--context_tokens", "512")
    async with served(gateway) as address, httpx.AsyncClient(base_url=address) as client:
        response = await client.get("/v1/models/s2s")
    assert response.json()["context_tokens"] == 512
    assert response.headers["openai-processing-ms"].isdecimal()


async def test_a_model_that_cannot_be_served_says_so() -> None:
    async def unable() -> None:
        raise Unavailable("There are no weights.")

    model = scripted.language_model(scripted.answering())
    model.warm_up = unable  # type: ignore[method-assign]
    broken = gateway_with_routes(scripted_engines(llm=model), [("broken", ())]).routes
    gateway = gateway_with_routes(scripted_engines(), [("whole", ())])
    gateway.routes = (*gateway.routes, *broken)
    async with served(gateway) as address, httpx.AsyncClient() as client:
        listed = (await client.get(f"{address}/v1/models")).json()["data"]
    assert {model["id"]: model["state"] for model in listed} == {"whole": "ready", "broken": "failed"}
