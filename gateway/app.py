"""The composition root: a gateway and its routes become the ASGI application."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import Scope

from adapters.options import BadOption, shown_url
from adapters.upstream.urls import parse_url
from gateway.access.keys import Keyring
from gateway.api import (
    chat_completions,
    conversations,
    health,
    metrics,
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
from gateway.engines.inventory import engine_statuses
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
from gateway.http.request_naming import RequestNaming
from gateway.http.surface import Surface
from gateway.http.voice_turns import VoiceTurns
from gateway.tasks import background
from gateway.telemetry.charging import build_meter, charging
from gateway.telemetry.engine_metrics import EngineCollector
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import fan_out
from gateway.telemetry.turn_log import log_turn
from gateway.turns.conversation_turn import Turns
from gateway.turns.speech_turn import SpeechTurns
from gateway.turns.transcription_turn import TranscriptionTurns

if TYPE_CHECKING:
    from gateway.telemetry.otel import OtelExport

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
    metrics.surface,
)


def create_app(
    gateway: Gateway,
    failed: Callable[[], None] = lambda: None,
    surfaces: Sequence[Surface] = SURFACES,
    keyring: Keyring | None = None,
) -> Litestar:
    """The application. Engines load behind the open port; ``failed`` is called when no route could be loaded.

    ``keyring`` are the keys of which every request needs one; without any, requests from loopback need none.

    Raises ``BadOption`` for an address that no store can have, an origin that none is, or a collector that data cannot
    be sent to.
    """
    history = build_history(gateway.settings)
    meter = build_meter(gateway.settings)
    charge = charging(meter)
    measured = Metrics()
    measured.registry.register(EngineCollector(lambda: engine_statuses(gateway.routes)))
    otel = _otel_export(gateway)
    observer = fan_out((log_turn, measured.observe, lambda _: charge, *(() if otel is None else (otel.observe,))))
    naming = RequestNaming(measured)
    turns, transcription_turns = Turns(history, observer), TranscriptionTurns(observer)
    running = RunningResponses()
    decoder = DecoderPool(max_seconds=gateway.settings.max_audio_seconds)
    speech_turns = SpeechTurns(observer)
    chat_resources = ChatResources(gateway=gateway, turns=turns, decoder=decoder)
    voice_turns = VoiceTurns(gateway, turns, decoder)

    async def load() -> None:
        await gateway.warm_up()
        if gateway.state == "failed":
            failed()

    @asynccontextmanager
    async def lifetime(_app: Litestar) -> AsyncGenerator[None, None]:
        try:
            if otel is not None:
                otel.start()
            async with background() as start:
                start(load())
                start(decoder.warm_up())
                start(meter.attend())
                history.start_maintenance(start)
                yield
        finally:
            async with AsyncExitStack() as closing:
                for part in (*(() if otel is None else (otel,)), meter, history, decoder, gateway):
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
            "measured": Provide(lambda: measured, sync_to_thread=False),
            "voice_turns": Provide(lambda: voice_turns, sync_to_thread=False),
        },
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers={Exception: answer_error},
        cors_config=cors_config(settings.cors_origins),
        before_send=[name_answer, tell_limits, naming.count_answer],
        middleware=[
            naming,
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


def _otel_export(gateway: Gateway) -> "OtelExport | None":
    """What sends traces and metrics to a collector, if there is one. Raises ``BadOption``."""
    endpoint = gateway.settings.otel_endpoint
    if endpoint is None:
        return None
    url = parse_url(endpoint)
    if url is None or url.scheme not in ("http", "https"):
        raise BadOption(f"--otel_endpoint {shown_url(endpoint)!r} is not a URL like 'http://localhost:4318'.")
    try:
        from gateway.telemetry.otel import OtelExport, TracedModel  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise BadOption(
            f"--otel_endpoint needs packages that are not installed ({error.name}): pip install 'speech-gateway[otel]'"
        ) from None
    chosen = {served.name: served.route.settings for served in gateway.routes}
    models = {
        name: TracedModel(provider=settings.llm_backend or "", name=settings.model_name or name)
        for name, settings in chosen.items()
    }
    return OtelExport(endpoint, models)
