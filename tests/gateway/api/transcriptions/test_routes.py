"""Forms as clients really write them, recordings in every wrapping, refusals in OpenAI's words, nothing left behind."""

import base64
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio

from gateway.http.form import MAX_AUDIO_BYTES
from tests.support.http_client import JSON, WAV, Bench, asked, benched, form, raw, refused
from tests.support.raw_client import answer_to, request
from tests.support.recordings import crashing, cut, encoded, png, sound, tone
from tests.support.server import events_in, gateway_of, gateway_with_routes, question, scripted_engines, served, until
from tests.support.transcript_engine import PIECES, TEXT, TRANSLATION, TranscriptEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTE, TRANSLATIONS = "/v1/audio/transcriptions", "/v1/audio/translations"
VERBOSE = {"response_format": "verbose_json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    async with benched(gateway_of(scripted_engines(stt=TranscriptEngine()), "--max_audio_seconds", "30")) as bench:
        yield bench


def parts(*fields: tuple[str, str], file_first: bool = False) -> dict[str, Any]:
    """A form written by hand, with the file before or after the fields."""
    file = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="q.wav"\r\n\r\n' + question() + b"\r\n"
    texts = [f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    written = "".join(texts).encode()
    body = (file + written if file_first else written + file) + b"--edge--\r\n"
    return raw(body, {"content-type": "multipart/form-data; boundary=edge"})


WORDS_AND_SEGMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "repeated, with brackets": (("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")),
    "repeated, without": (("timestamp_granularities", "word"), ("timestamp_granularities", "segment")),
    "with commas": (("timestamp_granularities", "word, segment"),),
    "with commas and brackets": (("timestamp_granularities[]", "segment,word"),),
    "as JSON": (("timestamp_granularities", '["word", "segment"]'),),
}


@pytest.mark.parametrize("file_first", [True, False])
@pytest.mark.parametrize("fields", WORDS_AND_SEGMENTS.values(), ids=WORDS_AND_SEGMENTS.keys())
async def test_granularities_in_every_spelling(
    bench: Bench, fields: tuple[tuple[str, str], ...], file_first: bool
) -> None:
    response = await bench.client.post(ROUTE, **parts(*VERBOSE.items(), *fields, file_first=file_first))
    assert response.status_code == 200, response.text
    assert (len(response.json()["words"]), len(response.json()["segments"])) == (6, 2)


@pytest.mark.parametrize("spelling", ["timestamp_granularities", "timestamp_granularities[]"])
async def test_one_granularity(bench: Bench, spelling: str) -> None:
    response = await bench.client.post(ROUTE, **parts(*VERBOSE.items(), (spelling, "word")))
    assert response.json().keys() == {"task", "language", "duration", "text", "words", "usage"}


SAME_FIELDS = {"language": "fr", "prompt": "Munter", "temperature": "0.5", "stream": "false"}


@pytest.mark.parametrize(
    "sent",
    [
        form(fields=SAME_FIELDS),
        asked(language="fr", prompt="Munter", temperature=0.5, stream=False),
        raw(question(), WAV, "language=fr&prompt=Munter&temperature=0.5&stream=false"),
        raw(question(), {"content-type": "application/octet-stream"}, "language=fr&prompt=Munter&temperature=0.5"),
    ],
    ids=["form", "JSON", "body", "body of no type"],
)
async def test_the_same_request_in_every_wrapping(bench: Bench, sent: dict[str, Any]) -> None:
    response = await bench.client.post(ROUTE, **sent)
    assert response.json() == {"text": TEXT, "usage": {"type": "duration", "seconds": 2}}
    heard = bench.engines.stt.requests[-1]
    assert (heard.language, heard.prompt, heard.temperature) == ("fr", "Munter", 0.5)
    assert response.headers["x-ignored-parameters"] == "prompt, temperature"


async def test_events_of_a_body_that_is_the_recording(bench: Bench) -> None:
    response = await bench.client.post(ROUTE, **raw(question(), WAV, "stream=true&prompt=Munter"))
    assert [event.get("delta") for event in events_in(response.text)] == [*PIECES, None]
    assert response.headers["x-ignored-parameters"] == "prompt"


STRATEGIES: list[tuple[tuple[str, str], ...]] = [
    (("chunking_strategy", "auto"),),
    (("chunking_strategy", '{"type": "server_vad", "silence_duration_ms": 300}'),),
    (("chunking_strategy[type]", "server_vad"), ("chunking_strategy[threshold]", "0.4")),
]


@pytest.mark.parametrize("fields", STRATEGIES)
async def test_a_chunking_strategy_is_checked_and_said_to_have_no_effect(
    bench: Bench, fields: tuple[tuple[str, str], ...]
) -> None:
    response = await bench.client.post(ROUTE, **parts(*fields))
    assert (response.status_code, response.json()["text"]) == (200, TEXT)
    assert response.headers["x-ignored-parameters"] == "chunking_strategy"


@pytest.mark.parametrize(
    ("route", "fields", "ignored"),
    [
        (ROUTE, {"vad_filter": "true", "keywords[]": "Munter"}, "keywords, vad_filter"),
        (ROUTE, {"timestamp_granularities[]": "segment"}, "timestamp_granularities"),
        (ROUTE, {"include[]": "", "language": "", "model": "", "prompt": ""}, None),
        (TRANSLATIONS, {"language": "de", "stream": "true"}, "language, stream"),
    ],
)
async def test_what_has_no_effect_is_named(
    bench: Bench, route: str, fields: dict[str, str], ignored: str | None
) -> None:
    response = await bench.client.post(route, **form(fields=fields))
    assert response.json()["text"] == (TEXT if route == ROUTE else TRANSLATION)
    assert response.headers.get("x-ignored-parameters") == ignored


async def test_null_means_absent(bench: Bench) -> None:
    names = ("model", "language", "prompt", "temperature", "response_format", "stream", "chunking_strategy")
    absent = dict.fromkeys((*names, "timestamp_granularities", "include"))
    response = await bench.client.post(ROUTE, **asked(**absent))
    assert response.json()["text"] == TEXT
    assert "x-ignored-parameters" not in response.headers


@pytest.mark.parametrize(
    "recording",
    [
        encoded("mp3", "mp3"),
        encoded("ogg", "libopus", rate=48_000),
        encoded("webm", "libopus", rate=48_000),
        encoded("ipod", "aac"),
        sound(tone(1, 16_000), 16_000, "FLAC"),
    ],
    ids=["mp3", "ogg", "webm", "m4a", "flac"],
)
async def test_whatever_is_decoded_is_heard(bench: Bench, recording: bytes) -> None:
    response = await bench.client.post(ROUTE, files={"file": ("upload", recording, "application/octet-stream")})
    assert response.json()["text"] == TEXT
    assert response.json()["usage"]["seconds"] in {1, 2}


Case = tuple[dict[str, Any], str | None, str | None, str]

REFUSED: dict[str, Case] = {
    "no file": ({"files": {"model": (None, "whisper-1")}}, "file", "missing_required_parameter", "'file'"),
    "nothing": ({}, "file", "missing_required_parameter", "'file'"),
    "JSON without audio": ({"json": {}}, "file", "missing_required_parameter", "'file'"),
    "file as text": ({"files": {"file": (None, "hello")}}, "file", "invalid_value", "-F file=@question.wav"),
    "two files": ({"files": [("file", ("a.wav", b"a")), ("file", ("b.wav", b"b"))]}, "file", "invalid_value", "One"),
    "empty file": (form(b""), "file", "invalid_value", "empty"),
    "a blink": (form(sound(tone(0.05, 16_000))), "file", "audio_too_short", "Minimum audio length is 0.1 seconds"),
    "too long": (form(sound(np.zeros(40 * 8_000, "<i2"), 8_000, "FLAC")), "file", "audio_too_long", "30 seconds"),
    "a picture": (form(png()), "file", None, "Invalid file format. Supported formats: ['flac', 'm4a'"),
    "half a file": (form(cut(question())), "file", "invalid_value", "truncated"),
    "a file that crashes the decoder": (form(crashing()), "file", "invalid_value", "cannot be decoded"),
    "broken base64": (asked(input_audio={"data": "%"}), "input_audio.data", "invalid_value", "base64"),
    "response_format": (form(fields={"response_format": "xml"}), "response_format", "invalid_value", "'srt'"),
    "diarized_json": (
        form(fields={"response_format": "diarized_json"}),
        "response_format",
        "unsupported_value",
        "speakers apart",
    ),
    "logprobs": (form(fields={"include[]": "logprobs"}), "include", "unsupported_value", "'include'"),
    "events of subtitles": (
        form(fields={"stream": "true", "response_format": "srt"}),
        "response_format",
        "unsupported_value",
        "when stream=true. Supported values are: 'json' and 'text'.",
    ),
    "words in json": (
        form(fields={"timestamp_granularities[]": "word"}),
        "timestamp_granularities",
        "invalid_value",
        "`response_format` must be `verbose_json` if `timestamp_granularities[]` is provided.",
    ),
    "granularity": (
        form(fields={"timestamp_granularities[]": "syllable", **VERBOSE}),
        "timestamp_granularities[0]",
        "invalid_value",
        "'syllable'. Supported values are: 'word' and 'segment'",
    ),
    "three granularities": (
        form(fields={"timestamp_granularities": "word,word,word"}),
        "timestamp_granularities",
        "array_above_max_length",
        "maximum length 2",
    ),
    "temperature": (form(fields={"temperature": "1.5"}), "temperature", "decimal_above_max_value", "<= 1.0"),
    "temperature in words": (
        asked(temperature="hot"),
        "temperature",
        "invalid_type",
        "expected a decimal, but got a string",
    ),
    "stream": (form(fields={"stream": "maybe"}), "stream", "invalid_type", "a boolean"),
    "language": (form(fields={"language": "klingonisch"}), "language", "invalid_value", "ISO 639-1"),
    "chunking strategy": (
        form(fields={"chunking_strategy": "manual"}),
        "chunking_strategy",
        "invalid_value",
        "Supported values are: 'auto'",
    ),
    "threshold": (
        form(fields={"chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "7"}),
        "chunking_strategy.threshold",
        "decimal_above_max_value",
        "<= 1.0",
    ),
    "half JSON": (raw(b'{"model": ', JSON), None, None, "We could not parse the JSON body of your request."),
    "a long prompt": (asked(prompt="x" * 40_000), "prompt", "string_above_max_length", "32768"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
async def test_bad_input_is_refused_in_openais_words(bench: Bench, case: Case) -> None:
    sent, param, code, words = case
    error = refused(await bench.client.post(ROUTE, **sent), 400)
    assert (error["param"], error["code"], error["type"]) == (param, code, "invalid_request_error")
    assert words in error["message"]
    await until(bench.at_rest)


async def test_a_file_over_the_limit_is_a_413(bench: Bench) -> None:
    error = refused(await bench.client.post(ROUTE, **form(bytes(MAX_AUDIO_BYTES + 1))), 413)
    assert error["message"] == "413: Maximum content size limit (26214400) exceeded (26214401 bytes read)"
    assert error["type"] == "server_error"


@pytest.mark.parametrize(
    ("can", "route", "fields", "param", "words"),
    [
        ("translation", TRANSLATIONS, {}, "model", "--stt"),
        ("word_times", ROUTE, {**VERBOSE, "timestamp_granularities[]": "word"}, "timestamp_granularities", "--stt"),
        ("segment_times", ROUTE, {**VERBOSE, "timestamp_granularities": "segment"}, "timestamp_granularities", "--stt"),
    ],
)
async def test_what_the_engine_cannot_do_names_the_way_out(
    can: str, route: str, fields: dict[str, str], param: str, words: str
) -> None:
    async with benched(gateway_of(scripted_engines(stt=TranscriptEngine(**{can: False})))) as bench:
        error = refused(await bench.client.post(route, **form(fields=fields)), 400)
        assert (error["param"], error["code"]) == (param, "unsupported_value")
        assert words in error["message"]
        assert bench.engines.stt.opened == 0


async def test_subtitles_of_an_engine_with_times_of_words_only_or_none() -> None:
    srt = form(fields={"response_format": "srt"})
    async with benched(gateway_of(scripted_engines(stt=TranscriptEngine(segment_times=False)))) as bench:
        response = await bench.client.post(ROUTE, **srt)
        assert response.text.count("-->") == 2
        assert "segments" not in (await bench.client.post(ROUTE, **form(fields=VERBOSE))).json()
    async with benched(gateway_of(scripted_engines())) as bench:
        for route in (ROUTE, TRANSLATIONS):
            error = refused(await bench.client.post(route, **srt), 400)
            assert (error["param"], error["code"]) == ("response_format", "unsupported_value")


async def test_a_model_is_a_route_or_a_name_of_openais() -> None:
    gateway = gateway_with_routes(scripted_engines(stt=TranscriptEngine()), [("ears", ("deaf",))])
    async with benched(gateway) as bench:
        for model in ("ears", "deaf", "whisper-1", "gpt-4o-mini-transcribe"):
            assert (await bench.client.post(ROUTE, **form(fields={"model": model}))).status_code == 200
        for model in ("eyes", "tts-1"):
            error = refused(await bench.client.post(ROUTE, **form(fields={"model": model})), 404)
            assert error["code"] == "model_not_found"


async def test_a_route_without_recogniser() -> None:
    async with served(gateway_of(scripted_engines(stt=None))) as address, httpx.AsyncClient(base_url=address) as client:
        error = refused(await client.post(ROUTE, **form()), 400)
    assert (error["param"], error["code"]) == ("model", "unsupported_value")
    assert "--stt" in error["message"]


async def test_a_part_without_a_file_name_that_is_no_text(bench: Bench) -> None:
    body = b'--edge\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + question() + b"\r\n--edge--\r\n"
    sent = request("POST", ROUTE, "content-type: multipart/form-data; boundary=edge", body=body)
    answer = await answer_to(str(bench.client.base_url).rstrip("/"), sent)
    assert answer.status == 400
    assert b"-F file=@question.wav" in answer.body


async def test_base64_of_a_file_that_is_too_large(bench: Bench) -> None:
    data = base64.b64encode(bytes(MAX_AUDIO_BYTES + 3)).decode()
    refused(await bench.client.post(ROUTE, **asked(input_audio={"data": data})), 413)
