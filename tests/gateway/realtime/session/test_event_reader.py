"""Frames are client events, or are refused in words that say what is wrong."""

import json
from typing import Any

import pytest

from gateway.realtime.protocol.client_events import (
    ConversationItemCreate,
    InputAudioBufferAppend,
    ResponseCreate,
    ResponseParams,
    SessionUpdate,
)
from gateway.realtime.protocol.items import LONGEST_AUDIO, InputText, MessageItem
from gateway.realtime.session.event_reader import read_event
from gateway.realtime.session.inputs import Refused


def test_audio_is_decoded() -> None:
    assert read_event('{"type":"input_audio_buffer.append","audio":"AAEC"}') == InputAudioBufferAppend(audio=b"\0\1\2")


def test_null_is_the_same_as_absent() -> None:
    part = {"type": "input_text", "text": "Hi"}
    item = {"type": "message", "id": None, "status": None, "role": "user", "content": [part]}
    frame = json.dumps({"type": "conversation.item.create", "event_id": None, "previous_item_id": None, "item": item})
    assert read_event(frame) == ConversationItemCreate(item=MessageItem(role="user", content=[InputText(text="Hi")]))
    assert read_event('{"type":"response.create","response":{"audio":null,"tools":null}}') == ResponseCreate(
        response=ResponseParams()
    )


def test_null_means_something_in_a_configuration() -> None:
    read = read_event('{"type":"session.update","event_id":null,"session":{"tools":null}}')
    assert read == SessionUpdate(session={"tools": None})


def test_unknown_fields_have_no_effect() -> None:
    assert read_event('{"type":"response.create","later":1,"response":{"new":2}}') == ResponseCreate(
        response=ResponseParams()
    )


@pytest.mark.parametrize(
    ("frame", "code", "param", "words"),
    [
        ("{", "invalid_event", None, "has to be JSON"),
        ("[" * 100_000, "invalid_event", None, "has to be JSON"),
        (
            '{"type":"response.create","response":{"tools":' + "[" * 900 + "]" * 900 + "}}",
            "invalid_event",
            None,
            "deep",
        ),
        (
            '{"type":"session.update","session":{"a":[' + "{}," * 250_000 + "{}]}}",
            "invalid_event",
            None,
            "250000 values",
        ),
        ('"hello"', "invalid_event", None, "has to be a JSON object"),
        ("{}", "invalid_event", None, "The 'type' field is missing."),
        ({"type": "response.crate"}, "invalid_value", "type", "Invalid value: 'response.crate'."),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio", "Missing required"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value", "audio", "Expected base64-encoded"),
        ({"type": "input_audio_buffer.append", "audio": 7}, "invalid_type", "audio", "expected"),
        (
            {"type": "input_audio_buffer.append", "audio": "AAAA" * (LONGEST_AUDIO // 3 + 1)},
            "invalid_value",
            "audio",
            "send more events",
        ),
        (
            {"type": "response.create", "response": {"tools": [{"type": "mcp"}]}},
            "invalid_value",
            "response.tools[0].type",
            "Supported values are: 'function'.",
        ),
        (
            {"type": "conversation.item.create", "item": {"type": "mcp_call"}},
            "invalid_value",
            "item.type",
            "Supported values are: 'message'",
        ),
    ],
)
def test_what_is_refused(frame: str | dict[str, Any], code: str, param: str | None, words: str) -> None:
    text = frame if isinstance(frame, str) else json.dumps({"event_id": "mine", **frame})
    read = read_event(text)
    assert isinstance(read, Refused)
    assert (read.code, read.param) == (code, param)
    assert words in read.message
    assert read.event_id == (None if isinstance(frame, str) else "mine")
