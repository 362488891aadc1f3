"""The composition root: a gateway and its routes become the ASGI application."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import Scope

from gateway.access.keys import Keyring
from gateway.api import (
    chat_completions,
    conversations,
    health,
    models,
    responses,
    speech,
    speech_to_speech,
    transcriptions,
    usage,
    voices,
)
from gateway.api.chat_completions.routes import ChatResources
from gateway.api.responses.response import Shelf
from gateway.api.responses.running import RunningResponses
from gateway.audio.decoder_pool import DecoderPool
from gateway.conversation.archive import Archive
from gateway.conversation.build import build_history
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import AccessControl, caller_of
from gateway.http.body_budget import BodyBudget
from gateway.http.concurrency_limit import ConcurrencyLimit
from gateway.http.cors import cors_config, refuse_strangers
from gateway.http.errors import answer_error
from gateway.http.foreign_pages import ForeignPages
from gateway.http.form import MAX_BODY_BYTES
from gateway.http.openapi import description
from gateway.http.rate_limit import RateLimit, tell_limits
from gateway.http.request_id import name_answer
from gateway.http.surface import Surface
from gateway.http.voice_turns import VoiceTurns
from gateway.tasks import background
from gateway.telemetry.charging import build_meter, charging
from gateway.telemetry.outcome import log_outcome, reports
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
    usage.surface,
    health.surface,
)


def create_app(
    gateway: Gateway,
    failed: Callable[[], None] = lambda: None,
    surfaces: Sequence[Surface] = SURFACES,
    keyring: Keyring | None = None,
) -> Litestar:
    """The application. Engines load behind the open port; ``failed`` is called when no route could be loaded.

    ``keyring`` are the keys of which every request needs one; without any, requests from loopback need none.

    Raises ``BadOption`` for an address that no store can have, or an origin that none is.
    """
    history = build_history(gateway.settings)
    meter = build_meter(gateway.settings)
    report = reports(log_outcome, charging(meter))
    turns, transcription_turns = Turns(history, report), TranscriptionTurns(report)
    running = RunningResponses()
    decoder = DecoderPool(max_seconds=gateway.settings.max_audio_seconds)
    speech_turns = SpeechTurns(report)
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
                start(meter.attend())
                history.start_maintenance(start)
                yield
        finally:
            async with AsyncExitStack() as closing:
                for part in (meter, history, decoder, gateway):
                    closing.push_async_callback(part.aclose)

    def archive_of(scope: Scope) -> Archive:
        return history.of(caller_of(scope).name).archive

    def shelf_of(scope: Scope) -> Shelf:
        return Shelf(archive=archive_of(scope), running=running.of(caller_of(scope).name))

    settings = gateway.settings
    foreign_pages = ForeignPages(settings.allow_anonymous, settings.cors_origins)
    app = Litestar(
        route_handlers=[
            Router(path="/", route_handlers=surface.handlers, opt={"surface": surface.name}) for surface in surfaces
        ],
        dependencies={
            "gateway": Provide(lambda: gateway, sync_to_thread=False),
            "turns": Provide(lambda: turns, sync_to_thread=False),
            "transcription_turns": Provide(lambda: transcription_turns, sync_to_thread=False),
            "archive": Provide(archive_of, sync_to_thread=False),
            "shelf": Provide(shelf_of, sync_to_thread=False),
            "decoder": Provide(lambda: decoder, sync_to_thread=False),
            "speech_turns": Provide(lambda: speech_turns, sync_to_thread=False),
            "chat_resources": Provide(lambda: chat_resources, sync_to_thread=False),
            "meter": Provide(lambda: meter, sync_to_thread=False),
            "voice_turns": Provide(lambda: voice_turns, sync_to_thread=False),
        },
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers={Exception: answer_error},
        cors_config=cors_config(settings.cors_origins),
        before_send=[name_answer, tell_limits],
        middleware=[
            AccessControl(keyring or Keyring(), foreign_pages),
            RateLimit(meter),
            ConcurrencyLimit(settings.max_requests, lambda: gateway.stopping),
            BodyBudget(settings.request_memory_mb),
        ],
        lifespan=[lifetime],
        openapi_config=description(*(wire_type for surface in surfaces for wire_type in surface.wire_types)),
        logging_config=None,
    )
    refuse_strangers(app)
    return app
