"""A configuration is changed field by field; what is fixed is refused, what is unknown has no effect."""

from typing import Any

import pytest

from adapters.contract.errors import InvalidRequest
from gateway.realtime.protocol.session_config import (
    InputTranscription,
    RealtimeSession,
    SemanticVad,
    ServerVad,
    TranscriptionSession,
)
from gateway.realtime.session.policy import Policy
from gateway.realtime.session.session_update import updated

SESSION = RealtimeSession(id="sess_1", model="gpt-realtime")
POLICY = Policy(voice="joe")


def changed(*changes: dict[str, Any], session: RealtimeSession = SESSION) -> RealtimeSession:
    for each in changes:
        new = updated(session, each, POLICY, has_spoken=False)
        assert isinstance(new, RealtimeSession)
        session = new
    return session


def test_only_what_is_named_changes() -> None:
    session = changed({"audio": {"input": {"turn_detection": {"silence_duration_ms": 700}}}}, {"instructions": "Hi."})
    assert session.audio.input.turn_detection == ServerVad(silence_duration_ms=700)
    assert (session.instructions, session.model, session.id) == ("Hi.", "gpt-realtime", "sess_1")


def test_another_kind_of_turn_detection_begins_with_its_own_defaults() -> None:
    semantic = {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "interrupt_response": True}}}}
    session = changed({"audio": {"input": {"turn_detection": {"threshold": 0.9}}}}, semantic)
    assert session.audio.input.turn_detection == SemanticVad()


def test_null_and_empty_clear() -> None:
    session = changed(
        {"tools": [{"type": "function", "name": "time"}], "audio": {"input": {"transcription": {"language": "en"}}}},
        {
            "tools": [],
            "instructions": None,
            "audio": {"input": {"transcription": None, "turn_detection": None}, "output": {"voice": None}},
        },
    )
    assert (session.tools, session.instructions, session.audio.input.transcription) == ([], "", None)
    assert session.audio.input.turn_detection is None
    assert session.audio.output.voice == "joe", "the route's own"


def test_what_agents_send_is_taken() -> None:
    session = changed(
        {
            "type": "realtime",
            "object": "realtime.session",
            "id": "other",
            "expires_at": 1,
            "model": "gpt-realtime",
            "tracing": "auto",
            "something_new": {"a": 1},
            "audio": {
                "input": {"noise_reduction": None, "transcription": {"model": "gpt-4o-mini-transcribe"}},
                "output": {"voice": "ash", "unknown": 1},
            },
            "tools": [{"name": "time", "parameters": {"type": "object"}}],
        }
    )
    assert (session.id, session.tracing, session.audio.output.voice) == ("sess_1", "auto", "ash")
    assert session.audio.input.transcription == InputTranscription(model="gpt-4o-mini-transcribe")
    assert [tool.name for tool in session.tools] == ["time"]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"type": "transcription"}, "session.type", "invalid_value"),
        ({"model": "gpt-9"}, "session.model", "invalid_value"),
        ({"audio": {"output": {"voice": "cedar"}}}, "session.audio.output.voice", "cannot_update_voice"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "session.audio.input.format.rate",
            "invalid_value",
        ),
        ({"output_modalities": ["text", "audio"]}, "session.output_modalities", "array_above_max_length"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed", "decimal_above_max_value"),
        ({"instructions": 7}, "session.instructions", "invalid_type"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "session.tools[0].type", None),
        ({"tools": "all"}, "session.tools", "invalid_type"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        updated(SESSION, changes, POLICY, has_spoken=True)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_the_voice_that_was_heard_may_be_named_again() -> None:
    assert updated(SESSION, {"audio": {"output": {"voice": "marin"}}}, POLICY, has_spoken=True) == SESSION


def test_a_transcription_session_has_fields_of_its_own() -> None:
    session = updated(
        TranscriptionSession(id="sess_1"),
        {"type": "transcription", "model": None, "audio": {"input": {"transcription": {"language": "de"}}}},
        POLICY,
        has_spoken=False,
    )
    assert session.audio.input.transcription == InputTranscription(language="de")


def test_another_name_of_the_same_model_changes_nothing() -> None:
    policy = Policy(is_same_model=lambda name: name == "gpt-realtime-2.1")
    session = updated(
        SESSION,
        {"model": "gpt-realtime-2.1", "instructions": "Hi."},
        policy,
        has_spoken=False,
    )
    assert isinstance(session, RealtimeSession)
    assert (session.model, session.instructions) == ("gpt-realtime", "Hi.")
    with pytest.raises(InvalidRequest, match="cannot be changed"):
        updated(SESSION, {"model": "tiny"}, policy, has_spoken=False)
