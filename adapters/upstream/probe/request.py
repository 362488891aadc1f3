"""Sends one request of the probe, once and with a time limit, and records the result."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import httpx
import msgspec

from adapters.contract.errors import UnknownModel
from adapters.upstream.body import Body, UnreadableBody, kind_of
from adapters.upstream.client import HEADERS
from adapters.upstream.error_table import error_class, transport_fault
from adapters.upstream.lenient_json import LenientDecoder, UnreadableJson, decode_any
from adapters.upstream.options import OPENAI, UpstreamOptions
from adapters.upstream.pool import ClientPool
from adapters.upstream.probe.observer import AnswerObserver
from adapters.upstream.proxies import proxy_for
from adapters.upstream.refusal import parse_refusal
from adapters.upstream.sse import EventTooLarge, ServerSentEvent, SseParser
from adapters.upstream.timed_response import MAX_ANSWER_BYTES, MAX_ERROR_BYTES
from adapters.upstream.untrusted_text import printable
from adapters.upstream.urls import authorization, display_url

Fields = dict[str, Any]

TIMEOUT = "timeout"
NO_MODEL = "no such model"


class ProbeResult(AnswerObserver):
    """The result of one request.

    ``reached`` says that there was an HTTP response, ``whole`` that the answer was one JSON document and not a stream;
    ``first_seconds`` is the time to the first content.
    """

    reached: bool = False
    status: int | None = None
    whole: bool = False
    first_seconds: float | None = None


class _Model(msgspec.Struct):
    id: str | None = None


class _Models(msgspec.Struct):
    data: list[_Model] | None = None


_models = LenientDecoder(_Models)


class ProbeClient:
    """Sends requests to the server in ``options`` with the clients of ``pool``; each has ``seconds`` to be answered."""

    def __init__(self, options: UpstreamOptions, pool: ClientPool, seconds: float) -> None:
        self._base = httpx.URL(options.responses_api_base_url or OPENAI)
        self._key = options.responses_api_api_key.reveal() if options.responses_api_api_key else ""
        self._timeout = {"connect": options.responses_api_connect_timeout}
        self._proxy = proxy_for(self._base)
        self._pool = pool
        self._seconds = seconds

    async def models(self) -> tuple[ProbeResult, set[str] | None]:
        """The result of listing the models, and the ids in the list; ``None`` if there is no list."""
        listed: set[str] | None = None

        async def read(response: httpx.Response, _: ProbeResult) -> None:
            nonlocal listed
            models = _models.decode(await Body(response).read_all(MAX_ANSWER_BYTES)).data
            listed = None if models is None else {model.id for model in models if model.id}

        return await self._send(self._request("GET", "/models"), read), listed

    async def answer(self, path: str, fields: Fields) -> ProbeResult:
        """The result of requesting one answer."""
        sent_at = perf_counter()

        async def read(response: httpx.Response, result: ProbeResult) -> None:
            body = Body(response)
            if not response.is_success:
                result.failure = f"{response.status_code} {_refused(response, await _error_body(body))}"
                return
            kind, first = await kind_of(body.read)
            if kind == "html":
                result.failure = "no JSON"
            elif kind == "json":
                result.whole = True
                document = first + await body.read_all(MAX_ANSWER_BYTES)
                _add(result, [ServerSentEvent(name=None, data=document)], sent_at)
                result.ended |= bool(result.pieces)
            else:
                await _read_events(first, body, result, sent_at)
            if not result.failure and not result.ended:
                result.failure = "cut off"

        return await self._send(self._request("POST", path, fields), read)

    def _request(self, method: str, path: str, body: Fields | None = None) -> httpx.Request:
        headers = HEADERS | authorization(self._base, self._key)
        if body is not None:
            headers["content-type"] = "application/json"
            headers["accept"] = "text/event-stream" if body.get("stream") else "application/json"
        return httpx.Request(
            method,
            self._base.copy_with(path=self._base.path.rstrip("/") + path),
            headers=headers,
            content=b"" if body is None else msgspec.json.encode(body),
            extensions={"timeout": self._timeout},
        )

    async def _send(
        self, request: httpx.Request, read: Callable[[httpx.Response, ProbeResult], Awaitable[None]]
    ) -> ProbeResult:
        result = ProbeResult()
        with self._recording(result):
            async with asyncio.timeout(self._seconds):
                response = await self._pool.transport(self._proxy).handle_async_request(request)
                response.request = request
                try:
                    result.reached = True
                    result.status = response.status_code
                    await read(response, result)
                finally:
                    await response.aclose()
        return result

    @contextmanager
    def _recording(self, result: ProbeResult) -> Iterator[None]:
        """Records a failure of the request in ``result``."""
        try:
            yield
        except (TimeoutError, httpx.TimeoutException):
            result.failure = TIMEOUT
        except httpx.HTTPError as error:
            via = f" through the proxy {display_url(self._proxy.url)}" if self._proxy else ""
            result.failure = "cut off" if result.reached else transport_fault(error).short + via
        except (UnreadableJson, UnreadableBody, EventTooLarge):
            result.failure = "cannot be read"


async def _read_events(first: bytes, body: Body, result: ProbeResult, sent_at: float) -> None:
    parser = SseParser(MAX_ANSWER_BYTES)
    chunk = first
    while chunk:
        _add(result, parser.feed(chunk), sent_at)
        if result.ended or result.failure:
            return
        chunk = await body.read()
    _add(result, parser.close(), sent_at)


def _add(result: ProbeResult, events: list[ServerSentEvent], sent_at: float) -> None:
    for event in events:
        if event.is_done:
            result.ended = True
        else:
            result.add(event.data)
    if result.pieces and result.first_seconds is None:
        result.first_seconds = perf_counter() - sent_at


def _refused(response: httpx.Response, data: bytes) -> str:
    """A short reason for a status, in our own words: those of the server must not be shown."""
    try:
        body = decode_any(data)
    except UnreadableJson:
        body = None
    refused = parse_refusal(body, response)
    if error_class(refused) is UnknownModel:
        return NO_MODEL
    match response.status_code:
        case 401:
            return "key refused"
        case 403:
            return "access refused"
        case 404:
            return "not found"  # servers use 404 for an endpoint and for a model
        case 405 | 501:
            return "no such endpoint"
        case 407:
            return "proxy credentials refused"
        case 429:
            return "no quota left" if "insufficient_quota" in refused.names else "too many requests"
        case status if status < 400:
            return f"redirected to {printable(refused.location or 'nowhere')}"
        case status:
            return "server failed" if status >= 500 else "refused"


async def _error_body(body: Body) -> bytes:
    try:
        return await body.read_all(MAX_ERROR_BYTES)
    except UnreadableBody:
        return b""
