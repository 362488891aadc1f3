"""The names that ``voice`` takes, for the model that is asked about."""

from typing import Any

import httpx
import openai

from adapters import scripted
from adapters.contract import tts
from adapters.tts.espeak.adapter import Espeak
from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.engines.lifecycle import Gateway
from tests.support.http_client import form, refused
from tests.support.server import gateway_of, gateway_with_routes, scripted_engines, served

VOICES = "/v1/audio/voices"


def speaking(**info: Any) -> Any:
    """A synthesiser that offers these voices."""
    return scripted.Scripted(tts.Info(sample_rate=24_000, **info), scripted.synthesiser().script)


def two_models() -> Gateway:
    """One that speaks two languages, and one whose voice speaks whatever it is given."""
    bilingual = speaking(
        voices=("anna", "nova"),
        default_voice="anna",
        aliases={"alloy": "nova"},
        voice_languages={"anna": "de", "nova": "en"},
    )
    gateway = gateway_with_routes(scripted_engines(tts=bilingual), [("first", ())], "--tts", "espeak")
    gateway.routes += gateway_with_routes(
        scripted_engines(tts=speaking(voices=("hum",), default_voice="hum")), [("org/second", ("other",))]
    ).routes
    return gateway


async def test_openais_names_come_first_and_each_has_the_language_of_the_voice_it_stands_for() -> None:
    async with served(two_models()) as address, httpx.AsyncClient(base_url=address) as client:
        response = await client.get(VOICES)
    voices = response.json()["voices"]
    assert [voice["id"] for voice in voices] == [*OPENAI_VOICES, "anna"]
    assert all(voice["name"] == voice["id"] for voice in voices)
    languages = {voice["id"]: voice["language"] for voice in voices}
    assert {languages[name] for name in OPENAI_VOICES if name not in {"alloy", "nova"}} == {"de"}, "the default voice"
    assert (languages["alloy"], languages["nova"], languages["anna"]) == ("en", "en", "de")
    assert response.headers["openai-processing-ms"].isdecimal()


async def test_the_model_says_whose_voices_and_what_is_unknown_is_named() -> None:
    async with served(two_models()) as address, httpx.AsyncClient(base_url=address) as client:

        async def own(model: str) -> set[str]:
            found = (await client.get(VOICES, params={"model": model})).json()["voices"]
            return {voice["id"] for voice in found} - set(OPENAI_VOICES)

        assert await own("first") == {"anna"}
        assert await own("org/second") == await own("other") == {"hum"}
        assert await own("tts-1") == await own("espeak") == await own("") == {"anna"}
        for unknown in ("third", "whisper-1"):
            error = refused(await client.get(VOICES, params={"model": unknown}), 404)
            assert (error["code"], unknown in error["message"]) == ("model_not_found", True)
        response = await client.get(VOICES, params={"model": "first", "limit": "5"})
    assert response.headers["x-ignored-parameters"] == "limit"


async def test_every_voice_that_is_listed_can_speak() -> None:
    gateway = gateway_of(scripted_engines(tts=Espeak(Espeak.Options())))
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        voices = (await client.get(VOICES)).json()["voices"]
        assert len(voices) > 100
        for voice in (*voices[:3], *voices[-3:]):
            answer = await client.post("/v1/audio/speech-to-speech", **form(fields={"voice": voice["id"]}))
            assert answer.status_code == 200


async def test_an_unmodified_client_can_ask() -> None:
    async with (
        served(two_models()) as address,
        openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x") as client,
    ):
        found = await client.get("/audio/voices", cast_to=dict[str, Any], options={"params": {"model": "other"}})
    assert {"id": "hum", "name": "hum", "language": None} in found["voices"]
