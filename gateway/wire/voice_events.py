"""The events of a voice turn's event stream, and their translation."""

import base64
from typing import Literal

import msgspec

from adapters.contract import llm
from gateway.pipeline.answer import TextFinished
from gateway.pipeline.listen import TranscriptDelta, TranscriptFinished
from gateway.pipeline.speak import UtteranceStarted
from gateway.turns.result import TurnEvent, TurnFinished
from gateway.wire.usage import StageTimes, Usage, stage_times, usage_of


class TranscriptTextDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="transcript.text.delta"):
    """More of what was heard."""

    delta: str


class TranscriptTextDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="transcript.text.done"):
    """All that was heard."""

    text: str
    language: str | None


class SpeechTextDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.text.delta"):
    """More of the answer's text."""

    delta: str


class SpeechTextDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.text.done"):
    """The whole text of the answer."""

    text: str


class SpeechUtteranceStarted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.utterance.started"
):
    """The audio that follows is that of ``text``: a part of the answer's text, one after the other."""

    text: str


class FunctionCallDone(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="speech.function_call.done"
):
    """A function the model wants called; ``arguments`` is a JSON text, ``invalid`` says why it cannot be called so."""

    call_id: str
    name: str
    arguments: str
    invalid: str | None = None


class AudioDelta(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.audio.delta"):
    """The next slice of the answer's bytes in the format asked for, base64; the slices joined are one file."""

    audio: str


class AudioDone(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="speech.audio.done"):
    """The end. ``usage`` is null when the server does not say, ``conversation_id`` when the turn is not kept."""

    response_id: str
    conversation_id: str | None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"]
    usage: Usage | None
    timings: StageTimes


VoiceEvent = (
    TranscriptTextDelta
    | TranscriptTextDone
    | SpeechTextDelta
    | SpeechTextDone
    | SpeechUtteranceStarted
    | FunctionCallDone
    | AudioDelta
    | AudioDone
)


def event_of(event: TurnEvent) -> VoiceEvent | None:
    """The event on the wire, ``None`` for what is not shown; audio is encoded first: ``audio_delta``."""
    match event:
        case TranscriptDelta():
            return TranscriptTextDelta(delta=event.text)
        case TranscriptFinished():
            return TranscriptTextDone(text=event.text, language=event.language)
        case llm.TextDelta():
            return SpeechTextDelta(delta=event.text)
        case TextFinished():
            return SpeechTextDone(text=event.text)
        case UtteranceStarted():
            return SpeechUtteranceStarted(text=event.text)
        case llm.ToolCallFinished():
            return FunctionCallDone(
                call_id=event.call_id, name=event.name, arguments=event.arguments, invalid=event.invalid
            )
        case TurnFinished(reason=reason, outcome=outcome):
            return AudioDone(
                response_id=outcome.response_id,
                conversation_id=outcome.conversation_id,
                finish_reason=reason,
                usage=usage_of(outcome.usage, outcome.compaction),
                timings=stage_times(outcome.timings),
            )
        case _:
            return None


def audio_delta(data: bytes) -> AudioDelta:
    """A slice of encoded audio on the wire."""
    return AudioDelta(audio=base64.b64encode(data).decode())
