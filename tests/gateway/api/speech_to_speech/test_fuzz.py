"""Whatever a form or a JSON body holds is answered, or refused in OpenAI's words; never a failure of the gateway."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.voice_turn import SpeechToSpeechRequest
from tests.support.http_client import ROUTE, asked
from tests.support.recordings import sound
from tests.support.server import gateway_of, scripted_engines, served

RECORDING = sound([0.5, -0.5] * 2_000)
NAMES = [*SpeechToSpeechRequest.__struct_fields__, "file", "unknown", "größe"]
QUICK = settings(derandomize=True, max_examples=120, deadline=None, database=None)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a real server, which has an event loop of its own: examples are not coroutines."""
    address: list[str] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with served(gateway_of(scripted_engines())) as url:
            address.append(url)
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        with httpx.Client(base_url=address[0], timeout=30, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            yield client
    finally:
        done.set()
        thread.join()


def check(response: httpx.Response) -> None:
    """Assert that it is an answer or a refusal that an OpenAI client understands."""
    if response.status_code == 200:
        assert response.content
        return
    assert response.status_code in {400, 404, 413}, response.text
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error" or response.status_code == 413
    assert 0 < len(error["message"]) < 2_000
    assert "\n" not in error["message"]
    assert "Traceback" not in error["message"]


WORDS = st.sampled_from(
    [
        "",
        "auto",
        "sse",
        "audio",
        "mp3",
        "alloy",
        "1",
        "0.5",
        "-1",
        "nan",
        "1e999",
        "true",
        "null",
        "[]",
        "{}",
        "[[",
        '"',
    ]
)
TEXTS = WORDS | st.text(max_size=20) | st.just("x" * 300) | st.sampled_from(["\x00", "\r\nx: y", "\u2028", "🙂" * 9])
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "type", "name", "function", "role", "content", "url", "data"]), inner)
    ),
    max_leaves=8,
)
PARTS = st.sampled_from(
    [
        {"type": "text", "text": "a"},
        {"type": "refusal", "refusal": "no"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "text"},
    ]
)
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool"])},
        optional={
            "content": TEXTS | st.lists(PARTS, max_size=3) | st.none() | JUNK,
            "tool_calls": st.lists(st.just(CALL), max_size=2) | JUNK,
            "tool_call_id": st.just("c") | TEXTS,
            "refusal": TEXTS,
        },
    ),
    max_size=5,
)
TOOLS = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("function")},
        optional={"name": TEXTS, "parameters": JUNK, "function": JUNK, "description": TEXTS, "strict": JUNK},
    ),
    max_size=3,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(NAMES, JUNK) | {
    "messages": MESSAGES | JUNK,
    "tools": TOOLS | JUNK,
}


@QUICK
@given(st.fixed_dictionaries({}, optional=FIELDS), st.booleans())
def test_json_of_any_kind(client: httpx.Client, fields: dict[str, Any], with_recording: bool) -> None:
    recording = {"input_audio": {"data": asked()["json"]["input_audio"]["data"]}} if with_recording else {}
    check(client.post(ROUTE, content=json.dumps(fields | recording), headers={"content-type": "application/json"}))


@QUICK
@given(st.lists(st.sampled_from(NAMES), max_size=3, unique=True), st.data())
def test_one_or_two_odd_fields_among_sound_ones(client: httpx.Client, names: list[str], data: st.DataObject) -> None:
    sound_ones = {
        "conversation": "c",
        "messages": [
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c", "content": "x"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "stream_format": "sse",
    }
    odd = {name: data.draw(FIELDS[name]) for name in names}
    check(client.post(ROUTE, json=sound_ones | odd))


@QUICK
@given(st.binary(max_size=60), st.sampled_from(["application/json", "application/json; charset=utf-16", "x/y+json"]))
def test_bytes_that_say_they_are_json(client: httpx.Client, body: bytes, content_type: str) -> None:
    check(client.post(ROUTE, content=body, headers={"content-type": content_type}))


def quoted(name: str) -> bytes:
    return b'"' + name.encode() + b'"'


NAME = st.sampled_from([quoted(name) for name in NAMES]) | st.sampled_from(
    [b'"voice[id]"', b'"image[]"', b'"messages[][role]"', b'""', b"file", b'"file', b'"\xff"', b'"a\\"b"', b'"x[[]"']
)
DISPOSITION = st.builds(
    b"".join,
    st.tuples(
        st.sampled_from([b"Content-Disposition: ", b"content-disposition:", b"X: ", b""]),
        st.sampled_from([b"form-data", b"attachment", b""]),
        st.sampled_from([b"; name=", b";name=", b"; "]),
        NAME,
        st.sampled_from(
            [b"", b'; filename="q.wav"', b'; filename=""', b"; filename*=utf-8''x", b'; filename="\xe4\xff"']
        ),
    ),
)
CONTENT_TYPE = st.sampled_from(
    [
        b"",
        b"\r\nContent-Type: audio/wav",
        b"\r\nContent-Type: text/plain; charset=idna",
        b"\r\nContent-Type: text/plain; charset=utf-16",
        b"\r\nContent-Type: image/png;x\xff",
        b"\r\nContent-Type: ",
        b"\r\nContent-Transfer-Encoding: base64",
        b"\r\n folded: \xff",
    ]
)
BODY = st.just(RECORDING) | TEXTS.map(str.encode) | st.binary(max_size=20) | JUNK.map(msgspec.json.encode)
PART = st.builds(
    lambda disposition, kind, body: b"--edge\r\n" + disposition + kind + b"\r\n\r\n" + body + b"\r\n",
    DISPOSITION,
    CONTENT_TYPE,
    BODY,
)
WHOLE_PART = st.just(
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="q.wav"\r\n\r\n' + RECORDING + b"\r\n"
)


@QUICK
@given(
    st.lists(PART | WHOLE_PART, max_size=4),
    st.sampled_from([b"--edge--\r\n", b"--edge--", b"", b"--edge", b"--edge--\r\nepilogue"]),
    st.sampled_from(["edge", '"edge"', "other", ""]),
    st.integers(0, 200),
)
def test_forms_of_any_kind(client: httpx.Client, parts: list[bytes], end: bytes, boundary: str, cut: int) -> None:
    body = b"".join(parts) + end
    body = body[:-cut] if 0 < cut < 20 else body
    check(client.post(ROUTE, content=body, headers={"content-type": f"multipart/form-data; boundary={boundary}"}))


@QUICK
@given(st.lists(st.tuples(st.sampled_from([*NAMES, "voice[id]", "image[]"]), TEXTS), max_size=6))
def test_sound_forms_with_any_text_in_their_fields(client: httpx.Client, fields: list[tuple[str, str]]) -> None:
    files = [
        ("file", ("q.wav", RECORDING)),
        *((name, (None, text.encode("utf-8", "replace"))) for name, text in fields),
    ]
    check(client.post(ROUTE, files=files))


@QUICK
@given(st.lists(st.tuples(st.sampled_from(NAMES), TEXTS), max_size=5))
def test_queries_of_any_kind(client: httpx.Client, fields: list[tuple[str, str]]) -> None:
    query = urlencode([(name, text.encode("utf-8", "replace")) for name, text in fields])
    check(client.post(f"{ROUTE}?{query}", content=RECORDING, headers={"content-type": "audio/wav"}))
