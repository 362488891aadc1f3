"""Hostile servers: any bytes give a typed error or a finished answer, and any split of them gives the same events.

The bytes go through a whole attempt, from the response body to the contract's events. The streams are those of
``tests/fixtures/providers`` with values exchanged, bytes changed and events dropped, and bytes made up. CI runs few
examples, always the same. For a longer run with other ones each time, set ``FUZZ_EXAMPLES``, as in
``FUZZ_EXAMPLES=20000 python -m pytest tests/adapters/llm/test_stream_fuzzing.py``.
"""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import llm
from adapters.contract.checks import llm_grammar
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError
from adapters.llm.chat_completions.events import ChatCompletionReader
from adapters.llm.responses.events import ResponsesReader
from adapters.upstream import ErrorFactory, UpstreamOptions
from adapters.upstream.attempt import CompletionCall, ResponseStream

EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
STREAMS = sorted((Path(__file__).parents[2] / "fixtures" / "providers").glob("*.sse"))
OPTIONS = UpstreamOptions(responses_api_base_url="http://localhost:1/v1")
ERRORS = ErrorFactory("x", "", OPTIONS)
TOOLS = (llm.Tool(name="get_weather"), llm.Tool(name="f"))

fuzzed = settings(
    max_examples=int(EXAMPLES or 60), derandomize=EXAMPLES is None, deadline=None, print_blob=EXAMPLES is not None
)

Reader = type[ChatCompletionReader | ResponsesReader]
READERS = pytest.mark.parametrize("reader", [ChatCompletionReader, ResponsesReader], ids=["chat", "responses"])


class Pieces(httpx.AsyncByteStream):
    """A body that arrives in these pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if piece:
                yield piece


def outcome(reader: Reader, pieces: Sequence[bytes], tools: tuple[llm.Tool, ...], **headers: str) -> Any:
    """The events of an answer and how it ended, without the ids that are made up; checked against the contract."""

    async def attempt() -> tuple[list[Any], str]:
        async def respond(_: httpx.Request) -> httpx.Response:
            return httpx.Response(200, headers=headers, stream=Pieces(pieces))

        deadline = asyncio.get_running_loop().time() + 60
        call = CompletionCall(
            path="/v1", body={"stream": True}, make_reader=lambda: reader(ERRORS, route="here", tools=tools)
        )
        response = ResponseStream(ERRORS, OPTIONS, call, deadline)
        events: list[Any] = []
        try:
            await response.open(httpx.MockTransport(respond), httpx.Request("POST", "http://localhost:1/v1"))
            async for event in response:
                events.append(event)
        except AdapterError as error:
            return events, f"{type(error).__name__}: {error.message}"
        llm_grammar([Started(), *events[:-1], msgspec.structs.replace(events[-1], usage=events[-1].usage or USAGE)])
        msgspec.json.encode(events)  # whatever it is, it can be sent on
        return events, "finished"

    events, end = asyncio.run(attempt())
    assert end.isprintable()
    return _comparable(events), end


USAGE = llm.Usage(input_tokens=0, output_tokens=0)


def _comparable(events: list[Any]) -> list[Any]:
    """Texts of one kind joined, and ids by their order."""
    ids: dict[str, str] = {}
    found: list[Any] = []
    for event in events:
        if isinstance(event, llm.Finished):
            found.append(("finished", event.reason, event.usage))
            continue
        fields = msgspec.to_builtins(event)
        if "call_id" in fields:
            fields["call_id"] = ids.setdefault(fields["call_id"], f"call {len(ids)}")
        text = "text" if "text" in fields else "arguments"
        same = found and isinstance(found[-1], dict) and {**found[-1], text: ""} == {**fields, text: ""}
        if same and fields["type"].endswith("_delta"):
            found[-1][text] += fields[text]
        else:
            found.append(fields)
    return found


FIELDS = [
    "type",
    "text",
    "content",
    "delta",
    "index",
    "id",
    "name",
    "arguments",
    "function",
    "error",
    "item",
    "thinking",
]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["", "stop", "0", "x" * 300, "null", "{}", '{"a":1}', '"{}"', "</think>", "<tool_call>", "{", "\ud83d"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=6,
)


ODD = st.sampled_from([b"1e999", b"NaN", b"9" * 5000, b"[" * 2000, rb"\ud83d", b"\xff", b"\n", b"data: [DONE]\n"])


@st.composite
def mutated(draw: st.DrawFn, responses: bool) -> bytes:
    """A provider's stream with some of its events dropped, repeated, or with a value exchanged, and bytes changed."""
    path = draw(st.sampled_from([path for path in STREAMS if ("responses" in path.stem) == responses]))
    events = path.read_bytes().split(b"\n\n")
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(events) - 1))
        match draw(st.sampled_from(["drop", "repeat", "value", "bytes"])):
            case "drop" if len(events) > 1:
                del events[at]
            case "repeat":
                events.insert(draw(st.integers(0, len(events))), events[at])
            case "value":
                events[at] = _exchanged(draw, events[at])
            case "bytes":
                start = draw(st.integers(0, len(events[at])))
                events[at] = events[at][:start] + draw(st.binary(max_size=6) | ODD) + events[at][start + 2 :]
    return b"\n\n".join(events)


def _exchanged(draw: st.DrawFn, event: bytes) -> bytes:
    head, separator, data = event.partition(b"data: ")
    try:
        value = msgspec.json.decode(data)
    except ValueError:
        return event
    node = value
    while isinstance(node, dict | list) and node:
        key: Any = (
            draw(st.sampled_from(sorted(node))) if isinstance(node, dict) else draw(st.integers(0, len(node) - 1))
        )
        if not isinstance(node[key], dict | list) or draw(st.booleans()):
            node[key] = draw(VALUES)
            break
        node = node[key]
    return head + separator + encoded(value)


def encoded(value: Any) -> bytes:
    """``value`` as JSON, half surrogate pairs as escapes."""
    return json.dumps(value).encode()


def pieces_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    at = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(at)]


GZIP = {"content-encoding": "gzip"}
CUTS = st.lists(st.integers(0, 100_000), max_size=8)
SOME_TOOLS = st.sampled_from([(), TOOLS])


def check(reader: Reader, data: bytes, cuts: Sequence[int], tools: tuple[llm.Tool, ...], **headers: str) -> None:
    whole = outcome(reader, [data], tools, **headers)
    assert outcome(reader, pieces_of(data, cuts), tools, **headers) == whole


@READERS
@fuzzed
@given(data=st.data(), cuts=CUTS, tools=SOME_TOOLS)
def test_mutated_streams(reader: Reader, data: st.DataObject, cuts: list[int], tools: tuple[llm.Tool, ...]) -> None:
    check(reader, data.draw(mutated(reader is ResponsesReader)), cuts, tools)


@READERS
@fuzzed
@given(payload=st.lists(VALUES | st.binary(max_size=30), max_size=6), cuts=CUTS, tools=SOME_TOOLS)
def test_made_up_events(reader: Reader, payload: list[Any], cuts: list[int], tools: tuple[llm.Tool, ...]) -> None:
    lines = [event if isinstance(event, bytes) else encoded(event) for event in payload]
    check(reader, b"".join(b"data: %b\n\n" % line for line in lines), cuts, tools)


@READERS
@fuzzed
@given(payload=VALUES, field=st.sampled_from(["choices", "output", "error", "usage", ""]), cuts=CUTS, tools=SOME_TOOLS)
def test_made_up_whole_answers(
    reader: Reader, payload: Any, field: str, cuts: list[int], tools: tuple[llm.Tool, ...]
) -> None:
    check(reader, encoded({field: payload} if field else payload), cuts, tools)


@READERS
@fuzzed
@given(data=st.binary(max_size=300), cuts=CUTS, encoding=st.sampled_from(["", "identity", "gzip", "deflate", "br"]))
def test_any_bytes(reader: Reader, data: bytes, cuts: list[int], encoding: str) -> None:
    check(reader, data, cuts, (), **{"content-encoding": encoding})


@READERS
@fuzzed
@given(data=st.data(), cuts=CUTS)
def test_compressed_streams(reader: Reader, data: st.DataObject, cuts: list[int]) -> None:
    check(reader, gzip.compress(data.draw(mutated(reader is ResponsesReader)), mtime=0), cuts, (), **GZIP)


@READERS
@fuzzed
@given(data=st.data(), cuts=CUTS)
def test_compressed_streams_with_a_wrong_byte(reader: Reader, data: st.DataObject, cuts: list[int]) -> None:
    packed = bytearray(gzip.compress(data.draw(mutated(reader is ResponsesReader)), mtime=0))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    outcome(reader, pieces_of(bytes(packed), cuts), (), **GZIP)  # how much can be read before it depends on the split
