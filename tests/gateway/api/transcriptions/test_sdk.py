"""The unmodified OpenAI SDK as client, in every format and streamed; its types are the oracle, strictly."""

import asyncio
import io
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.audio import (
    Transcription,
    TranscriptionStreamEvent,
    TranscriptionTextDeltaEvent,
    TranscriptionVerbose,
    Translation,
    TranslationVerbose,
)
from pydantic import TypeAdapter

from adapters import scripted
from adapters.contract import stt
from adapters.stt.pocketsphinx.adapter import PocketSphinx
from adapters.vad.energy import Energy
from tests.support.recordings import noise, sound, tone
from tests.support.server import QUESTION, events_in, gateway_of, question, scripted_engines, served
from tests.support.transcript_engine import PIECES, SEGMENTS, TEXT, TRANSLATION, TranscriptEngine

pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK says so of translations

SECONDS = (len(question()) - 44) / 32_000
EVENT: TypeAdapter[Any] = TypeAdapter(TranscriptionStreamEvent)


@pytest.fixture
async def client() -> AsyncGenerator[AsyncOpenAI, None]:
    engines = scripted_engines(stt=TranscriptEngine(), vad=Energy(Energy.Options()))
    async with (
        served(gateway_of(engines)) as address,
        AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local", max_retries=0) as client,
    ):
        yield client


async def test_json_is_the_default(client: AsyncOpenAI) -> None:
    answer = await client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=QUESTION)
    heard = answer.parse()
    assert answer.http_response.json() == {"text": TEXT, "usage": {"type": "duration", "seconds": 2}}
    assert (heard.text, heard._request_id) == (TEXT, answer.headers["x-request-id"])
    Transcription.model_validate(answer.http_response.json(), strict=True)


async def test_text_and_subtitles_are_bare_text(client: AsyncOpenAI) -> None:
    create = client.audio.transcriptions.create
    assert await create(model="m", file=QUESTION, response_format="text") == f"{TEXT}\n"
    subtitles: Any = await create(model="m", file=QUESTION, response_format="srt")
    assert subtitles.startswith("1\n00:00:00,100 --> 00:00:00,900\nHallo, wie geht's?\n\n2\n")
    subtitles = await create(model="m", file=QUESTION, response_format="vtt")
    assert subtitles.startswith("WEBVTT\n\n00:00:00.100 --> 00:00:00.900\nHallo, wie geht's?\n\n")


async def test_verbose_json_has_segments_unless_only_words_are_wanted(client: AsyncOpenAI) -> None:
    create = client.audio.transcriptions.with_raw_response.create
    answer = await create(model="m", file=QUESTION, response_format="verbose_json")
    body = answer.http_response.json()
    verbose = TranscriptionVerbose.model_validate(body, strict=True)
    assert body["task"] == "transcribe"
    assert (verbose.language, verbose.text, verbose.words) == ("german", TEXT, None)
    assert verbose.duration == pytest.approx(SECONDS, abs=0.001)
    assert [each.text for each in verbose.segments or ()] == [each.text for each in SEGMENTS]
    known, unknown = body["segments"]
    assert known == {
        "id": 0,
        "seek": 0,
        "start": 0.1,
        "end": 0.9,
        "text": " Hallo, wie geht's?",
        "tokens": [7, 8],
        "temperature": 0.2,
        "avg_logprob": -0.25,
        "compression_ratio": 1.5,
        "no_speech_prob": 0.01,
    }
    assert 0 < unknown.pop("compression_ratio") < 1
    assert unknown == {
        "id": 1,
        "seek": 0,
        "start": 1.0,
        "end": 1.8,
        "text": " Gut & <munter>.",
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": 0.0,
        "no_speech_prob": 0.0,
    }
    words: Any = await client.audio.transcriptions.create(
        model="m", file=QUESTION, response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert (words.segments, [each.word for each in words.words][-3:]) == (None, ["Gut", "&", "<munter>."])
    both: Any = await client.audio.transcriptions.create(
        model="m", file=QUESTION, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert (len(both.segments), len(both.words)) == (2, 6)


async def test_events_come_while_it_is_recognised() -> None:
    go_on = asyncio.Event()

    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.PartialTranscript(stable="one ")
        await go_on.wait()
        yield stt.PartialTranscript(stable="one two ")
        yield stt.FinalTranscript(text="one two three")
        yield stt.Finished(language="en", seconds=1.0)

    engines = scripted_engines(stt=scripted.Scripted(stt.Info(sample_rate=16_000), script))
    async with (
        served(gateway_of(engines)) as address,
        AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local") as client,
    ):
        events = await client.audio.transcriptions.create(model="m", file=QUESTION, stream=True)
        seen = []
        async for event in events:
            seen.append(event)
            go_on.set()
    assert [event.type for event in seen] == ["transcript.text.delta"] * 3 + ["transcript.text.done"]
    assert "".join(getattr(event, "delta", "") for event in seen) == "one two three"
    assert getattr(seen[-1], "text", None) == "one two three"


async def test_the_events_on_the_wire_are_those_of_the_sdk_strictly(client: AsyncOpenAI) -> None:
    async with client.audio.transcriptions.with_streaming_response.create(
        model="m", file=QUESTION, stream=True, response_format="text"
    ) as answer:
        body = await answer.text()
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = [EVENT.validate_python(event, strict=True) for event in events_in(body)]
    assert [event.delta for event in events[:-1]] == list(PIECES)
    assert body.endswith("\n\n")
    assert all(line.startswith("data: ") for line in body.split("\n") if line)
    assert "[DONE]" not in body
    assert events[-1].usage is None


async def test_translations(client: AsyncOpenAI) -> None:
    create = client.audio.translations.with_raw_response.create
    answer = await create(model="whisper-1", file=QUESTION)
    assert Translation.model_validate(answer.http_response.json(), strict=True).text == TRANSLATION
    detailed = await create(model="whisper-1", file=QUESTION, response_format="verbose_json")
    body = detailed.http_response.json()
    verbose = TranslationVerbose.model_validate(body, strict=True)
    assert (body["task"], verbose.language, verbose.text) == ("translate", "english", TRANSLATION)
    assert len(verbose.segments or ()) == 2
    plain: Any = await client.audio.translations.create(model="whisper-1", file=QUESTION, response_format="text")
    assert plain == f"{TRANSLATION}\n"
    shown: Any = await client.audio.translations.create(model="whisper-1", file=QUESTION, response_format="vtt")
    assert shown.startswith("WEBVTT\n\n")


async def test_files_as_the_sdk_takes_them(client: AsyncOpenAI) -> None:
    nameless = io.BytesIO(question())
    for file in (question(), nameless, ("q.bin", question()), ("q.wav", question(), "audio/mpeg")):
        assert (await client.audio.transcriptions.create(model="m", file=file)).text == TEXT


@pytest.mark.parametrize(
    ("response_format", "body"),
    [
        ("json", '{"text":"","usage":{"type":"duration","seconds":1}}'),
        ("text", "\n"),
        ("srt", "\n"),
        ("vtt", "WEBVTT\n\n"),
    ],
)
async def test_silence_is_an_empty_transcript(client: AsyncOpenAI, response_format: Any, body: str) -> None:
    answer = await client.audio.transcriptions.with_raw_response.create(
        model="m", file=noise(), response_format=response_format
    )
    assert answer.http_response.text == body


async def test_silence_in_verbose_json_and_as_events(client: AsyncOpenAI) -> None:
    verbose: Any = await client.audio.transcriptions.create(model="m", file=noise(), response_format="verbose_json")
    assert (verbose.text, verbose.segments, verbose.language, verbose.duration) == ("", [], "unknown", 1.0)
    events = await client.audio.transcriptions.create(model="m", file=noise(), stream=True)
    assert [event.to_dict() async for event in events] == [{"type": "transcript.text.done", "text": ""}]


async def test_a_refusal_is_an_exception_with_all_that_the_sdk_shows(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="speakers apart") as refusal:
        await client.audio.transcriptions.create(model="m", file=QUESTION, response_format="diarized_json")
    assert (refusal.value.param, refusal.value.code) == ("response_format", "unsupported_value")
    with pytest.raises(openai.BadRequestError, match="too short") as refusal:
        await client.audio.transcriptions.create(model="m", file=sound(tone(0.05, 16_000)), stream=True)
    assert refusal.value.param == "file"


async def test_the_embedded_recogniser() -> None:
    engine = PocketSphinx(PocketSphinx.Options(pocketsphinx_workers=1))
    async with (
        served(gateway_of(scripted_engines(stt=engine))) as address,
        AsyncOpenAI(base_url=f"{address}/v1", api_key="sk-local") as client,
        httpx.AsyncClient(base_url=address) as plain,
    ):
        text = (await client.audio.transcriptions.create(model="whisper-1", file=QUESTION)).text
        assert text == "what is the capital of france"
        verbose: Any = await client.audio.transcriptions.create(
            model="whisper-1", file=QUESTION, response_format="verbose_json", timestamp_granularities=["word"]
        )
        assert " ".join(word.word for word in verbose.words) == text
        assert all(0 <= word.start < word.end <= SECONDS + 0.1 for word in verbose.words)
        assert (verbose.language, verbose.segments) == ("english", None)
        subtitles: Any = await client.audio.transcriptions.create(
            model="whisper-1", file=QUESTION, response_format="srt"
        )
        assert subtitles.splitlines()[2] == text
        events = await client.audio.transcriptions.create(model="whisper-1", file=QUESTION, stream=True)
        assert [getattr(event, "text", None) async for event in events][-1] == text
        long = sound(np.tile(np.frombuffer(question()[44:], "<i2"), 13) / 32768)
        events = await client.audio.transcriptions.create(model="whisper-1", file=long, stream=True)
        first, second, done = [event async for event in events]
        assert isinstance(first, TranscriptionTextDeltaEvent), "25 s are recognised in two parts"
        assert isinstance(second, TranscriptionTextDeltaEvent)
        assert first.delta + second.delta == getattr(done, "text", None) == " ".join([text] * 13)
        with pytest.raises(openai.BadRequestError, match="does not translate"):
            await client.audio.translations.create(model="whisper-1", file=QUESTION)
        prompted = await plain.post(
            "/v1/audio/transcriptions", files={"file": question()}, data={"prompt": "Paris, France"}
        )
        assert prompted.headers["x-ignored-parameters"] == "prompt"
