"""A turn's events become the wire's; nothing is invented or lost."""

from typing import Any

import msgspec

from adapters.contract import llm, tts
from adapters.contract.engine import Started
from gateway.pipeline.listen import RecordingFinished
from gateway.pipeline.speak import UtteranceFinished, UtteranceStarted
from gateway.telemetry.timings import Timings
from gateway.turns.result import ConversationJoined, ConversationKept, TurnEvent, TurnFinished
from gateway.wire.voice_events import AudioDone, event_of
from tests.support.outcomes import outcome


def test_what_the_wire_does_not_show_is_no_event() -> None:
    hidden: tuple[TurnEvent, ...] = (
        ConversationJoined(conversation_id="c"),
        RecordingFinished(recording=llm.Audio(data=b"RIFF", format="wav"), seconds=1.0),
        Started(),
        tts.AudioChunk(pcm=b"xx"),
        UtteranceFinished(characters=3, seconds=1.0),
        llm.ReasoningDelta(text="hm"),
        llm.ToolCallStarted(call_id="c", name="n"),
        llm.ToolCallDelta(call_id="c", arguments="{"),
        ConversationKept(conversation_id="c", compaction=None),
    )
    assert [event_of(event) for event in hidden] == [None] * len(hidden)


def test_which_audio_is_of_which_text() -> None:
    event = event_of(UtteranceStarted(text="Hello there. "))
    assert msgspec.to_builtins(event) == {"type": "speech.utterance.started", "text": "Hello there. "}


def finished(**fields: Any) -> AudioDone:
    plain: dict[str, Any] = {
        "conversation_id": "conv_1",
        "reason": "length",
        "usage": llm.Usage(input_tokens=3, output_tokens=4, cached_tokens=1),
        "timings": Timings(stt=0.1, llm_first=0.02, tts_first=0.0034567, first_audio=0.2, total=1.5),
    }
    done = event_of(TurnFinished(reason="length", outcome=outcome(**{**plain, **fields})))
    assert isinstance(done, AudioDone)
    return done


def test_the_last_event_tells_reason_usage_and_times() -> None:
    assert msgspec.to_builtins(finished()) == {
        "type": "speech.audio.done",
        "response_id": "resp_1",
        "conversation_id": "conv_1",
        "finish_reason": "length",
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
        "timings": {
            "stt_ms": 100.0,
            "llm_first_ms": 20.0,
            "first_clause_ms": None,
            "tts_first_ms": 3.5,
            "first_audio_ms": 200.0,
            "total_ms": 1500.0,
        },
    }
    assert finished(usage=None).usage is None
