"""HTTP client for OpenAI-compatible servers: sends requests, with retries, and gives the answers as events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from itertools import count
from typing import Any, TypeVar

import httpx

from adapters.contract.engine import Started, UpstreamState
from adapters.contract.errors import AdapterError, Unavailable, UpstreamError
from adapters.contract.passthrough import Forwarded, PassEvent
from adapters.contract.request_context import current_request
from adapters.options import BadOption, Secret, shown_url
from adapters.upstream.attempt import Attempt, CompletionCall, Event, ResponseStream
from adapters.upstream.audio_answer import AudioAnswer, AudioCall, AudioDeclared
from adapters.upstream.body import drain
from adapters.upstream.breaker import CircuitBreaker
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.error_table import ServerFailure
from adapters.upstream.forwarding import ForwardCall, ForwardedStream
from adapters.upstream.multipart import Upload, encode_body
from adapters.upstream.options import OPENAI, UpstreamOptions, named_for
from adapters.upstream.pool import ClientPool
from adapters.upstream.proxies import proxy_for
from adapters.upstream.refused_fields import RefusedFields
from adapters.upstream.retries import retry_delay
from adapters.upstream.transport import Content
from adapters.upstream.urls import authorization, display_url, parse_url

_MAX_MODELS_BYTES = 4 * 1024 * 1024  # of a list of models that is only read to keep the connection

HEADERS = {
    "user-agent": f"python-httpx/{httpx.__version__}",  # some servers refuse requests without one
    "accept-encoding": "identity",  # compression would delay events
}
"""Those of every request to a server."""

_log = logging.getLogger(__name__)

AttemptT = TypeVar("AttemptT", bound=Attempt)


class UpstreamClient:
    """The client of the server in ``options``, used by the adapter ``adapter_name``; constructing does no I/O.

    ``stage`` is that of the adapter, for the names of the options in messages.
    Raises ``BadOption`` for a base URL, a key or a proxy that cannot work, and for OpenAI's own server without a key.
    """

    def __init__(self, adapter_name: str, options: UpstreamOptions, stage: str = "llm") -> None:
        self._adapter = adapter_name
        self._options = options
        try:
            self._base = _base_url(options.responses_api_base_url)
            self._key = _key(options.responses_api_api_key)
            self.is_openai = self._base.host == "api.openai.com" or self._base.host.endswith(".api.openai.com")
            """Whether the server is OpenAI's own."""
            if self.is_openai and not self._key:
                raise BadOption(
                    "OpenAI needs an API key: set --responses_api_api_key or OPENAI_API_KEY, "
                    "or choose another server with --responses_api_base_url."
                )
        except BadOption as error:
            raise BadOption(named_for(stage, str(error))) from None
        self._proxy = proxy_for(self._base)
        self.errors = ErrorFactory(adapter_name, self._key, options, self._proxy, stage)
        self._pool: ClientPool | None = None
        self._closed = False
        own = HEADERS | authorization(self._base, self._key)
        self._headers = httpx.Headers({"host": self._base.netloc.decode(), **own})
        self._urls: dict[str, httpx.URL] = {}  # by path: making one takes longer than sending a request
        self._retries = 0
        self._breakers: dict[str, CircuitBreaker] = {}  # by model
        self._refused_fields = RefusedFields(adapter_name)

    @property
    def state(self) -> UpstreamState:
        """How asking the server goes."""
        circuits = self._breakers.values()
        return UpstreamState(retries=self._retries, circuits_open=sum(circuit.is_open for circuit in circuits))

    @property
    def _place(self) -> str:
        return display_url(self._base)

    async def warm_up(self) -> None:
        """Open a connection by listing the models; failures are only logged, because the server may start later."""
        try:
            async with asyncio.timeout(self._options.responses_api_connect_timeout):
                request = self._request("GET", "/models", {})
                response = await self._transport().handle_async_request(request)
                response.request = request
                try:
                    await drain(response, _MAX_MODELS_BYTES)
                finally:
                    await response.aclose()
        except AdapterError as error:
            failure = error
        except httpx.HTTPError as error:
            failure = self.errors.no_response(error)
        except TimeoutError:
            failure = self.errors.timed_out("connect_timeout")
        else:
            if response.status_code not in (401, 403, 407) and not response.is_redirect:
                return
            failure = self.errors.refused(None, response)
        _log.warning("%s: %s is not ready: %s", self._adapter, self._place, failure.message)

    async def aclose(self) -> None:
        """Release the shared connections; harmless when called twice."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.release()

    async def stream(self, call: CompletionCall[Event]) -> AsyncGenerator[Started | Event, None]:
        """The events of one answer; ``Started`` comes together with the first content. Raises ``AdapterError``."""
        try:
            response = await self._open(call.body, partial(self._attempt, call))
            try:
                yield Started(ignored=call.ignored)
                async for event in response:
                    yield event
            finally:
                await response.aclose()
        except ServerFailure as error:  # a difference for retries only
            raise UpstreamError(error.message, adapter=error.adapter) from error

    async def forward(self, call: ForwardCall) -> AsyncGenerator[PassEvent, None]:
        """The bytes of one answer as they came; ``Started`` comes with the first content. Raises ``AdapterError``."""

        def attempt(asked: _Asked) -> Awaitable[ForwardedStream]:
            stream = ForwardedStream(self.errors, self._options, call, asked.deadline, self._key)
            return self._opened(stream, asked, call.path, call.body)

        try:
            response = await self._open(call.body, attempt)
            try:
                yield Started()
                answer_id = response.answer_id
                while data := await response.read():
                    yield Forwarded(data=data, answer_id=answer_id)
                    answer_id = None
                yield response.finish()
            finally:
                await response.aclose()
        except ServerFailure as error:  # a difference for retries only
            raise UpstreamError(error.message, adapter=error.adapter) from error

    async def audio(self, call: AudioCall) -> AsyncGenerator[AudioDeclared | bytes, None]:
        """The bytes of an audio file as they come, after what the server says it is. Raises ``AdapterError``."""

        def attempt(asked: _Asked) -> Awaitable[AudioAnswer]:
            return self._opened(AudioAnswer(self.errors, self._options, asked.deadline), asked, call.path, call.body)

        try:
            answer = await self._open(call.body, attempt)
            try:
                yield AudioDeclared(content_type=answer.content_type)
                while data := await answer.read():
                    yield data
            finally:
                await answer.aclose()
        except ServerFailure as error:  # a difference for retries only
            raise UpstreamError(error.message, adapter=error.adapter) from error

    async def _open(self, body: dict[str, Any], attempt: Callable[["_Asked"], Awaitable[AttemptT]]) -> AttemptT:
        """The first attempt that gets as far as content; earlier failures are invisible to the reader."""
        breaker = self._breaker(body)
        asked = _Asked(asyncio.get_running_loop().time() + self._options.responses_api_deadline)
        try:
            return await self._repeated(body, attempt, asked)
        except (AdapterError, asyncio.CancelledError):
            if asked.has_failed:  # also where its caller leaves before it is tried again
                self._record_failure(asked, breaker)
            raise

    async def _repeated(
        self, body: dict[str, Any], attempt: Callable[["_Asked"], Awaitable[AttemptT]], asked: "_Asked"
    ) -> AttemptT:
        clock = asyncio.get_running_loop().time
        failure: AdapterError | None = None
        for repetition in count():
            if wait := self._breaker(body).wait(clock()):
                disabled = self.errors.unavailable("is temporarily disabled after repeated failures", retry_after=wait)
                raise failure or disabled
            try:
                return await attempt(asked)
            except AdapterError as error:
                failure = error
            retries_left = repetition < self._options.responses_api_max_retries
            delay = retry_delay(failure, repetition) if retries_left else None
            if delay is None or clock() + delay >= asked.deadline:
                raise failure
            _log.info("%s: retry in %.2f s after %s", self._adapter, delay, type(failure).__name__)
            self._retries += 1
            await asyncio.sleep(delay)
        raise AssertionError("the loop has no end")

    async def _attempt(self, call: CompletionCall[Event], asked: "_Asked") -> ResponseStream[Event]:
        """One attempt; others without what of its fields the server may have refused."""

        def send(call: CompletionCall[Event]) -> Awaitable[ResponseStream[Event]]:
            stream = ResponseStream(self.errors, self._options, call, asked.deadline)
            return self._opened(stream, asked, call.path, call.body, call.upload)

        return await self._refused_fields.attempt(call, send)

    async def _opened(
        self, attempt: AttemptT, asked: "_Asked", path: str, body: dict[str, Any], upload: Upload | None = None
    ) -> AttemptT:
        """``attempt`` with the first content of its answer; how that went is told to the circuit breaker, or noted."""
        content_type, data = encode_body(body, upload)
        accepted = "text/event-stream" if body.get("stream") else "application/json"
        headers = {"content-type": content_type, "content-length": str(len(data)), "accept": accepted}
        request = self._request("POST", path, headers, data)
        try:
            await attempt.open(self._transport(), request)
        except BaseException as error:
            await attempt.aclose()
            if isinstance(error, AdapterError):
                asked.has_failed, asked.was_served = True, _was_served(error, attempt.status)
            raise
        self._breaker(body).succeeded()
        return attempt

    def _record_failure(self, asked: "_Asked", breaker: CircuitBreaker) -> None:
        """Report a failed request to the breaker, once: some servers fail at a request that they should refuse."""
        if asked.was_served:
            breaker.succeeded()
        elif breaker.failed(asyncio.get_running_loop().time()):
            _log.warning("%s: %s is temporarily disabled after repeated failures", self._adapter, self._place)

    def _breaker(self, body: dict[str, Any]) -> CircuitBreaker:
        """The breaker of the model: a server may have several models of which one hangs."""
        pool, model = self._acquired_pool(), str(body.get("model"))  # a closed engine is not asked, nor retried
        if model not in self._breakers:
            self._breakers[model] = pool.breakers[str(self._base), model]
        return self._breakers[model]

    def _acquired_pool(self) -> ClientPool:
        if self._closed:
            raise Unavailable("This engine has been closed.", adapter=self._adapter)
        self._pool = self._pool or ClientPool.acquire()
        return self._pool

    def _transport(self) -> httpx.AsyncBaseTransport:
        """The way to the server. Raises ``AdapterError``."""
        try:
            return self._acquired_pool().transport(self._proxy)
        except httpx.HTTPError as error:
            raise self.errors.no_response(error) from error

    def _request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx.Request:
        if path not in self._urls:
            self._urls[path] = self._base.copy_with(path=self._base.path.rstrip("/") + path)
        request = httpx.Request(
            method,
            self._urls[path],
            headers=self._headers,  # copied, which takes less time than to make them anew
            stream=Content(body),
            extensions={"timeout": {"connect": self._options.responses_api_connect_timeout}},
        )
        context = current_request.get()
        for name, value in (headers | (context.headers if context else {})).items():
            request.headers[name] = value
        return request


class _Asked:
    """A request: whether an attempt at it ``has_failed``, and ``was_served``, the last one, by a server that works."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.has_failed = self.was_served = False


def _was_served(error: AdapterError, status: int | None) -> bool:
    """Whether the server of a failed attempt works: the refusal of one request shows that it does."""
    if status is not None and status >= 400:
        return status < 500
    return not isinstance(error, Unavailable)


def _base_url(given: str | None) -> httpx.URL:
    url = parse_url(given or OPENAI)
    if url is None or url.scheme not in ("http", "https"):
        shown = shown_url(given or "")
        raise BadOption(f"--responses_api_base_url {shown!r} is not a URL like 'http://localhost:8000/v1'.")
    return url


def _key(given: Secret | None) -> str:
    key = given.reveal() if given else ""
    if not all("!" <= character <= "~" for character in key):
        raise BadOption("--responses_api_api_key contains whitespace or non-ASCII characters: check the key.")
    return key
