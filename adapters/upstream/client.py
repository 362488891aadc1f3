"""A server that speaks OpenAI's HTTP API: asks it, again where that helps, and gives its answer as events."""

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
from adapters.upstream.breaker import Breaker
from adapters.upstream.failures import Failures
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.reply import Call, Reply
from adapters.upstream.retries import controls, may_mean_controls, pause, without_controls
from adapters.upstream.shared import Shared

OPENAI = "https://api.openai.com/v1"

_log = logging.getLogger(__name__)


class Upstream:
    """The server that ``options`` name, on behalf of the adapter ``adapter_name``; constructing connects nothing.

    Raises ``BadOption`` for a base URL that cannot work, and when OpenAI itself would be called without a key.
    """

    def __init__(self, adapter_name: str, options: UpstreamOptions) -> None:
        self._adapter = adapter_name
        self._options = options
        self._base = _base_url(options.responses_api_base_url)
        self._key = _key(options.responses_api_api_key)
        if self.is_openai and not self._key:
            raise BadOption(
                "OpenAI needs an API key: give --responses_api_api_key or OPENAI_API_KEY, "
                "or name another server with --responses_api_base_url."
            )
        self.failures = Failures(adapter_name, self._key, options)
        self._shared: Shared | None = None
        self._closed = False
        self._refuses_controls: set[str] = set()  # models whose server does

    @property
    def is_openai(self) -> bool:
        """Whether the server is OpenAI's own."""
        return self._base.host == "api.openai.com" or self._base.host.endswith(".api.openai.com")

    @property
    def _shown(self) -> httpx.URL:
        """The base URL without credentials."""
        return self._base.copy_with(userinfo=b"")

    async def warm_up(self) -> None:
        """Open a connection by asking for the models; what fails is logged, for the server may come later."""
        request = self._request("GET", "/models", {})
        try:
            async with asyncio.timeout(self._options.responses_api_connect_timeout):
                response = await self._join().client.send(request)
        except (httpx.HTTPError, TimeoutError) as error:
            _log.warning("%s: %s cannot be reached yet (%s)", self._adapter, self._shown, type(error).__name__)
            return
        if response.status_code in (401, 403):
            _log.warning("%s: %s refuses the API key (status %d)", self._adapter, self._shown, response.status_code)

    async def aclose(self) -> None:
        """Leave the shared HTTP client; harmless when called twice."""
        self._closed = True
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.leave()

    async def answer(self, call: Call) -> AsyncGenerator[llm.Event, None]:
        """The events of one answer; the first comes with the first content. Raises ``AdapterError``."""
        reply = await self._begin(call)
        try:
            yield Started(ignored=call.ignored)
            async for event in reply:
                yield event
        finally:
            await reply.aclose()

    async def _begin(self, call: Call) -> Reply:
        """The first attempt that comes as far as content: nobody has seen what failed before."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._options.responses_api_deadline
        for repetition in count():
            self._check(self._breaker(call))
            try:
                return await self._minding_controls(call, deadline)
            except AdapterError as error:
                wait = pause(error, repetition) if repetition < self._options.responses_api_max_retries else None
                if wait is None or clock() + wait >= deadline:
                    raise
                _log.info("%s: asked again in %.2f s after %s", self._adapter, wait, type(error).__name__)
            await asyncio.sleep(wait)
        raise AssertionError("the loop has no end")

    async def _minding_controls(self, call: Call, deadline: float) -> Reply:
        """One attempt; a second one without the reasoning controls when the first may have been refused for them."""
        model = str(call.body.get("model"))
        bare = msgspec.structs.replace(call, body=without_controls(call.body))
        if model in self._refuses_controls:
            return await self._attempt(bare, deadline)
        try:
            return await self._attempt(call, deadline)
        except AdapterError as error:
            if not may_mean_controls(error, call.body):
                raise
        reply = await self._attempt(bare, deadline)
        self._refuses_controls.add(model)
        names = " and ".join(controls(call.body))
        _log.warning("%s: the server of %r refuses %s: left out from now on", self._adapter, model, names)
        return reply

    def _check(self, breaker: Breaker) -> None:
        if wait := breaker.wait(asyncio.get_running_loop().time()):
            raise self.failures.unavailable("failed too often in a row and is left alone for a while", retry_after=wait)

    async def _attempt(self, call: Call, deadline: float) -> Reply:
        reply = Reply(self.failures, self._options, call.mapping(), deadline)
        streamed = bool(call.body.get("stream"))
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if streamed else "application/json",
            "accept-encoding": "identity",  # a compressor would hold events back
        }
        request = self._request("POST", call.path, headers, msgspec.json.encode(call.body))
        try:
            await reply.begin(self._join().client, request, streamed=streamed)
        except BaseException as error:
            await reply.aclose()
            if isinstance(error, AdapterError):
                self._judge(error, reply.status, self._breaker(call))
            raise
        self._breaker(call).succeeded()
        return reply

    def _judge(self, error: AdapterError, status: int | None, breaker: Breaker) -> None:
        """Tell the breaker of a failure: a refusal of this one request says that the server is well."""
        refused = status is not None and 400 <= status < 500
        broken = status is not None and status >= 500
        if refused or not (broken or isinstance(error, Unavailable)):
            breaker.succeeded()
        elif breaker.failed(asyncio.get_running_loop().time()):
            _log.warning("%s: %s fails again and again: left alone for a while", self._adapter, self._shown)

    def _breaker(self, call: Call) -> Breaker:
        """That of the model: a server may have several, of which one hangs."""
        return self._join().breakers[str(self._base), str(call.body.get("model"))]

    def _join(self) -> Shared:
        if self._closed:
            raise Unavailable("This language model has been closed.", adapter=self._adapter)
        self._shared = self._shared or Shared.join()
        return self._shared

    def _request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> httpx.Request:
        url = self._base.copy_with(path=self._base.path.rstrip("/") + path)
        # The key goes with each request: the client is shared with other servers' adapters.
        key = {"authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = httpx.Timeout(None, connect=self._options.responses_api_connect_timeout)
        return self._join().client.build_request(method, url, headers=headers | key, content=body, timeout=timeout)


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
        raise BadOption("--responses_api_api_key has a space or another character that no API key has: give it anew.")
    return key
