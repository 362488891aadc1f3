"""Sends one request of the probe, once and with a time limit, and records the result."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import httpx
import msgspec

from adapters.contract.errors import UnknownModel
from adapters.upstream.error_table import contract_error, parse_refusal, transport_fault
from adapters.upstream.options import OPENAI, UpstreamOptions
from adapters.upstream.probe.observer import AnswerObserver
from adapters.upstream.sse import EventTooLarge, SseParser

Body = dict[str, Any]

TIMEOUT = "timeout"
NO_MODEL = "no such model"

_MAX_BYTES = 8 * 1024 * 1024


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
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class ProbeClient:
    """Sends requests to the server in ``options`` through ``client``; each has a time limit of ``seconds``."""

    def __init__(self, options: UpstreamOptions, client: httpx.AsyncClient, seconds: float) -> None:
        self._base = httpx.URL(options.responses_api_base_url or OPENAI)
        self._key = options.responses_api_api_key.reveal() if options.responses_api_api_key else ""
        self._timeout = httpx.Timeout(None, connect=options.responses_api_connect_timeout)
        self._client = client
        self._seconds = seconds

    async def models(self) -> tuple[ProbeResult, set[str] | None]:
        """The result of listing the models, and the ids in the list; ``None`` if there is no list."""
        listed: set[str] | None = None

        async def read(response: httpx.Response, _: ProbeResult) -> None:
            nonlocal listed
            listed = {model.id for model in msgspec.json.decode(await _whole(response), type=_Models).data}

        return await self._send(self._request("GET", "/models"), read), listed

    async def answer(self, path: str, body: Body) -> ProbeResult:
        """The result of requesting one answer."""
        sent_at = perf_counter()
        streamed = bool(body.get("stream"))

        async def read(response: httpx.Response, result: ProbeResult) -> None:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if not response.is_success:
                result.failure = f"{response.status_code} {_refused(response.status_code, await _whole(response))}"
            elif streamed and kind in ("text/event-stream", ""):
                await _read_events(response, result, sent_at)
            elif kind in ("application/json", ""):
                result.whole = True
                _add(result, [await _whole(response)], sent_at)
            else:
                result.failure = "no JSON"
            if not result.failure and not result.ended:
                result.failure = "cut off"

        return await self._send(self._request("POST", path, body), read)

    def _request(self, method: str, path: str, body: Body | None = None) -> httpx.Request:
        headers = {"accept-encoding": "identity"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        if body is not None:
            headers["content-type"] = "application/json"
            headers["accept"] = "text/event-stream" if body.get("stream") else "application/json"
        return self._client.build_request(
            method,
            self._base.copy_with(path=self._base.path.rstrip("/") + path),
            headers=headers,
            content=b"" if body is None else msgspec.json.encode(body),
            timeout=self._timeout,
        )

    async def _send(
        self, request: httpx.Request, read: Callable[[httpx.Response, ProbeResult], Awaitable[None]]
    ) -> ProbeResult:
        result = ProbeResult()
        with _recording(result):
            async with asyncio.timeout(self._seconds):
                response = await self._client.send(request, stream=True)
                try:
                    result.reached = True
                    result.status = response.status_code
                    await read(response, result)
                finally:
                    await response.aclose()
        return result


async def _read_events(response: httpx.Response, result: ProbeResult, sent_at: float) -> None:
    parser = SseParser(_MAX_BYTES)
    async for chunk in response.aiter_bytes():
        _add(result, [event.data for event in parser.feed(chunk)], sent_at)
        if result.ended or result.failure:
            return
    _add(result, [event.data for event in parser.close()], sent_at)


def _add(result: ProbeResult, received: list[bytes], sent_at: float) -> None:
    for data in received:
        result.add(data)
    if result.pieces and result.first_seconds is None:
        result.first_seconds = perf_counter() - sent_at


@contextmanager
def _recording(result: ProbeResult) -> Iterator[None]:
    """Records a failure of the request in ``result``."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException):
        result.failure = TIMEOUT
    except httpx.HTTPError as error:
        result.failure = "cut off" if result.reached else transport_fault(error).short
    except (msgspec.DecodeError, EventTooLarge):
        result.failure = "cannot be read"


def _refused(status: int, data: bytes) -> str:
    """A short reason for a status, in our own words: those of the server must not be shown."""
    try:
        body = msgspec.json.decode(data)
    except msgspec.DecodeError:
        body = None
    refused = parse_refusal(body, status=status)
    if isinstance(contract_error(refused, adapter="", key=""), UnknownModel):
        return NO_MODEL
    match status:
        case 401:
            return "key refused"
        case 403:
            return "access refused"
        case 404:
            return "not found"  # servers use 404 for an endpoint and for a model
        case 405 | 501:
            return "no such endpoint"
        case 429:
            return "no quota left" if "insufficient_quota" in refused.names else "too many requests"
        case _ if status < 400:
            return "redirected"
        case _:
            return "server failed" if status >= 500 else "refused"


async def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MAX_BYTES:
            break
    return bytes(body)
