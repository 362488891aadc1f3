"""The one HTTP client for OpenAI-compatible servers: pooling, credentials, server-sent events, typed errors."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Annotated, Any

import httpx
import msgspec
from msgspec import Meta

from adapters.contract import llm
from adapters.contract.errors import AdapterError, TimedOut, Unavailable, UpstreamError
from adapters.options import BadOption, Secret
from adapters.sse import EventTooLarge, Parser, ServerSentEvent
from adapters.upstream_errors import Refusal, contract_error, refusal

OPENAI = "https://api.openai.com/v1"

_CONNECT_SECONDS = 5.0
_GAP_SECONDS = 60.0  # the longest silence of a server that streams
_WHOLE_ANSWER_SECONDS = 300.0  # the longest silence of a server that answers in one piece
_END_SECONDS = 0.25  # how long the end of a complete answer is waited for, so that its connection can be used again
_MOST_IDLE_CONNECTIONS = 20
_IDLE_SECONDS = 60.0
_MOST_ANSWER_BYTES = 8 * 1024 * 1024  # of one event, and of an answer in one piece
_MOST_ERROR_BYTES = 64 * 1024

_log = logging.getLogger(__name__)

_Temperature = Annotated[float, Meta(ge=0, le=2)]
_Probability = Annotated[float, Meta(ge=0, le=1)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]
_Tokens = Annotated[int, Meta(ge=1)]


class UpstreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the language models that answer over HTTP."""

    responses_api_base_url: Annotated[
        str | None, Meta(description="Base URL of the OpenAI-compatible server, with its /v1; OpenAI when not given.")
    ] = None
    responses_api_api_key: Annotated[
        Secret | None,
        Meta(description="API key of the server; OPENAI_API_KEY when not given; an empty one sends no key."),
    ] = None
    responses_api_stream: Annotated[
        bool, Meta(description="Stream the answer; without it speech begins only when the whole answer is there.")
    ] = True
    responses_api_temperature: Annotated[
        _Temperature | None, Meta(description="Sampling temperature, sent when set.")
    ] = None
    responses_api_top_p: Annotated[
        _Probability | None, Meta(description="Nucleus sampling: the share of probability drawn from, sent when set.")
    ] = None
    responses_api_max_output_tokens: Annotated[
        _Tokens | None, Meta(description="The most tokens of one answer, sent when set.")
    ] = None
    responses_api_stop: Annotated[
        tuple[str, ...] | None, Meta(description="Texts that end the answer, sent when set.")
    ] = None
    responses_api_seed: Annotated[int | None, Meta(description="Seed of the sampling, sent when set.")] = None
    responses_api_frequency_penalty: Annotated[
        _Penalty | None, Meta(description="Penalty on tokens by how often they occurred, sent when set.")
    ] = None
    responses_api_presence_penalty: Annotated[
        _Penalty | None, Meta(description="Penalty on tokens that occurred at all, sent when set.")
    ] = None
    responses_api_extra_body: Annotated[
        dict[str, Any], Meta(description="JSON object merged into the request body; its fields win.")
    ] = {}

    def sampling(self, asked: llm.Sampling) -> llm.Sampling:
        """How tokens are drawn: what the request asks for, else what is set here."""
        return llm.Sampling(
            **{
                field: getattr(self, f"responses_api_{field}") if value is None else value
                for field, value in msgspec.structs.asdict(asked).items()
            }
        )


class Upstream:
    """A server that speaks OpenAI's HTTP API, on behalf of the adapter ``adapter_name``; constructing connects nothing.

    Raises ``BadOption`` for a base URL that cannot work, and when OpenAI itself would be called without a key.
    """

    def __init__(self, adapter_name: str, options: UpstreamOptions) -> None:
        self._adapter = adapter_name
        self._base = _base_url(options.responses_api_base_url)
        self._key = _key(options.responses_api_api_key)
        if self.is_openai and not self._key:
            raise BadOption(
                "OpenAI needs an API key: give --responses_api_api_key or OPENAI_API_KEY, "
                "or name another server with --responses_api_base_url."
            )
        self._client = httpx.AsyncClient(
            headers={"authorization": f"Bearer {self._key}"} if self._key else {},
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=_MOST_IDLE_CONNECTIONS,
                keepalive_expiry=_IDLE_SECONDS,
            ),
            timeout=httpx.Timeout(_GAP_SECONDS, connect=_CONNECT_SECONDS),
        )

    @property
    def is_openai(self) -> bool:
        """Whether the server is OpenAI's own."""
        return self._base.host == "api.openai.com" or self._base.host.endswith(".api.openai.com")

    async def warm_up(self) -> None:
        """Open a connection by asking for the models; what fails is logged, for the server may come later."""
        shown = self._base.copy_with(userinfo=b"")
        try:
            async with self._client.stream("GET", self._url("/models"), timeout=_CONNECT_SECONDS) as response:
                await _read(response, _MOST_ANSWER_BYTES)
        except httpx.HTTPError as error:
            _log.warning("%s: %s cannot be reached yet (%s)", self._adapter, shown, type(error).__name__)
            return
        if response.status_code in (401, 403):
            _log.warning("%s: %s refuses the API key (status %d)", self._adapter, shown, response.status_code)

    async def aclose(self) -> None:
        """Close every connection; harmless when called twice."""
        await self._client.aclose()

    def failure(self, error: Any) -> AdapterError:
        """The contract's error for the decoded error object that a server sent in the middle of an answer."""
        return self._contract_error(refusal(error))

    def nonsense(self, what: str) -> UpstreamError:
        """The error for an answer that cannot be understood: ``what`` completes "The upstream server …"."""
        return UpstreamError(f"The upstream server {what}.", adapter=self._adapter)

    @asynccontextmanager
    async def post(self, path: str, body: dict[str, Any]) -> AsyncGenerator["Answer", None]:
        """Send ``body`` as JSON and enter when the headers of a successful answer are there.

        Leaving, also by cancelling, closes the connection first unless the answer was read to its end.
        Raises ``AdapterError`` for everything the server or the network refuses.
        """
        streamed = bool(body.get("stream"))
        request = self._client.build_request(
            "POST",
            self._url(path),
            content=msgspec.json.encode(body),
            headers={
                "content-type": "application/json",
                "accept": "text/event-stream" if streamed else "application/json",
                "accept-encoding": "identity",  # a compressor would hold events back
            },
            timeout=httpx.Timeout(_GAP_SECONDS if streamed else _WHOLE_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
        )
        with self._connecting():
            response = await self._client.send(request, stream=True)
        try:
            await self._accept(response, streamed=streamed)
            yield Answer(response, self)
        finally:
            await response.aclose()

    def _url(self, path: str) -> httpx.URL:
        return self._base.copy_with(path=self._base.path.rstrip("/") + path)

    def _contract_error(self, refused: Refusal) -> AdapterError:
        return contract_error(refused, adapter=self._adapter, key=self._key)

    async def _accept(self, response: httpx.Response, *, streamed: bool) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        expected = "text/event-stream" if streamed else "application/json"
        if response.is_success and kind in (expected, ""):
            return
        error = await _error_body(response)
        if not response.is_success:
            raise self._contract_error(refusal(error, status=response.status_code, headers=response.headers))
        if isinstance(error, dict) and error.get("error"):
            raise self.failure(error)
        raise self.nonsense(f"answered {kind[:80]!r} where {expected!r} was asked for")

    @contextmanager
    def _connecting(self) -> Iterator[None]:
        """Translates what goes wrong before the server has answered."""
        try:
            yield
        except (httpx.ConnectTimeout, httpx.NetworkError, httpx.ProxyError) as error:
            raise Unavailable("The upstream server cannot be reached.", adapter=self._adapter) from error
        except httpx.TimeoutException as error:
            raise TimedOut("The upstream server did not answer in time.", adapter=self._adapter) from error
        except httpx.RemoteProtocolError as error:
            message = "The upstream server closed the connection without an answer."
            raise Unavailable(message, adapter=self._adapter) from error
        except httpx.HTTPError as error:
            raise self.nonsense("could not be asked") from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Translates what goes wrong in the middle of an answer."""
        try:
            yield
        except httpx.TimeoutException as error:
            message = "The upstream server fell silent in the middle of its answer."
            raise TimedOut(message, adapter=self._adapter) from error
        except httpx.HTTPError as error:
            raise self.nonsense("cut the connection in the middle of its answer") from error
        except EventTooLarge as error:
            raise self.nonsense("answered with more than can be read") from error


class Answer:
    """A successful answer: iterate its server-sent events up to ``[DONE]``, or read it ``whole``; then ``finish``."""

    def __init__(self, response: httpx.Response, upstream: Upstream) -> None:
        self._response = response
        self._upstream = upstream
        self._chunks: AsyncIterator[bytes] = response.aiter_bytes()
        self._parser = Parser(_MOST_ANSWER_BYTES)
        self._events: deque[ServerSentEvent] = deque()
        self._ended = False

    def __aiter__(self) -> "Answer":
        return self

    async def __anext__(self) -> ServerSentEvent:
        """The next event. Raises ``AdapterError``."""
        while not self._events and not self._ended:
            with self._upstream.reading():
                chunk = await anext(self._chunks, None)
                self._ended = chunk is None
                self._events.extend(self._parser.close() if chunk is None else self._parser.feed(chunk))
        if not self._events:
            raise StopAsyncIteration
        event = self._events.popleft()
        if event.data == b"[DONE]":
            self._events.clear()
            raise StopAsyncIteration
        return event

    async def whole(self) -> bytes:
        """The body in one piece. Raises ``AdapterError``."""
        with self._upstream.reading():
            body = await _read(self._response, _MOST_ANSWER_BYTES + 1)
        if len(body) > _MOST_ANSWER_BYTES:
            raise self._upstream.nonsense("answered with more than can be read")
        self._ended = True
        return body

    async def finish(self) -> None:
        """Read the last bytes of a complete answer, so that its connection can be used again."""
        with suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(_END_SECONDS):
                while not self._ended:
                    self._ended = await anext(self._chunks, None) is None


def _base_url(given: str | None) -> httpx.URL:
    try:
        url = httpx.URL(given or OPENAI)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise BadOption(f"--responses_api_base_url {given!r} is not a URL like 'http://localhost:8000/v1'.")
    return url


def _key(given: Secret | None) -> str:
    key = given.reveal() if given else ""
    if not all("!" <= character <= "~" for character in key):
        raise BadOption("--responses_api_api_key has a space or another character that no API key has: give it anew.")
    return key


async def _error_body(response: httpx.Response) -> Any:
    body = b""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_CONNECT_SECONDS):
            body = await _read(response, _MOST_ERROR_BYTES)
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


async def _read(response: httpx.Response, limit: int) -> bytes:
    """The body up to ``limit`` bytes."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk[: limit - len(body)]
        if len(body) >= limit:
            break
    return bytes(body)
