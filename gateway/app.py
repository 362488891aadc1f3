"""The composition root: a gateway and its routes become the ASGI application."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from litestar import Litestar
from litestar.di import Provide

from gateway.api import (
    chat_completions,
    conversations,
    health,
    models,
    responses,
    speech,
    speech_to_speech,
    transcriptions,
    voices,
)
from gateway.api.chat_completions.routes import ChatResources
from gateway.api.responses.response import Shelf
from gateway.api.responses.running import RunningResponses
from gateway.audio.decoder_pool import DecoderPool
from gateway.conversation.build import build_history
from gateway.engines.lifecycle import Gateway
from gateway.http.body_budget import BodyBudget
from gateway.http.concurrency_limit import ConcurrencyLimit
from gateway.http.cors import cors_config
from gateway.http.errors import answer_error
from gateway.http.form import MAX_BODY_BYTES
from gateway.http.openapi import description
from gateway.http.request_id import name_answer
from gateway.http.surface import Surface
from gateway.http.voice_turns import VoiceTurns
from gateway.tasks import background
from gateway.telemetry.outcome import log_outcome
from gateway.turns.conversation_turn import Turns
from gateway.turns.speech_turn import SpeechTurns
from gateway.turns.transcription_turn import TranscriptionTurns

SURFACES: tuple[Surface, ...] = (
    speech_to_speech.surface,
    speech.surface,
    transcriptions.surface,
    chat_completions.surface,
    responses.surface,
    conversations.surface,
    voices.surface,
    models.surface,
    health.surface,
)


def create_app(
    gateway: Gateway, failed: Callable[[], None] = lambda: None, surfaces: Sequence[Surface] = SURFACES
) -> Litestar:
    """The application. Engines load behind the open port; ``failed`` is called when no route could be loaded.

    Raises ``BadOption`` for an address that no store of conversations can have, or an origin that none is.
    """
    history = build_history(gateway.settings)
    turns, transcription_turns = Turns(history, log_outcome), TranscriptionTurns(log_outcome)
    shelf = Shelf(archive=history.archive, running=RunningResponses())
    decoder = DecoderPool(max_seconds=gateway.settings.max_audio_seconds)
    speech_turns = SpeechTurns(log_outcome)
    chat_resources = ChatResources(gateway=gateway, turns=turns, decoder=decoder)
    voice_turns = VoiceTurns(gateway, turns, decoder)

    async def load() -> None:
        await gateway.warm_up()
        if gateway.state == "failed":
            failed()

    @asynccontextmanager
    async def lifetime(_app: Litestar) -> AsyncGenerator[None, None]:
        try:
            async with background() as start:
                start(load())
                start(decoder.warm_up())
                history.start_maintenance(start)
                yield
        finally:
            async with AsyncExitStack() as closing:
                for part in (history, decoder, gateway):
                    closing.push_async_callback(part.aclose)

    return Litestar(
        route_handlers=[handler for surface in surfaces for handler in surface.handlers],
        dependencies={
            "gateway": Provide(lambda: gateway, sync_to_thread=False),
            "turns": Provide(lambda: turns, sync_to_thread=False),
            "transcription_turns": Provide(lambda: transcription_turns, sync_to_thread=False),
            "archive": Provide(lambda: history.archive, sync_to_thread=False),
            "shelf": Provide(lambda: shelf, sync_to_thread=False),
            "decoder": Provide(lambda: decoder, sync_to_thread=False),
            "speech_turns": Provide(lambda: speech_turns, sync_to_thread=False),
            "chat_resources": Provide(lambda: chat_resources, sync_to_thread=False),
            "voice_turns": Provide(lambda: voice_turns, sync_to_thread=False),
        },
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers={Exception: answer_error},
        cors_config=cors_config(gateway.settings.cors_origins),
        before_send=[name_answer],
        middleware=[
            ConcurrencyLimit(gateway.settings.max_requests, lambda: gateway.stopping),
            BodyBudget(gateway.settings.request_memory_mb),
        ],
        lifespan=[lifetime],
        openapi_config=description(*(wire_type for surface in surfaces for wire_type in surface.wire_types)),
        logging_config=None,
    )
