"""Whatever a client sends by mistake or malice is refused in OpenAI's words, and leaves nothing behind."""

import tempfile
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio

from adapters.vad.energy import Energy
from tests.support.http_client import JSON, ROUTE, WAV, Bench, asked, benched, form, raw, refused, tool_result
from tests.support.recordings import crashing, cut, encoded, hours, m4a, noise, png, sound
from tests.support.server import gateway_of, gateway_with_routes, question, scripted_engines, served, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = {"content-type": "multipart/form-data; boundary=edge"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    engines = scripted_engines(vad=Energy(Energy.Options()))
    async with benched(gateway_of(engines, "--max_audio_seconds", "30")) as bench:
        yield bench


@pytest.fixture(autouse=True)
def no_files_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording is nobody's business but the recogniser's: it is never written to a file."""

    def refuse(*_arguments: Any, **_keywords: Any) -> None:
        raise AssertionError("a temporary file was made")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, refuse)


CLOCK = {"type": "function", "name": "clock"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


CUT_FORM = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="q.wav"\r\n\r\nRIFF'
TEXT_FILE = b'--edge\r\nContent-Disposition: form-data; name="file"\r\n\r\nRIFF\xff\xfe\x00\r\n--edge--\r\n'
ODD_CHARSET = (
    b'--edge\r\nContent-Disposition: form-data; name="voice"\r\nContent-Type: text/plain; charset=klingon\r\n\r\n'
    b"\xff\r\n--edge--\r\n"
)

Case = tuple[Any, str | None, str | None, str]
"""What is sent; then the error's param, its code, and a piece of its message."""

REFUSED: dict[str, Case] = {
    # no recording
    "empty form": (raw(b"--edge--\r\n", FORM), "file", "missing_required_parameter", "'file'"),
    "form without a file": ({"files": {"voice": (None, "alloy")}}, "file", "missing_required_parameter", "'file'"),
    "file as a field": ({"files": {"file": (None, "hello")}}, "file", "invalid_value", "-F file=@question.wav"),
    "JSON without audio": ({"json": {}}, "file", "missing_required_parameter", "'file'"),
    "empty raw body": (raw(b"", WAV), "file", "missing_required_parameter", "'file'"),
    "no body at all": ({}, "file", "missing_required_parameter", "'file'"),
    "history without a question": (
        {"json": {"messages": [{"role": "user", "content": "hi"}]}},
        "file",
        "missing_required_parameter",
        "'file'",
    ),
    "two files": (
        {"files": [("file", ("a.wav", b"a")), ("file", ("b.wav", b"b"))]},
        "file",
        "invalid_value",
        "One recording",
    ),
    # no speech
    "empty file": (form(b""), "file", "invalid_value", "empty"),
    "empty base64": (asked(input_audio={"data": ""}), "file", "invalid_value", "empty"),
    "digital silence": (form(sound(np.zeros(16_000, "<i2"))), "file", "no_speech", "No speech"),
    "faint noise": (raw(noise(), WAV), "file", "no_speech", "No speech"),
    "a blink": (form(sound(np.ones(160, "<i2"))), "file", "audio_too_short", "0.1 seconds"),
    "hours of silence": (form(hours()), "file", "audio_too_long", "30 seconds"),
    # no audio
    "random bytes": (form(np.random.default_rng(2).bytes(5000)), "file", None, "Invalid file format"),
    "a picture": (form(png()), "file", None, "Invalid file format"),
    "a text": (form(b"What time is it?"), "file", None, "Invalid file format"),
    "half a wav": (form(cut(question())), "file", "invalid_value", "truncated"),
    "half an m4a": (form(cut(m4a())), "file", "invalid_value", "truncated"),
    "half a flac": (form(cut(sound(np.arange(48_000) % 999 * 1e-3, 16_000, "FLAC"))), "file", "invalid_value", "trunc"),
    "a wav header alone": (form(cut(question(), 44 / len(question()))), "file", "invalid_value", "truncated"),
    # audio that harms
    "a file that crashes the decoder": (form(crashing()), "file", "invalid_value", "cannot be decoded"),
    "eight channels": (form(encoded("webm", "libopus", layout="7.1", rate=48_000)), "file", "invalid_value", "8 chan"),
    # fields
    "response_format": (
        form(fields={"response_format": "midi"}),
        "response_format",
        "invalid_value",
        "'mp3', 'opus', 'aac', 'flac', 'wav', and 'pcm'",
    ),
    "stream_format": (asked(stream_format="udp"), "stream_format", "invalid_value", "'audio' and 'sse'"),
    "voice": (form(fields={"voice": "darth"}), "voice", "invalid_value", "'darth'"),
    "voice of a wrong type": (asked(voice=7), "voice", "invalid_type", "a string"),
    "voice without id": (asked(voice={}), "voice.id", "missing_required_parameter", "'voice.id'"),
    "voice[id]": (form(fields={"voice[id]": "darth"}), "voice", "invalid_value", "'darth'"),
    "speed below": (asked(speed=-1), "speed", "decimal_below_min_value", ">= 0.25"),
    "speed above": (form(fields={"speed": "9"}), "speed", "decimal_above_max_value", "<= 4.0, but got 9"),
    "speed nan": (form(fields={"speed": "nan"}), "speed", "decimal_below_min_value", "nan"),
    "speed inf": (form(fields={"speed": "inf"}), "speed", "decimal_above_max_value", "inf"),
    "speed in words": (form(fields={"speed": "fast"}), "speed", "invalid_type", "expected a decimal, but got a string"),
    "speed true": (asked(speed=True), "speed", "invalid_type", "a boolean"),
    "temperature": (form(fields={"temperature": "2.1"}), "temperature", "decimal_above_max_value", "<= 2.0"),
    "max_output_tokens": (
        form(fields={"max_output_tokens": "0"}),
        "max_output_tokens",
        "integer_below_min_value",
        ">= 1",
    ),
    "half a token": (asked(max_output_tokens=1.5), "max_output_tokens", "invalid_type", "an integer"),
    "five stops": (asked(stop=list("abcde")), "stop", "array_above_max_length", "maximum length 4"),
    "five stops in a form": (
        {"files": [("file", ("q", question())), *(("stop[]", (None, each)) for each in "abcde")]},
        "stop",
        "array_above_max_length",
        "maximum length 4",
    ),
    "effort": (form(fields={"reasoning_effort": "heroic"}), "reasoning_effort", "invalid_value", "'minimal'"),
    "language": (form(fields={"language": "klingon"}), "language", "invalid_value", "'klingon'"),
    "image": (form(fields={"image": "/etc/passwd"}), "image", "invalid_value", "not a URL"),
    "image that is none": (
        {"files": {"file": ("q", question()), "image": ("i.txt", b"text", "text/plain")}},
        "image",
        "invalid_value",
        "Invalid image",
    ),
    # tools and messages
    "tools without sse": (asked(tools=[CLOCK]), "tools", "invalid_value", "stream_format 'sse'"),
    "tool_choice alone": (asked(tool_choice="auto"), "tool_choice", "invalid_value", "'tools'"),
    "tool without a name": (
        asked(tools=[{"type": "function"}], stream_format="sse"),
        "tools",
        "missing_required_parameter",
        "name",
    ),
    "tool of another kind": (
        form(fields={"tools": '[{"type": "web_search"}]', "stream_format": "sse"}),
        "tools[0].type",
        "invalid_value",
        "web_search",
    ),
    "tool choice without a name": (
        asked(tools=[CLOCK], tool_choice={"type": "function"}, stream_format="sse"),
        "tool_choice",
        "missing_required_parameter",
        "name",
    ),
    "tools that are no JSON": (
        form(fields={"tools": "[{", "stream_format": "sse"}),
        "tools",
        None,
        "Invalid JSON in 'tools'",
    ),
    "tools nested without end": (form(fields={"tools": "[" * 100_000}), "tools", None, "Invalid JSON in 'tools'"),
    "messages no list": (asked(messages={"role": "user"}), "messages", "invalid_type", "an array"),
    "message without role": (
        asked(messages=[{"content": "hi"}]),
        "messages[0].role",
        "missing_required_parameter",
        "role",
    ),
    "message of nobody": (asked(messages=[{"role": "ghost"}]), "messages[0].role", "invalid_value", "ghost"),
    "message of numbers": (
        asked(messages=[{"role": "user", "content": [1]}]),
        "messages[0].content[0]",
        "invalid_type",
        "an object",
    ),
    "message with strange parts": (
        asked(messages=[{"role": "user", "content": [{"type": "smell"}]}]),
        "messages[0].content[0].type",
        "invalid_value",
        "smell",
    ),
    "tool result of no call": (
        {"json": {"messages": tool_result()}},
        "messages",
        "missing_required_parameter",
        "tool_call_id",
    ),
    "image in a tool result": (
        {
            "json": {
                "messages": tool_result(
                    tool_call_id="call_1", content=[{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]
                )
            }
        },
        "messages",
        "invalid_value",
        "text only",
    ),
    # bodies
    "bad JSON": (raw(b"{'a': 1}", JSON), None, None, "could not parse the JSON"),
    "no JSON": (raw(b"", JSON), None, None, "could not parse the JSON"),
    "no object": (raw(b"[1, 2]", JSON), None, None, "Expected an object"),
    "JSON in another encoding": (raw(b'{"voice": "\xff"}', JSON), None, None, "could not parse the JSON"),
    "half a surrogate": (raw(b'{"instructions": "\\ud800 "}', JSON), None, None, "could not parse the JSON"),
    "JSON nested without end": (raw(b"[" * 1_000_000, JSON), None, None, "could not parse the JSON"),
    "a form that says it is JSON": (raw(CUT_FORM, JSON), None, None, "options={'headers'"),
    "broken base64": (asked(input_audio={"data": "%%%"}), "input_audio.data", "invalid_value", "base64"),
    "base64 beyond ASCII": (asked(input_audio={"data": "höhö"}), "input_audio.data", "invalid_value", "base64"),
    "messages flattened by an SDK": (
        form(fields={"messages[][role]": "user", "messages[][content]": "Hi."}),
        "messages",
        "invalid_value",
        "send 'messages' as JSON text: json.dumps(...)",
    ),
    "tools flattened by an SDK": (
        form(fields={"tools[][function][name]": "clock"}),
        "tools",
        "invalid_value",
        "send 'tools' as JSON text",
    ),
    "messages numbered": (form(fields={"messages[0][role]": "user"}), "messages", "invalid_value", "json.dumps"),
    "a voice and its id": (form(fields={"voice": "nova", "voice[id]": "nova"}), "voice", "invalid_value", "JSON text"),
    "messages flattened in a query": (
        raw(question(), WAV, "messages[][role]=user"),
        "messages",
        "invalid_value",
        "json.dumps",
    ),
    "a file as text beside a tool result": (
        {"json": {"file": "UklGRg==", "messages": tool_result(tool_call_id="call_1")}},
        "file",
        "invalid_value",
        "came as text",
    ),
    "audio as text": (asked(input_audio="UklGRg=="), "input_audio", "invalid_type", "an object"),
    "curl -F 'file=<q.wav'": (raw(TEXT_FILE, FORM), "file", "invalid_value", "-F file=@"),
    "an unknown charset": (raw(ODD_CHARSET, FORM), "voice", "invalid_value", "not text"),
    "a field in another encoding": (
        {"files": [("file", ("q", question())), ("instructions", (None, "für".encode("latin-1")))]},
        "instructions",
        "invalid_value",
        "'instructions' of the form is not text",
    ),
    # sizes
    "too many messages": (
        asked(messages=[{"role": "user"}] * 2049),
        "messages",
        "array_above_max_length",
        "maximum length 2048, but got an array with length 2049",
    ),
    "too many parts": (
        asked(messages=[{"role": "user", "content": [{"type": "text", "text": ""}] * 257}]),
        "messages[0].content",
        "array_above_max_length",
        "but got an array with length 257",
    ),
    "too many parts in all": (
        asked(messages=[{"role": "user", "content": [{"type": "text", "text": ""}] * 250}] * 33),
        "messages",
        "array_above_max_length",
        "8192 parts",
    ),
    "too many images": (asked(image=["https://x/y.png"] * 65), "image", "array_above_max_length", "length 65"),
    "too many images in files": (
        {"files": [("file", ("q", question())), *[("image", ("i.png", png()))] * 65]},
        "image",
        "array_above_max_length",
        "64 images",
    ),
    "too many images in messages": (
        asked(
            messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}] * 40}
            ]
            * 2
        ),
        "messages",
        "array_above_max_length",
        "but got 80",
    ),
    "a long address": (asked(image="https://x/" + "y" * 9000), "image", "string_above_max_length", "length 9010"),
    "too many tools": (asked(tools=[CLOCK] * 129, stream_format="sse"), "tools", "array_above_max_length", "128"),
    "a large schema": (
        asked(tools=[{**CLOCK, "parameters": {"description": "x" * 100_001}}], stream_format="sse"),
        "tools",
        "invalid_value",
        "100000 bytes",
    ),
    "a deep schema": (
        asked(tools=[{**CLOCK, "parameters": nested(80)}], stream_format="sse"),
        "tools",
        "invalid_value",
        "64 levels",
    ),
    "too many calls": (
        asked(messages=[{"role": "assistant", "tool_calls": [CALL] * 129}]),
        "messages[0].tool_calls",
        "array_above_max_length",
        "128",
    ),
    "a long name of a tool": (
        asked(tools=[{"type": "function", "function": {"name": "x" * 257}}], stream_format="sse"),
        "tools[0].function.name",
        "string_above_max_length",
        "maximum length 256, but got a string with length 257",
    ),
    "long instructions": (
        form(fields={"instructions": "x" * 256_001}),
        "instructions",
        "string_above_max_length",
        "length 256001",
    ),
    "a long stop": (asked(stop=["a", "x" * 1001]), "stop[1]", "string_above_max_length", "length 1001"),
    "a long model": (asked(model="x" * 257), "model", "string_above_max_length", "256"),
    "a long voice": (asked(voice={"id": "x" * 257}), "voice.id", "string_above_max_length", "256"),
    "a seed beyond 64 bits": (asked(seed=2**63), "seed", "integer_above_max_value", str(2**63 - 1)),
    "tokens without end": (asked(max_output_tokens=10**300), "max_output_tokens", "integer_above_max_value", "10"),
    "a number beyond any": (raw(b'{"seed": ' + b"9" * 5000 + b"}", JSON), None, None, "could not parse the JSON"),
    "a long word": (form(fields={"response_format": "x" * 100_000}), "response_format", "invalid_value", "'wav'"),
    "a form without boundary": (
        raw(CUT_FORM, {"content-type": "multipart/form-data"}),
        None,
        None,
        "could not parse the form",
    ),
    "half a form": (raw(CUT_FORM, FORM), None, None, "could not parse the form"),
    "a form of something else": (raw(b"hello", FORM), None, None, "could not parse the form"),
    "a thousand parts and more": (
        {"files": [(f"p{number}", (None, "x")) for number in range(1100)]},
        None,
        None,
        "could not parse the form",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_answered_is_refused_in_openais_words(bench: Bench, case: str) -> None:
    sent, param, code, message = REFUSED[case]
    asked_before = bench.engines.llm.opened
    error = refused(await bench.client.post(ROUTE, **sent), 400)
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert message in error["message"]
    assert len(error["message"]) < 1000
    assert bench.engines.llm.opened == asked_before, "the model was asked nevertheless"
    await until(bench.at_rest)


@pytest.mark.parametrize("content_type", ["text/plain", "text/html; charset=utf-8", "image/png", "application/xml"])
async def test_other_content_types_are_refused(bench: Bench, content_type: str) -> None:
    error = refused(await bench.client.post(ROUTE, content=b"x", headers={"content-type": content_type}), 415)
    assert (error["type"], error["code"]) == ("invalid_request_error", "unsupported_content_type")
    assert repr(content_type.partition(";")[0]) in error["message"]


@pytest.mark.parametrize(("method", "path"), [("GET", ROUTE), ("PUT", ROUTE), ("POST", "/health")])
async def test_other_methods_are_refused(bench: Bench, method: str, path: str) -> None:
    error = refused(await bench.client.request(method, path), 405)
    assert error["message"].startswith(f"Not allowed to {method} on {path}.")
    assert (error["type"], error["code"]) == ("invalid_request_error", "method_not_supported")


async def test_other_paths_are_unknown(bench: Bench) -> None:
    error = refused(await bench.client.post("/v1/foo"), 404)
    assert error == {
        "message": "Invalid URL (POST /v1/foo)",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


async def test_models_are_known_by_name_and_alias() -> None:
    gateway = gateway_with_routes(scripted_engines(), [("small", ("s", "s2s")), ("large", ())])
    async with served(gateway) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        for known in ("small", "s", "s2s", "large"):
            assert (await client.post(ROUTE, **form(fields={"model": known}))).status_code == 200
        error = refused(await client.post(ROUTE, **form(fields={"model": "huge"})), 404)
    assert error == {
        "message": "The model `huge` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


async def test_any_model_is_taken_where_there_is_one(bench: Bench) -> None:
    for name in ("s2s", "gpt-4o-mini", "whatever/it-is"):
        assert (await bench.client.post(ROUTE, **form(fields={"model": name}))).status_code == 200


async def test_a_stop_that_looks_like_json_and_a_file_of_no_use_are_no_failure(bench: Bench) -> None:
    files = {"file": ("q.wav", question()), "mask": ("m.png", png())}
    response = await bench.client.post(ROUTE, files=files, data={"stop": "[END]"})
    assert response.status_code == 200
    assert response.headers["x-ignored-parameters"] == "mask"


async def test_a_tool_result_is_answered_without_a_recording(bench: Bench) -> None:
    heard = bench.engines.stt.opened
    response = await bench.client.post(ROUTE, json={"messages": tool_result(tool_call_id="call_1")})
    assert response.status_code == 200
    assert "x-transcript" not in response.headers
    assert bench.engines.stt.opened == heard
