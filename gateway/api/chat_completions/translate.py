"""Pure: a request in neutral words, and a whole answer on the wire; ``chunks`` has the streamed one."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.access.caller import Caller
from gateway.api.chat_completions import schema
from gateway.api.chat_completions.schema import ChatCompletionRequest, Envelope, JsonSchemaFormat
from gateway.conversation.history import ConversationRef
from gateway.conversation.normal_form import SYSTEM_ROLES
from gateway.pipeline.answer import AnswerFinished
from gateway.turns.request import AudioSource, TurnRequest
from gateway.turns.result import TurnEvent
from gateway.wire.answer_form import json_answer
from gateway.wire.audio import voice_name
from gateway.wire.messages import messages_of
from gateway.wire.sampling import sampling_of
from gateway.wire.tools import offered


class CompletionId(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in every chunk of an answer; ``created`` is Unix time, ``model`` is the name that was asked for.

    Later messages can name the spoken answer ``audio_id`` until ``expires_at``.
    """

    id: str
    created: int
    model: str
    audio_id: str
    expires_at: int


def completion_id(model: str, kept_seconds: float) -> CompletionId:
    """The id of a new answer, of which spoken words are kept for ``kept_seconds``."""
    name, now = uuid.uuid4().hex, int(time.time())
    return CompletionId(
        id=f"chatcmpl-{name}", created=now, model=model, audio_id=f"audio_{name}", expires_at=now + int(kept_seconds)
    )


def is_spoken(request: Envelope | ChatCompletionRequest) -> bool:
    """Whether the answer is spoken."""
    return "audio" in (request.modalities or ())


def check_envelope(request: Envelope) -> None:
    """Refuse what cannot be asked for, whoever answers. Raises ``InvalidRequest``."""
    if request.stream_options is not None and not request.stream:
        raise InvalidRequest(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
            code="invalid_value",
        )
    if request.modalities is not None and "text" not in request.modalities:
        raise InvalidRequest(
            f"Invalid value: {request.modalities!r}. Supported combinations are: ['text'] and ['text', 'audio'].",
            param="modalities",
            code="invalid_value",
        )


def check(request: ChatCompletionRequest) -> None:
    """Refuse what the translated way cannot do. Raises ``InvalidRequest``."""
    spoken = is_spoken(request)
    if spoken and request.audio is None:
        raise InvalidRequest("Missing required parameter: 'audio'.", param="audio", code="missing_required_parameter")
    if spoken and request.audio and request.stream and request.audio.format != "pcm16":
        raise Unsupported(
            f"Unsupported value: 'audio.format' does not support {request.audio.format!r} when stream=true. "
            "Supported values are: 'pcm16'.",
            param="audio.format",
        )
    if request.logprobs or request.top_logprobs:
        raise Unsupported(
            "'logprobs' are available only for text, from a model behind a server of the Chat Completions API.",
            param="logprobs" if request.logprobs else "top_logprobs",
        )


class TurnContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn needs beside its request.

    ``caller`` asks, ``source_of`` decodes a recording, ``spoken_words`` are those of earlier spoken answers by their
    ids, ``audio_id`` is that of this one, and ``extra`` are fields that the model's own server may know.
    """

    caller: Caller
    source_of: Callable[[llm.Audio], AudioSource]
    spoken_words: Mapping[str, str]
    audio_id: str
    extra: dict[str, Any]


def turn_request(request: ChatCompletionRequest, context: TurnContext) -> TurnRequest:
    """The turn that is asked for. Raises ``InvalidRequest``.

    A text answer is the model's to exactly these messages. A spoken one is that of the speech-to-speech route: messages
    in normal form, the settings' reasoning, and the gateway's prompt where the client has no system message of its own.
    """
    spoken = request.audio if is_spoken(request) else None
    messages = messages_of(request.messages, context.spoken_words)
    instructed = spoken is None or any(message.role in SYSTEM_ROLES for message in messages)
    tools, tool_choice = offered(request.tools, request.tool_choice)
    return TurnRequest(
        caller=context.caller,
        source_of=context.source_of,
        conversation=(
            ConversationRef(keep=False, history=messages) if instructed else ConversationRef(keep=False, added=messages)
        ),
        instructions="" if instructed else None,
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        json_answer=_json_answer(request),
        sampling=sampling_of(request),
        max_output_tokens=request.max_completion_tokens or request.max_tokens,
        reasoning_effort=request.reasoning_effort,
        extra=context.extra,
        literal=spoken is None,
        spoken=spoken is not None,
        voice=voice_name(spoken.voice) if spoken else None,
        audio_id=context.audio_id if spoken else None,
    )


def _json_answer(request: ChatCompletionRequest) -> llm.JsonAnswer | None:
    wanted = request.response_format
    form = wanted.json_schema if isinstance(wanted, JsonSchemaFormat) else wanted
    return json_answer(form, "response_format.json_schema.schema")


def not_stored(envelope: Envelope, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameters that have no effect because nothing is stored: servers take ``metadata`` with ``store`` only."""
    return tuple(name for name in ("store", "metadata") if envelope.store and values.get(name) is not None)


def ignored(request: ChatCompletionRequest) -> tuple[str, ...]:
    """The further parameters of ``request`` that have no effect."""
    options = request.stream_options
    named = {
        # That of a function's result names the call, in the form before tools.
        "messages.name": any(message.name is not None and message.role != "function" for message in request.messages),
        "audio": request.audio is not None and not is_spoken(request),
        "stream_options.include_obfuscation": options is not None and bool(options.include_obfuscation),
    }
    return tuple(name for name, without_effect in named.items() if without_effect)


def usage_of(usage: llm.Usage | None) -> schema.Usage | None:
    """The tokens of an answer; ``None`` when the server does not say."""
    if usage is None:
        return None
    return schema.Usage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
        prompt_tokens_details=schema.InputTokens(cached_tokens=usage.cached_tokens),
        completion_tokens_details=schema.OutputTokens(reasoning_tokens=usage.reasoning_tokens),
    )


class Pieces:
    """The pieces of an answer: what is said, refused and thought, and why calls cannot be made, by their ids."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.refused: list[str] = []
        self.thought: list[str] = []
        self.invalid: dict[str, str] = {}

    def note(self, event: TurnEvent) -> None:
        """Take down what ``event`` says."""
        match event:
            case llm.TextDelta():
                (self.refused if event.refusal else self.said).append(event.text)
            case llm.ReasoningDelta():
                self.thought.append(event.text)
            case llm.ToolCallFinished() if event.invalid is not None:
                self.invalid[event.call_id] = event.invalid
            case _:
                pass


def completion_of(
    names: CompletionId, answered: AnswerFinished, pieces: Pieces, audio: str | None
) -> schema.ChatCompletion:
    """The whole answer; ``audio`` is the spoken one in base64, then the text is its transcript, refusal or not."""
    calls = [part for part in answered.message.parts if isinstance(part, llm.ToolCall)]
    said, refusal = "".join(pieces.said), "".join(pieces.refused)
    message = schema.Message(
        content=None if audio is not None or (not said and (calls or refusal)) else said,
        refusal=refusal if audio is None and refusal else None,
        reasoning_content="".join(pieces.thought) or msgspec.UNSET,
        audio=msgspec.UNSET
        if audio is None
        else schema.Audio(id=names.audio_id, expires_at=names.expires_at, data=audio, transcript=answered.text),
        tool_calls=[
            schema.ToolCall(
                id=call.call_id,
                function=schema.CalledFunction(name=call.name, arguments=call.arguments),
                invalid=pieces.invalid.get(call.call_id, msgspec.UNSET),
            )
            for call in calls
        ]
        or msgspec.UNSET,
    )
    return schema.ChatCompletion(
        id=names.id,
        created=names.created,
        model=names.model,
        choices=[schema.Choice(message=message, finish_reason=answered.reason)],
        usage=usage_of(answered.usage),
    )
