"""The composition root: a gateway and its routes become the ASGI application."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import Scope

from adapters.options import BadOption, shown_url
from adapters.upstream.urls import parse_url
from gateway.access.client_secrets import ClientSecrets
from gateway.access.keys import Keyring
from gateway.access.meter import Meter
from gateway.api import (
    chat_completions,
    conversations,
    health,
    metrics,
    models,
    page,
    realtime,
    responses,
    speech,
    speech_to_speech,
    transcriptions,
    usage,
    voices,
)
from gateway.api.chat_completions.routes import ChatResources
from gateway.api.page.routes import is_served
from gateway.api.realtime.client_secrets import SecretMaker
from gateway.api.responses.response import Shelf
from gateway.api.responses.running import RunningResponses
from gateway.audio.decoder_pool import DecoderPool
from gateway.conversation.archive import Archive
from gateway.conversation.build import build_history
from gateway.conversation.history import History
from gateway.engines.inventory import engine_statuses
from gateway.engines.lifecycle import Gateway
from gateway.http.auth import AccessControl, caller_of
from gateway.http.body_budget import BodyBudget
from gateway.http.concurrency_limit import ConcurrencyLimit
from gateway.http.cors import cors_config, refuse_strangers
from gateway.http.errors import answer_error, stream_error
from gateway.http.foreign_pages import ForeignPages
from gateway.http.openapi import description
from gateway.http.rate_limit import RateLimit, tell_limits
from gateway.http.request_id import name_answer
from gateway.http.request_naming import RequestNaming
from gateway.http.surface import Surface
from gateway.http.voice_turns import VoiceTurns
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.sessions import RealtimeService, RealtimeSessions
from gateway.siblings import ALONE, Siblings
from gateway.tasks import background
from gateway.telemetry.charging import build_meter, charging
from gateway.telemetry.engine_metrics import EngineCollector
from gateway.telemetry.merged import packed
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Observer, fan_out
from gateway.telemetry.sight import Sight
from gateway.telemetry.turn_log import log_turn
from gateway.telemetry.use_metrics import AtOnceCollector
from gateway.turns.conversation_turn import Turns
from gateway.turns.speech_turn import SpeechTurns
from gateway.turns.transcription_turn import TranscriptionTurns
from gateway.webrtc.calls import Calls

if TYPE_CHECKING:
    from gateway.telemetry.otel import OtelExport

SURFACES: tuple[Surface, ...] = (
    speech_to_speech.surface,
    speech.surface,
    transcriptions.surface,
    chat_completions.surface,
    responses.surface,
    conversations.surface,
    realtime.surface,
    voices.surface,
    models.surface,
    usage.surface,
    health.surface,
    metrics.surface,
    page.surface,
)


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What the application knows of the process that it runs in.

    ``attend`` works in the background for as long as the application runs. ``siblings`` are the other workers that
    serve the port.
    """

    attend: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    siblings: Siblings = ALONE


def create_app(
    gateway: Gateway,
    failed: Callable[[], None] = lambda: None,
    surfaces: Sequence[Surface] = SURFACES,
    keyring: Keyring | None = None,
    process: Process = Process(),  # noqa: B008 - frozen
) -> Litestar:
    """The application. Engines load behind the open port; ``failed`` is called when no route could be loaded.

    ``keyring`` are the keys of which every request needs one; without any, requests from loopback need none.

    Raises ``BadOption`` for an address, origin, collector or network that cannot be.
    """
    settings = gateway.settings
    shown = [each for each in surfaces if each is not page.surface or is_served(settings)]
    parts = _Parts(
        gateway=gateway,
        secrets=ClientSecrets(process.siblings),
        keyring=keyring or Keyring(),
        process=process,
        history=build_history(settings),
        meter=build_meter(settings),
        decoder=DecoderPool(max_seconds=settings.max_audio_seconds),
        measured=_metrics(gateway),
        otel=_otel_export(gateway),
    )
    parts.measured.registry.register(AtOnceCollector(parts.meter))
    sessions = _realtime_sessions(parts)
    parts.measured.watch_sessions(lambda: sessions.open)
    calls = Calls(sessions, settings)
    provided = _dependencies(parts, sessions, calls)
    naming = RequestNaming(parts.measured)
    app = Litestar(
        route_handlers=[Router(path="/", route_handlers=each.handlers, opt={"surface": each.name}) for each in shown],
        dependencies={name: Provide(provide, sync_to_thread=False) for name, provide in provided.items()},
        exception_handlers={Exception: answer_error},
        cors_config=cors_config(settings.cors_origins),
        before_send=[name_answer, tell_limits, naming.count_answer],
        middleware=[
            naming,
            AccessControl(parts.keyring, ForeignPages(settings.allow_anonymous, settings.cors_origins), parts.secrets),
            RateLimit(parts.meter),
            ConcurrencyLimit(settings.max_requests, lambda: gateway.stopping),
            BodyBudget(settings.request_memory_mb),
        ],
        lifespan=[lambda _app: parts.running(failed, (sessions.attend, calls.attend))],
        openapi_config=description(*(wire_type for each in shown for wire_type in each.wire_types)),
        logging_config=None,
    )
    refuse_strangers(app)
    return app


class _Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What lives as long as the application."""

    gateway: Gateway
    secrets: ClientSecrets
    keyring: Keyring
    process: Process
    history: History
    meter: Meter
    decoder: DecoderPool
    measured: Metrics
    otel: "OtelExport | None"

    @property
    def observer(self) -> Observer:
        """Who is told of every turn."""
        charge = charging(self.meter)
        traced = () if self.otel is None else (self.otel.observe,)
        return fan_out((log_turn, self.measured.observe, lambda _: charge, *traced))

    @asynccontextmanager
    async def running(
        self, failed: Callable[[], None], attendants: Sequence[Callable[[], Coroutine[Any, Any, None]]]
    ) -> AsyncGenerator[None, None]:
        """Start what works in the background, ``attendants`` too, load the engines, and close everything at the end."""

        async def load() -> None:
            await self.gateway.warm_up()
            if self.gateway.state == "failed":
                failed()

        exported = () if self.otel is None else (self.otel,)
        try:
            for export in exported:
                export.start()
            async with background() as start:
                start(load())
                start(self.decoder.warm_up())
                start(self.meter.attend())
                for attend in (*attendants, *self.process.attend):
                    start(attend())
                self.history.start_maintenance(start)
                async with self._answering_siblings():
                    yield
        finally:
            async with AsyncExitStack() as closing:
                for part in (*exported, self.meter, self.history, self.decoder, self.gateway):
                    closing.push_async_callback(part.aclose)

    def _answering_siblings(self) -> AbstractAsyncContextManager[None]:
        """Tell the other workers of this one."""
        metrics = self.measured.registry
        return self.process.siblings.answering(
            {
                "state": lambda _: str(self.gateway.state).encode(),
                "metrics": lambda _: packed(metrics.collect()),
                "client_secret": self.secrets.told,
            }
        )


def _realtime_sessions(parts: _Parts) -> RealtimeSessions:
    """All realtime sessions, which take their turns as requests do."""

    def failure(error: Exception) -> FailureBody:
        told = stream_error(error, {}).error
        return FailureBody(type=told.type, code=told.code, message=told.message)

    observer = parts.observer
    service = RealtimeService(
        gateway=parts.gateway,
        turns=Turns(parts.history, observer),
        speech_turns=SpeechTurns(observer),
        history=parts.history,
        observer=observer,
        meter=parts.meter,
        failure=failure,
    )
    return RealtimeSessions(service)


def _dependencies(parts: _Parts, sessions: RealtimeSessions, calls: Calls) -> dict[str, Callable[..., Any]]:
    """What handlers ask for, by the names of their parameters; some of it is that of the request's caller."""
    gateway, history, decoder, observer = parts.gateway, parts.history, parts.decoder, parts.observer
    turns, running = Turns(history, observer), RunningResponses()
    transcription_turns, speech_turns = TranscriptionTurns(observer), SpeechTurns(observer)
    chat_resources = ChatResources(gateway=gateway, turns=turns, decoder=decoder)
    voice_turns, secret_maker = VoiceTurns(gateway, turns, decoder), SecretMaker(gateway, sessions, parts.secrets)
    sight = Sight(parts.measured, parts.meter, parts.keyring, parts.process.siblings)

    def archive_of(scope: Scope) -> Archive:
        return history.of(caller_of(scope).name).archive

    def shelf_of(scope: Scope) -> Shelf:
        return Shelf(archive=archive_of(scope), running=running.of(caller_of(scope).name))

    return {
        "gateway": lambda: gateway,
        "turns": lambda: turns,
        "transcription_turns": lambda: transcription_turns,
        "speech_turns": lambda: speech_turns,
        "chat_resources": lambda: chat_resources,
        "voice_turns": lambda: voice_turns,
        "archive": archive_of,
        "shelf": shelf_of,
        "realtime_sessions": lambda: sessions,
        "calls": lambda: calls,
        "secret_maker": lambda: secret_maker,
        "decoder": lambda: decoder,
        "meter": lambda: parts.meter,
        "sight": lambda: sight,
        "siblings": lambda: parts.process.siblings,
    }


def _metrics(gateway: Gateway) -> Metrics:
    measured = Metrics()
    measured.registry.register(EngineCollector(lambda: engine_statuses(gateway.routes)))
    return measured


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

    def model_of(route: str) -> TracedModel | None:
        settings = next((served.route.settings for served in gateway.routes if served.name == route), None)
        if settings is None:
            return None
        return TracedModel(provider=settings.llm_backend or "", name=settings.model_name or route)

    return OtelExport(endpoint, model_of)
