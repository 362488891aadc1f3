"""The composition root: a gateway and its routes become the ASGI application."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.di import Provide

from gateway.conversation.continuation import Conversations
from gateway.conversation.store import MemoryStore, Store
from gateway.engines import Gateway
from gateway.http.errors import answer_error
from gateway.http.health import health, ready
from gateway.http.limit import RequestLimit
from gateway.http.models import list_models, retrieve_model
from gateway.http.openapi import description
from gateway.http.request_id import name_answer
from gateway.pipeline.flow import background
from gateway.settings.model import GatewaySettings
from gateway.speech_to_speech.routes import speech_to_speech
from gateway.speech_to_speech.schema import Event, SpeechToSpeechRequest

logger = logging.getLogger(__name__)

MEGABYTE = 1_000_000


def create_app(gateway: Gateway, failed: Callable[[], None] = lambda: None) -> Litestar:
    """The application. Engines load behind the open port; ``failed`` is called when no route could be loaded.

    Raises ``BadOption`` for a store of conversations that cannot be one.
    """

    settings = gateway.settings
    limit = RequestLimit(settings.max_requests)
    conversations = Conversations(_store(settings), max_bytes=round(_largest_mb(settings) * MEGABYTE))

    async def load() -> None:
        await gateway.warm_up()
        for served in gateway.routes:
            if served.failure:
                logger.error("the model %s cannot be served: %s", served.route.name, served.failure)
        if gateway.state == "failed":
            failed()

    @asynccontextmanager
    async def lifetime(_app: Litestar) -> AsyncGenerator[None, None]:
        try:
            async with background() as start:
                start(load())
                conversations.open(start)
                yield
        finally:
            await limit.idle()  # at a forced end the server does not wait for what it has cancelled
            try:
                await gateway.aclose()
            finally:
                await conversations.aclose()

    return Litestar(
        route_handlers=[speech_to_speech, list_models, retrieve_model, health, ready],
        dependencies={
            "gateway": Provide(lambda: gateway, sync_to_thread=False),
            "conversations": Provide(lambda: conversations, sync_to_thread=False),
        },
        exception_handlers={Exception: answer_error},
        before_send=[name_answer],
        middleware=[limit],
        lifespan=[lifetime],
        openapi_config=description(SpeechToSpeechRequest, Event),
        logging_config=None,
    )


def _largest_mb(settings: GatewaySettings) -> float:
    """Megabytes of one conversation: of the memory of all it is a quarter, so that one does not drive itself out."""
    if settings.conversation_store is None:
        return min(settings.conversation_max_mb, settings.conversation_memory_mb / 4)
    return settings.conversation_max_mb


def _store(settings: GatewaySettings) -> Store:
    """Where conversations are kept; nothing is written to disk by this process."""
    if settings.conversation_store is None:
        return MemoryStore(
            ttl_seconds=settings.conversation_ttl_seconds,
            max_bytes=round(settings.conversation_memory_mb * MEGABYTE),
            max_waiting=settings.max_queue,
        )
    from gateway.conversation.redis import RedisStore  # noqa: PLC0415  its client is imported only when it is used

    return RedisStore(
        settings.conversation_store, ttl_seconds=settings.conversation_ttl_seconds, max_waiting=settings.max_queue
    )
