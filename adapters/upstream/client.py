"""HTTP client for OpenAI-compatible servers: sends requests, with retries, and gives the answers as events."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from itertools import count
from urllib.parse import urlsplit

import httpx
import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, Unavailable
from adapters.options import BadOption, Secret, shown_url
from adapters.upstream.attempt import CompletionCall, ResponseStream
from adapters.upstream.breaker import CircuitBreaker
from adapters.upstream.error_factory import ErrorFactory
from adapters.upstream.options import OPENAI, UpstreamOptions
from adapters.upstream.pool import ClientPool
from adapters.upstream.retries import (
    may_refuse_reasoning_controls,
    reasoning_controls,
    retry_delay,
    without_reasoning_controls,
)

_log = logging.getLogger(__name__)


class UpstreamClient:
    """The client of the server in ``options``, used by the adapter ``adapter_name``; constructing does no I/O.

    Raises ``BadOption`` for a base URL or a key that cannot work, and for OpenAI's own server without a key.
    """

    def __init__(self, adapter_name: str, options: UpstreamOptions) -> None:
        self._adapter = adapter_name
        self._options = options
        self._base = _base_url(options.responses_api_base_url)
        self._key = _key(options.responses_api_api_key)
        if self.is_openai and not self._key:
            raise BadOption(
                "OpenAI needs an API key: set --responses_api_api_key or OPENAI_API_KEY, "
                "or choose another server with --responses_api_base_url."
            )
        self.errors = ErrorFactory(adapter_name, self._key, options)
        self._pool: ClientPool | None = None
        self._closed = False
        self._refuses_controls: set[str] = set()  # models whose server refused the reasoning controls

    @property
    def is_openai(self) -> bool:
        """Whether the server is OpenAI's own."""
        return self._base.host == "api.openai.com" or self._base.host.endswith(".api.openai.com")

    @property
    def _display_url(self) -> httpx.URL:
        """The base URL without credentials."""
        return self._base.copy_with(userinfo=b"")

    async def warm_up(self) -> None:
        """Open a connection by listing the models; failures are only logged, because the server may start later."""
        request = self._request("GET", "/models", {})
        try:
            async with asyncio.timeout(self._options.responses_api_connect_timeout):
                response = await self._acquired_pool().client.send(request)
        except (httpx.HTTPError, TimeoutError) as error:
            _log.warning("%s: %s cannot be reached yet (%s)", self._adapter, self._display_url, type(error).__name__)
            return
        if response.status_code in (401, 403):
            _log.warning(
                "%s: %s refuses the API key (status %d)", self._adapter, self._display_url, response.status_code
            )

    async def aclose(self) -> None:
        """Release the shared HTTP client; harmless when called twice."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.release()

    async def stream(self, call: CompletionCall) -> AsyncGenerator[llm.Event, None]:
        """The events of one answer; ``Started`` comes together with the first content. Raises ``AdapterError``."""
        response = await self._open(call)
        try:
            yield Started(ignored=call.ignored)
            async for event in response:
                yield event
        finally:
            await response.aclose()

    async def _open(self, call: CompletionCall) -> ResponseStream:
        """The first attempt that gets as far as content; earlier failures are invisible to the reader."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._options.responses_api_deadline
        for repetition in count():
            self._check(self._breaker(call))
            try:
                return await self._attempt_within_controls(call, deadline)
            except AdapterError as error:
                retries_left = repetition < self._options.responses_api_max_retries
                delay = retry_delay(error, repetition) if retries_left else None
                if delay is None or clock() + delay >= deadline:
                    raise
                _log.info("%s: retry in %.2f s after %s", self._adapter, delay, type(error).__name__)
            await asyncio.sleep(delay)
        raise AssertionError("the loop has no end")

    async def _attempt_within_controls(self, call: CompletionCall, deadline: float) -> ResponseStream:
        """One attempt; a second one without the reasoning controls if the server may have refused these."""
        model = str(call.body.get("model"))
        bare = msgspec.structs.replace(call, body=without_reasoning_controls(call.body))
        if model in self._refuses_controls:
            return await self._attempt(bare, deadline)
        try:
            return await self._attempt(call, deadline)
        except AdapterError as error:
            if not may_refuse_reasoning_controls(error, call.body):
                raise
        response = await self._attempt(bare, deadline)
        self._refuses_controls.add(model)
        names = " and ".join(reasoning_controls(call.body))
        _log.warning("%s: the server of %r refuses %s: not sent to it any more", self._adapter, model, names)
        return response

    def _check(self, breaker: CircuitBreaker) -> None:
        if wait := breaker.wait(asyncio.get_running_loop().time()):
            raise self.errors.unavailable("is temporarily disabled after repeated failures", retry_after=wait)

    async def _attempt(self, call: CompletionCall, deadline: float) -> ResponseStream:
        response = ResponseStream(self.errors, self._options, call.make_reader(), deadline)
        streamed = bool(call.body.get("stream"))
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if streamed else "application/json",
            "accept-encoding": "identity",  # compression would delay events
        }
        request = self._request("POST", call.path, headers, msgspec.json.encode(call.body))
        try:
            await response.open(self._acquired_pool().client, request, streamed=streamed)
        except BaseException as error:
            await response.aclose()
            if isinstance(error, AdapterError):
                self._record_failure(error, response.status, self._breaker(call))
            raise
        self._breaker(call).succeeded()
        return response

    def _record_failure(self, error: AdapterError, status: int | None, breaker: CircuitBreaker) -> None:
        """Report a failed attempt to the breaker: the refusal of one request shows that the server works."""
        refused = status is not None and 400 <= status < 500
        broken = status is not None and status >= 500
        if refused or not (broken or isinstance(error, Unavailable)):
            breaker.succeeded()
        elif breaker.failed(asyncio.get_running_loop().time()):
            _log.warning("%s: %s is temporarily disabled after repeated failures", self._adapter, self._display_url)

    def _breaker(self, call: CompletionCall) -> CircuitBreaker:
        """The breaker of the model: a server may have several models of which one hangs."""
        return self._acquired_pool().breakers[str(self._base), str(call.body.get("model"))]

    def _acquired_pool(self) -> ClientPool:
        if self._closed:
            raise Unavailable("This language model has been closed.", adapter=self._adapter)
        self._pool = self._pool or ClientPool.acquire()
        return self._pool

    def _request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx.Request:
        url = self._base.copy_with(path=self._base.path.rstrip("/") + path)
        # The key is sent with each request, because adapters of other servers share the HTTP client.
        key = {"authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = httpx.Timeout(None, connect=self._options.responses_api_connect_timeout)
        return self._acquired_pool().client.build_request(
            method, url, headers=headers | key, content=body, timeout=timeout
        )


def _base_url(given: str | None) -> httpx.URL:
    try:
        url = httpx.URL(given or OPENAI)
        urlsplit(given or OPENAI)  # it refuses brackets that httpx ignores
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise BadOption(
            f"--responses_api_base_url {shown_url(given or '')!r} is not a URL like 'http://localhost:8000/v1'."
        )
    return url


def _key(given: Secret | None) -> str:
    key = given.reveal() if given else ""
    if not all("!" <= character <= "~" for character in key):
        raise BadOption("--responses_api_api_key contains whitespace or non-ASCII characters: check the key.")
    return key
