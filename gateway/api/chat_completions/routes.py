"""The route of Chat Completions: reads the request, takes the turn or passes it on, answers whole or in chunks."""

import logging
from functools import partial
from typing import Any

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency

from adapters.contract import llm
from gateway.api.chat_completions.message_rules import check_messages, has_recording, names_spoken_answer
from gateway.api.chat_completions.openapi import ChatCompletionsOperation
from gateway.api.chat_completions.response import CompletedAnswer, PassedAnswer
from gateway.api.chat_completions.schema import FIELDS, ChatCompletionRequest, Envelope
from gateway.api.chat_completions.translate import (
    TurnContext,
    check,
    check_envelope,
    completion_id,
    ignored,
    is_spoken,
    not_stored,
    turn_request,
)
from gateway.audio.decoder_pool import DecoderPool
from gateway.engines.lifecycle import Gateway
from gateway.engines.route import Stage
from gateway.http.auth import caller_of
from gateway.http.form import Fields, read_json
from gateway.http.offload import offloaded
from gateway.http.rate_limit import admit
from gateway.http.request_id import request_id
from gateway.http.streaming import ClientRelay, StreamingResponse, connection_of
from gateway.http.validation import fields_of
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.passed_turn import PassedRequest, passes
from gateway.turns.request import AudioSource
from gateway.wire.messages import spoken_answers
from gateway.wire.tools import check_tool_types

logger = logging.getLogger(__name__)


class ChatResources(msgspec.Struct, frozen=True, kw_only=True):
    """What the route needs of the application: one dependency, because Litestar starts a task for each of several."""

    gateway: Gateway
    turns: Turns
    decoder: DecoderPool


@post(
    "/v1/chat/completions",
    status_code=200,
    opt={"limited": True, "fields": FIELDS},
    operation_class=ChatCompletionsOperation,
    operation_id="createChatCompletion",
    summary="An answer to messages",
    tags=["Chat"],
)
async def chat_completions(
    request: Request[Any, Any, Any],
    chat_resources: NamedDependency[ChatResources],
) -> StreamingResponse:
    """Answer the messages, as text or spoken, whole or while the answer is being written."""
    watch, caller = Stopwatch(), caller_of(request.scope)
    fields = await read_json(request)
    envelope = await offloaded(fields.size, _envelope, fields)
    stages = _stages(envelope)
    turns, decoder = chat_resources.turns, chat_resources.decoder
    served = admit(request.scope, chat_resources.gateway, envelope.model, stages)
    unstored = not_stored(envelope, fields.values)
    own_protocol = passes(served, "chat-completions", fields.values)
    if own_protocol and stages == ("llm",) and not names_spoken_answer(envelope.messages):
        relay = ClientRelay(connection_of(request.scope))
        passed = turns.pass_on(PassedRequest(caller=caller, body=fields.values, relay=relay), served, watch)
        logger.info("%s is answered by %s", request_id(request.scope), passed.id)
        answer = PassedAnswer(passed, watch, (*fields.ignored, *unstored))
        return answer.response(streamed=bool(envelope.stream), relay=relay)
    wire, unknown = await offloaded(fields.size, _whole, fields)
    names = completion_id(envelope.model, chat_resources.gateway.settings.conversation_ttl_seconds)
    known_there = [name for name in unknown if own_protocol and name not in unstored]
    extra = {name: fields.values[name] for name in known_there if name in fields.values}

    def source_of(recording: llm.Audio) -> AudioSource:
        return partial(decoder.decode, recording.data)

    context = TurnContext(
        caller=caller,
        source_of=source_of,
        spoken_words=await turns.spoken_words(caller, spoken_answers(wire.messages)),
        audio_id=names.audio_id,
        extra=extra,
    )
    asked = await offloaded(fields.size, turn_request, wire, context)
    turn = turns.begin(asked, served, watch)
    logger.info("%s is answered by %s", request_id(request.scope), turn.id)
    without_effect = (*(name for name in unknown if name not in extra), *unstored, *ignored(wire))
    return CompletedAnswer(turn, wire, names, watch, without_effect).response()


def _envelope(fields: Fields) -> Envelope:
    """What is read of every request. Raises ``InvalidRequest``."""
    envelope, _ = fields_of(fields, Envelope, ())
    check_messages(envelope.messages)
    check_envelope(envelope)
    return envelope


def _whole(fields: Fields) -> tuple[ChatCompletionRequest, tuple[str, ...]]:
    """The request, and the names of fields that are not known. Raises ``InvalidRequest``."""
    check_tool_types(fields.values.get("tools"))
    wire, unknown = fields_of(fields, ChatCompletionRequest, ())
    check(wire)
    return wire, unknown


def _stages(envelope: Envelope) -> tuple[Stage, ...]:
    """The stages of a route that the request needs."""
    hearing: tuple[Stage, ...] = ("stt",) if has_recording(envelope.messages) else ()
    speaking: tuple[Stage, ...] = ("tts",) if is_spoken(envelope) else ()
    return (*hearing, "llm", *speaking)
