"""The composition root: a gateway and its routes become the ASGI application."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.di import Provide

from gateway.engines import Gateway
from gateway.http.errors import answer_error
from gateway.http.health import health, ready
from gateway.http.limit import RequestLimit
from gateway.http.models import list_models, retrieve_model
from gateway.http.openapi import description
from gateway.http.request_id import name_answer
from gateway.pipeline.flow import background
from gateway.speech_to_speech.routes import speech_to_speech
from gateway.speech_to_speech.schema import Event, SpeechToSpeechRequest

logger = logging.getLogger(__name__)


def create_app(gateway: Gateway, failed: Callable[[], None] = lambda: None) -> Litestar:
    """The application. Engines load behind the open port; ``failed`` is called when no route could be loaded."""

    limit = RequestLimit(gateway.settings.max_requests)

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
                yield
        finally:
            await limit.idle()  # at a forced end the server does not wait for what it has cancelled
            await gateway.aclose()

    return Litestar(
        route_handlers=[speech_to_speech, list_models, retrieve_model, health, ready],
        dependencies={"gateway": Provide(lambda: gateway, sync_to_thread=False)},
        exception_handlers={Exception: answer_error},
        before_send=[name_answer],
        middleware=[limit],
        lifespan=[lifetime],
        openapi_config=description(SpeechToSpeechRequest, Event),
        logging_config=None,
    )
