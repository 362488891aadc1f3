"""What ``talk`` does at each event: what is sent, what is played, how much of an answer was heard."""

import base64
from typing import Any

import pytest

from gateway.cli.talk.dialogue import Dialogue, Refused, appended, parsed

SECOND = bytes(48_000)


class Speaker:
    """Plays nothing by itself: a test says how much is still to come."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def play(self, audio: bytes) -> None:
        self.waiting += audio

    def unplayed_ms(self) -> int:
        return len(self.waiting) // 48

    def silence(self) -> None:
        self.waiting.clear()


class Screen:
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def heard(self, text: str, *, final: bool) -> None:
        self.shown.append(("heard" if final else "hearing", text))

    def answer(self, delta: str) -> None:
        self.shown.append(("answer", delta))

    def answered(self, first_audio_ms: int | None, *, interrupted: bool) -> None:
        self.shown.append(("answered", first_audio_ms, interrupted))

    def failure(self, message: str) -> None:
        self.shown.append(("failure", message))


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def dialogue(speaker: Speaker, screen: Screen) -> Dialogue:
    return Dialogue({"audio": {"output": {"voice": "alloy"}}}, speaker, screen)


def audio(item: str, data: bytes) -> dict[str, Any]:
    return {"type": "response.output_audio.delta", "item_id": item, "delta": base64.b64encode(data).decode()}


def done(status: str, **details: Any) -> dict[str, Any]:
    return {"type": "response.done", "response": {"status": status, "status_details": details or None}}


def test_the_session_is_asked_for_what_the_flags_say(dialogue: Dialogue) -> None:
    (update,) = dialogue.on_event({"type": "session.created"}, 0)
    assert update == {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}},
    }


def test_a_turn_is_shown_and_played(dialogue: Dialogue, speaker: Speaker, screen: Screen) -> None:
    transcription = "conversation.item.input_audio_transcription"
    for event, sent_ms in (
        ({"type": f"{transcription}.delta", "item_id": "i1", "delta": "what "}, 500),
        ({"type": f"{transcription}.delta", "item_id": "i1", "delta": "now"}, 900),
        ({"type": "input_audio_buffer.speech_stopped", "item_id": "i1", "audio_end_ms": 1000}, 1020),
        ({"type": f"{transcription}.completed", "item_id": "i1", "transcript": "What now?"}, 1040),
        ({"type": "response.output_audio_transcript.delta", "delta": "Now this."}, 1200),
        (audio("a1", SECOND), 1300),
        (audio("a1", SECOND), 1400),
        (done("completed"), 1500),
    ):
        assert dialogue.on_event(event, sent_ms) == []
    assert bytes(speaker.waiting) == 2 * SECOND
    assert screen.shown == [
        ("hearing", "what "),
        ("hearing", "what now"),
        ("heard", "What now?"),
        ("answer", "Now this."),
        ("answered", 300, False),
    ]


def test_an_interruption_stops_the_sound_and_tells_what_was_heard(
    dialogue: Dialogue, speaker: Speaker, screen: Screen
) -> None:
    dialogue.on_event(audio("a0", SECOND), 0)
    dialogue.on_event(audio("a1", 3 * SECOND), 0)
    speaker.waiting = bytearray(2 * SECOND)  # one second of a1 was played
    (truncate,) = dialogue.on_event({"type": "input_audio_buffer.speech_started", "item_id": "i2"}, 0)
    assert truncate == {
        "type": "conversation.item.truncate",
        "item_id": "a1",
        "content_index": 0,
        "audio_end_ms": 1000,
    }
    assert not speaker.waiting
    dialogue.on_event(done("cancelled", type="cancelled", reason="turn_detected"), 0)
    assert screen.shown == [("answered", None, True)]


def test_speech_while_nothing_plays_interrupts_nothing(dialogue: Dialogue) -> None:
    dialogue.on_event(audio("a1", SECOND), 0)
    dialogue._speaker.silence()
    assert dialogue.on_event({"type": "input_audio_buffer.speech_started", "item_id": "i2"}, 0) == []


def test_failures_are_shown_and_the_conversation_goes_on(dialogue: Dialogue, screen: Screen) -> None:
    failed = "conversation.item.input_audio_transcription.failed"
    dialogue.on_event({"type": failed, "item_id": "i1", "error": {"message": "no ears"}}, 0)
    dialogue.on_event(done("failed", type="failed", error={"message": "no model"}), 0)
    dialogue.on_event({"type": "error", "error": {"message": "no such thing", "code": "invalid_value"}}, 0)
    assert screen.shown == [
        ("failure", "not understood: no ears"),
        ("failure", "no model"),
        ("answered", None, False),
        ("failure", "no such thing"),
    ]


def test_a_session_that_expired_ends_it(dialogue: Dialogue) -> None:
    with pytest.raises(Refused, match="60 minutes"):
        dialogue.on_event({"type": "error", "error": {"message": "60 minutes", "code": "session_expired"}}, 0)


@pytest.mark.parametrize("frame", ["", "nonsense", "[]", "{}", '{"type": 1}', b"\xff"])
def test_a_frame_that_is_no_event_is_refused(frame: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|event|utf-8|truncated"):
        parsed(frame)


def test_a_block_of_the_microphone_is_an_append() -> None:
    event = appended(b"\1\2")
    assert event["type"] == "input_audio_buffer.append"
    assert base64.b64decode(event["audio"]) == b"\1\2"
