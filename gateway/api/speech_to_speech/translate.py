"""Pure: a request of this route in neutral words, and a turn's events on the wire."""

import base64
from collections.abc import Mapping

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.api.speech_to_speech import schema
from gateway.api.speech_to_speech.schema import SpeechToSpeechRequest
from gateway.conversation.history import ConversationRef
from gateway.pipeline.answer import TextFinished
from gateway.pipeline.listen import TranscriptDelta, TranscriptFinished
from gateway.turns.request import AudioSource, TurnRequest
from gateway.turns.result import TurnEvent, TurnFinished
from gateway.wire.audio import voice_name
from gateway.wire.conversation import conversation_name
from gateway.wire.messages import AudioPart, messages_of
from gateway.wire.sampling import stops_of
from gateway.wire.tools import tool_choice_of, tool_of
from gateway.wire.usage import stage_times, usage_of


def turn_request(
    request: SpeechToSpeechRequest, audio: AudioSource | None, images: tuple[llm.Image, ...], spoken: Mapping[str, str]
) -> TurnRequest:
    """The turn that is asked for; ``spoken`` are the words of earlier spoken answers. Raises ``InvalidRequest``."""
    _check(request, audio)
    return TurnRequest(
        audio=audio,
        language=request.language,
        images=images,
        conversation=ConversationRef(
            previous_response=request.previous_response_id,
            conversation=conversation_name(request.conversation),
            keep=request.store is not False,
            history=None if request.messages is None else messages_of(request.messages, spoken),
        ),
        instructions=request.instructions,
        tools=tuple(tool_of(tool) for tool in request.tools or ()),
        tool_choice=None if request.tool_choice is None else tool_choice_of(request.tool_choice),
        sampling=llm.Sampling(
            temperature=request.temperature,
            top_p=request.top_p,
            stop=stops_of(request.stop),
            seed=request.seed,
            frequency_penalty=request.frequency_penalty,
            presence_penalty=request.presence_penalty,
        ),
        max_output_tokens=request.max_output_tokens,
        reasoning_effort=request.reasoning_effort,
        voice=voice_name(request.voice),
        speed=request.speed,
        speech_instructions=request.speech_instructions,
    )


def _check(request: SpeechToSpeechRequest, audio: AudioSource | None) -> None:
    if audio is None and not (request.messages and request.messages[-1].role == "tool"):
        raise InvalidRequest(
            "Missing required parameter: 'file'. Send a recording as 'file', as 'input_audio' in JSON or as the body.",
            param="audio",
            code="missing_required_parameter",
        )
    parts = (
        part for message in request.messages or () if isinstance(message.content, list) for part in message.content
    )
    if any(isinstance(part, AudioPart) for part in parts):
        raise InvalidRequest(
            "Invalid 'messages': recordings are taken by POST /v1/chat/completions; here the question is the one.",
            param="messages",
            code="invalid_value",
        )
    if request.tools and request.stream_format != "sse":
        raise InvalidRequest(
            "Tools need stream_format 'sse': a stream of audio bytes has no place for a function call.",
            param="tools",
            code="invalid_value",
        )


def event_of(event: TurnEvent) -> schema.Event | None:
    """The event on the wire, ``None`` for what is not shown; audio is encoded first: ``audio_delta``."""
    match event:
        case TranscriptDelta():
            return schema.TranscriptDelta(delta=event.text)
        case TranscriptFinished():
            return schema.TranscriptDone(text=event.text, language=event.language)
        case llm.TextDelta():
            return schema.TextDelta(delta=event.text)
        case TextFinished():
            return schema.TextDone(text=event.text)
        case llm.ToolCallFinished():
            return schema.FunctionCallDone(
                call_id=event.call_id, name=event.name, arguments=event.arguments, invalid=event.invalid
            )
        case TurnFinished(reason=reason, outcome=outcome):
            return schema.AudioDone(
                response_id=outcome.response_id,
                conversation_id=outcome.conversation_id,
                finish_reason=reason,
                usage=usage_of(outcome.usage, outcome.compaction),
                timings=stage_times(outcome.timings),
            )
        case _:
            return None


def audio_delta(data: bytes) -> schema.AudioDelta:
    """A slice of encoded audio on the wire."""
    return schema.AudioDelta(audio=base64.b64encode(data).decode())
