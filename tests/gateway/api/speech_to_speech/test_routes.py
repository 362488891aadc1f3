"""A turn over HTTP: what the model receives, what the headers say, and the order of the events."""

import base64
import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import unquote

import pytest
import pytest_asyncio

from adapters import scripted
from adapters.contract import llm, tts
from adapters.llm.echo import Echo, EchoOptions
from gateway.audio.encode import FORMATS
from gateway.wire.voice_turn import SpeechToSpeechRequest
from tests.support.http_client import JSON, ROUTE, WAV, Bench, asked, benched, form, raw, tool_result
from tests.support.recordings import png
from tests.support.server import events_in, gateway_of, question, scripted_engines

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPOKEN = "Grüße, 世界 🙂\r\nx: y"
CALL = llm.ToolCallFinished(call_id="c1", name="clock", arguments='{"zone": "UTC"}')
CLOCK = {"type": "function", "name": "clock"}


async def model(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
    """Calls the first tool it is given; says something otherwise."""
    if request.tools:
        yield llm.ToolCallStarted(call_id="c1", name="clock")
        yield llm.ToolCallDelta(call_id="c1", arguments=CALL.arguments)
        yield CALL
        yield llm.Finished(reason="tool_calls", usage=None)
        return
    yield llm.ReasoningDelta(text="Let me think.")
    yield llm.TextDelta(text="Hello there. ")
    yield llm.TextDelta(text="How are you?")
    yield llm.Finished(reason="stop", usage=llm.Usage(input_tokens=5, output_tokens=6))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncGenerator[Bench, None]:
    engines = scripted_engines(stt=scripted.recogniser(SPOKEN), llm=scripted.language_model(model))
    async with benched(gateway_of(engines, "--language", "en")) as bench:
        yield bench


def received(bench: Bench) -> llm.Request:
    """What the model was last asked."""
    request: llm.Request = bench.engines.llm.requests[-1]
    return request


@pytest.mark.parametrize("name", FORMATS)
async def test_the_answer_says_what_it_is(bench: Bench, name: str) -> None:
    response = await bench.client.post(ROUTE, **form(fields={"response_format": name}))
    headers = response.headers
    assert headers["content-type"] == FORMATS[name].content_type
    assert headers["content-disposition"] == f'attachment; filename="speech.{name}"'
    assert headers["x-response-id"].startswith("resp_")
    assert unquote(headers["x-transcript"]) == SPOKEN
    assert "x-transcript-truncated" not in headers
    assert "x-ignored-parameters" not in headers
    assert int(headers["openai-processing-ms"]) >= 0
    stages = [stage.partition(";")[0] for stage in headers["server-timing"].split(", ")]
    assert stages == ["stt", "llm_first", "tts_first", "first_audio"]


FORMS: dict[str, dict[str, Any]] = {
    "form": form(fields={"temperature": "0.0", "voice": "nova", "instructions": "Rhyme.", "language": "de"}),
    "form with voice[id]": form(
        fields={"temperature": "0", "voice[id]": "nova", "instructions": "Rhyme.", "language": "German"}
    ),
    "JSON": asked(temperature=0.0, voice={"id": "nova"}, instructions="Rhyme.", language="de", speed=None, image=None),
    "raw": raw(question(), WAV, "temperature=0.0&voice=nova&instructions=Rhyme.&language=de"),
    "curl --data-binary": raw(
        question(),
        {"content-type": "application/x-www-form-urlencoded"},
        "temperature=0.0&voice=nova&instructions=Rhyme.&language=de",
    ),
}


@pytest.mark.parametrize("sent", FORMS)
async def test_the_model_receives_the_same_however_it_is_sent(bench: Bench, sent: str) -> None:
    response = await bench.client.post(ROUTE, **FORMS[sent])
    assert response.status_code == 200, response.text
    system, user = received(bench).messages
    assert system == llm.Message(role="system", parts=(llm.Text(text="Rhyme."),))
    assert user == llm.Message(role="user", parts=(llm.Text(text=SPOKEN),))
    assert received(bench).sampling == llm.Sampling(temperature=0.0)
    assert bench.engines.tts.requests[-1].language == "de"
    assert "x-ignored-parameters" not in response.headers


async def test_pictures_arrive_in_all_their_forms(bench: Bench) -> None:
    url, png = "https://example.com/1.png", b"\x89PNG"
    file: Any = ("file", ("q.wav", question(), "audio/wav"))
    picture: Any = ("image", ("1.png", png, "image/png"))
    named = llm.Image(url=url)
    inline = llm.Image(url="data:image/png;base64," + base64.b64encode(png).decode())
    cases: list[tuple[dict[str, Any], list[llm.Image]]] = [
        ({"files": [file, picture, picture]}, [inline, inline]),
        ({"files": [file, ("image[]", picture[1])]}, [inline]),
        ({"files": [file], "data": {"image": url}}, [named]),
        ({"files": [file], "data": {"image": [url, url]}}, [named, named]),
        ({"files": [file], "data": {"image": json.dumps([url, url])}}, [named, named]),
        ({"files": [file, picture], "data": {"image": url}}, [named, inline]),
        (asked(image=url), [named]),
        (asked(image=[url]), [named]),
    ]
    for sent, expected in cases:
        response = await bench.client.post(ROUTE, **sent)
        assert response.status_code == 200, response.text
        _, *images = received(bench).messages[-1].parts
        assert images == expected


async def test_the_history_is_what_was_sent(bench: Bench) -> None:
    await bench.client.post(ROUTE, json={"messages": tool_result(tool_call_id="call_1")})
    call = llm.ToolCall(call_id="call_1", name="clock", arguments="{}")
    assert received(bench).messages[1:] == (
        llm.Message(role="assistant", parts=(call,)),
        llm.Message(role="tool", parts=(llm.ToolResult(call_id="call_1", output="noon"),)),
    )
    history = json.dumps([{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}])
    await bench.client.post(ROUTE, **form(fields={"messages": history}))
    assert received(bench).messages == (
        llm.Message(role="user", parts=(llm.Text(text="Hi."),)),
        llm.Message(role="assistant", parts=(llm.Text(text="Hello."),)),
        llm.Message(role="user", parts=(llm.Text(text=SPOKEN),)),
    )


async def events_of(bench: Bench, **sent: Any) -> tuple[list[dict[str, Any]], Any]:
    response = await bench.client.post(ROUTE, **sent)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert all(line.startswith(("data: ", ": ")) for line in response.text.split("\n") if line)
    return list(events_in(response.text)), response.headers


async def test_the_events_come_in_order_and_the_last_tells_all(bench: Bench) -> None:
    events, headers = await events_of(bench, **form(fields={"stream_format": "sse", "response_format": "pcm"}))
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["transcript.text.delta", "transcript.text.done", "speech.text.delta"]
    assert kinds[-1] == "speech.audio.done"
    assert kinds.index("speech.text.done") > max(at for at, kind in enumerate(kinds) if kind == "speech.text.delta")
    assert events[1] == {"type": "transcript.text.done", "text": SPOKEN, "language": "en"}
    text = "".join(event["delta"] for event in events if event["type"] == "speech.text.delta")
    assert text == "Hello there. How are you?"
    assert next(event["text"] for event in events if event["type"] == "speech.text.done") == text
    assert "".join(event["text"] for event in events if event["type"] == "speech.utterance.started") == text
    assert kinds.index("speech.utterance.started") < kinds.index("speech.audio.delta")
    last = events[-1]
    assert last["response_id"] == headers["x-response-id"]
    assert last["finish_reason"] == "stop"
    assert last["usage"] == {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11}
    assert None not in last["timings"].values()
    assert "content-disposition" not in headers
    slices = [base64.b64decode(event["audio"], validate=True) for event in events if "audio" in event]
    plain = await bench.client.post(ROUTE, **form(fields={"response_format": "pcm"}))
    assert b"".join(slices) == plain.content


async def test_a_tool_is_called_and_nothing_is_spoken(bench: Bench) -> None:
    tools = {"tools": json.dumps([CLOCK]), "tool_choice": "required", "stream_format": "sse"}
    for sent in (form(fields=tools), asked(tools=[CLOCK], tool_choice="required", stream_format="sse")):
        events, _ = await events_of(bench, **sent)
        assert received(bench).tools == (llm.Tool(name="clock"),)
        assert received(bench).tool_choice == "required"
        assert [event["type"] for event in events][-2:] == ["speech.function_call.done", "speech.audio.done"]
        assert events[-2] == {
            "type": "speech.function_call.done",
            "call_id": "c1",
            "name": "clock",
            "arguments": CALL.arguments,
        }
        assert (events[-1]["finish_reason"], events[-1]["usage"]) == ("tool_calls", None)
        assert not {"speech.audio.delta", "speech.text.done"} & {event["type"] for event in events}


async def test_parameters_without_effect_are_named(bench: Bench) -> None:
    response = await bench.client.post(ROUTE, **asked(top_k=1, seed=1, speech_instructions="Whisper."))
    assert response.headers["x-ignored-parameters"] == "top_k, speech_instructions"
    again = await bench.client.post(ROUTE, content=json.dumps(asked(top_k=None)["json"]).encode(), headers=JSON)
    assert again.headers["x-ignored-parameters"] == "top_k"


async def test_what_the_engines_ignore_is_named_too() -> None:
    whispering = tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum", instructions=True)
    engines = scripted_engines(
        llm=Echo(EchoOptions()), tts=scripted.Scripted(whispering, scripted.synthesiser().script)
    )
    async with benched(gateway_of(engines)) as bench:
        for stream_format in ("audio", "sse"):
            sent = asked(temperature=0.5, speech_instructions="Whisper.", stream_format=stream_format)
            response = await bench.client.post(ROUTE, **sent)
            assert response.headers["x-ignored-parameters"] == "temperature"


async def test_a_long_transcript_is_cut_in_the_header_and_whole_in_the_events() -> None:
    said = "世界🙂 " * 500
    async with benched(gateway_of(scripted_engines(stt=scripted.recogniser(said)))) as bench:
        events, headers = await events_of(bench, **form(fields={"stream_format": "sse"}))
    assert headers["x-transcript-truncated"] == "true"
    assert len(headers["x-transcript"]) <= 1500
    assert said.startswith(unquote(headers["x-transcript"], errors="strict"))
    assert events[1]["text"] == said


def part(disposition: bytes, body: bytes, content_type: bytes = b"") -> bytes:
    kind = b"\r\nContent-Type: " + content_type if content_type else b""
    return b"--edge\r\nContent-Disposition: form-data; " + disposition + kind + b"\r\n\r\n" + body + b"\r\n"


def written(*parts: bytes) -> dict[str, Any]:
    """A form written by hand."""
    return raw(b"".join(parts) + b"--edge--\r\n", {"content-type": "multipart/form-data; boundary=edge"})


FILE = part(b'name="file"; filename="q.wav"', question())


@pytest.mark.parametrize(
    "name",
    [
        b'filename="' + "größe.wav".encode("latin-1") + b'"',
        b'filename="' + "größe.wav".encode("cp1252") + b'"',
        b'filename="\xff\xfe\x00"',
        b"filename*=UTF-8''gr%C3%B6%C3%9Fe.wav",
        b"filename* = UTF-8''x",
        b"filename=q.wav",
    ],
)
async def test_the_name_of_a_file_may_be_anything(bench: Bench, name: bytes) -> None:
    response = await bench.client.post(ROUTE, **written(part(b'name="file"; ' + name, question())))
    assert response.status_code == 200, response.text


async def test_what_is_audio_is_a_file_without_a_name_unless_it_is_empty(bench: Bench) -> None:
    for named in (b'name="file"; filename=""', b'name="file"'):
        response = await bench.client.post(ROUTE, **written(part(named, question(), b"audio/wav")))
        assert response.status_code == 200, response.text
    unchosen = part(b'name="image"; filename=""', b"", b"application/octet-stream")
    response = await bench.client.post(ROUTE, **written(FILE, unchosen))
    assert response.status_code == 200, response.text


async def test_an_empty_field_of_a_form_is_as_absent(bench: Bench) -> None:
    empty = dict.fromkeys(SpeechToSpeechRequest.__struct_fields__, "")
    for sent in (form(fields=empty), raw(question(), WAV, "&".join(f"{name}=" for name in empty))):
        response = await bench.client.post(ROUTE, **sent)
        assert response.status_code == 200, response.text
        assert "x-ignored-parameters" not in response.headers
    response = await bench.client.post(
        ROUTE, **written(FILE, part(b'name="voice[id]"', b""), part(b'name="stop[]"', b""))
    )
    assert response.status_code == 200, response.text


async def test_fields_of_the_query_beside_a_body_with_fields_are_named_as_ignored(bench: Bench) -> None:
    query = "api-version=1&voice=nova&image[]=a&image[]=b"
    for sent in (form(), asked()):
        response = await bench.client.post(ROUTE, params=query, **sent)
        assert response.headers["x-ignored-parameters"] == "api-version, image, voice"
    response = await bench.client.post(ROUTE, params="voice=nova", **form(fields={"voice": "alloy"}))
    assert "x-ignored-parameters" not in response.headers


async def test_a_field_may_say_its_encoding(bench: Bench) -> None:
    text = "Sprich über Käse."
    for charset in ("utf-8", "ISO-8859-1", "windows-1252"):
        field = part(b'name="instructions"', text.encode(charset), f"text/plain; charset={charset}".encode())
        response = await bench.client.post(ROUTE, **written(FILE, field))
        assert response.status_code == 200, response.text
        assert received(bench).messages[0].parts == (llm.Text(text=text),)


async def test_names_outside_ascii_are_read_as_utf_8(bench: Bench) -> None:
    response = await bench.client.post(ROUTE, **written(FILE, part('name="größe"'.encode(), b"1")))
    assert unquote(response.headers["x-ignored-parameters"]) == "größe"


@pytest.mark.parametrize("content_type", [b"", b"application/octet-stream", b"image/gif", b"text/plain"])
async def test_an_image_is_known_by_its_bytes(bench: Bench, content_type: bytes) -> None:
    image = part(b'name="image"; filename="i"', png(), content_type)
    response = await bench.client.post(ROUTE, **written(FILE, image))
    assert response.status_code == 200, response.text
    (*_, shown) = received(bench).messages[-1].parts
    assert isinstance(shown, llm.Image)
    assert shown.url == "data:image/png;base64," + base64.b64encode(png()).decode()
