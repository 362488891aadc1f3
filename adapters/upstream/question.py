"""Asks a server one question, once and bounded in time, and notes what comes back: for ``probe``."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from socket import gaierror
from time import perf_counter
from typing import Any

import httpx
import msgspec

from adapters.contract.errors import UnknownModel
from adapters.upstream.client import OPENAI
from adapters.upstream.errors import contract_error, refusal
from adapters.upstream.options import UpstreamOptions
from adapters.upstream.sighting import Sighting
from adapters.upstream.sse import EventTooLarge, Parser

Body = dict[str, Any]

TIMEOUT = "timeout"
NO_MODEL = "no such model"

_MOST_BYTES = 8 * 1024 * 1024


class Answer(Sighting):
    """What came of one question.

    ``reached`` says that HTTP came back at all, ``whole`` that the answer came in one piece of JSON, ``first_seconds``
    how long its first content took.
    """

    reached: bool = False
    status: int | None = None
    whole: bool = False
    first_seconds: float | None = None


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class Server:
    """The server that ``options`` name, asked through ``client``; every question is waited for ``seconds``."""

    def __init__(self, options: UpstreamOptions, client: httpx.AsyncClient, seconds: float) -> None:
        self._base = httpx.URL(options.responses_api_base_url or OPENAI)
        self._key = options.responses_api_api_key.reveal() if options.responses_api_api_key else ""
        self._timeout = httpx.Timeout(None, connect=options.responses_api_connect_timeout)
        self._client = client
        self._seconds = seconds

    async def models(self) -> tuple[Answer, set[str] | None]:
        """What came of asking for the models, and those that are listed; ``None`` when there is no list."""
        listed: set[str] | None = None

        async def read(response: httpx.Response, _: Answer) -> None:
            nonlocal listed
            listed = {model.id for model in msgspec.json.decode(await _whole(response), type=_Models).data}

        return await self._exchange(self._request("GET", "/models"), read), listed

    async def ask(self, path: str, body: Body) -> Answer:
        """What came of asking for one answer."""
        asked = perf_counter()
        streamed = bool(body.get("stream"))

        async def read(response: httpx.Response, answer: Answer) -> None:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if not response.is_success:
                answer.failure = f"{response.status_code} {_refused(response.status_code, await _whole(response))}"
            elif streamed and kind in ("text/event-stream", ""):
                await _read_events(response, answer, asked)
            elif kind in ("application/json", ""):
                answer.whole = True
                _note(answer, [await _whole(response)], asked)
            else:
                answer.failure = "no JSON"
            if not answer.failure and not answer.ended:
                answer.failure = "cut off"

        return await self._exchange(self._request("POST", path, body), read)

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

    async def _exchange(
        self, request: httpx.Request, read: Callable[[httpx.Response, Answer], Awaitable[None]]
    ) -> Answer:
        answer = Answer()
        with _noting(answer):
            async with asyncio.timeout(self._seconds):
                response = await self._client.send(request, stream=True)
                try:
                    answer.reached = True
                    answer.status = response.status_code
                    await read(response, answer)
                finally:
                    await response.aclose()
        return answer


async def _read_events(response: httpx.Response, answer: Answer, asked: float) -> None:
    parser = Parser(_MOST_BYTES)
    async for chunk in response.aiter_bytes():
        _note(answer, [event.data for event in parser.feed(chunk)], asked)
        if answer.ended or answer.failure:
            return
    _note(answer, [event.data for event in parser.close()], asked)


def _note(answer: Answer, received: list[bytes], asked: float) -> None:
    for data in received:
        answer.note(data)
    if answer.pieces and answer.first_seconds is None:
        answer.first_seconds = perf_counter() - asked


@contextmanager
def _noting(answer: Answer) -> Iterator[None]:
    """Notes what goes wrong on the way."""
    try:
        yield
    except (TimeoutError, httpx.TimeoutException):
        answer.failure = TIMEOUT
    except httpx.HTTPError as error:
        answer.failure = "cut off" if answer.reached else _unreached(error)
    except (msgspec.DecodeError, EventTooLarge):
        answer.failure = "cannot be read"


def _unreached(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, gaierror):
            return "no such host"
        if isinstance(error, ssl.SSLError):
            return "TLS failed"
        error = error.__cause__ or error.__context__
    return "cannot be reached"


def _refused(status: int, data: bytes) -> str:
    """What a status says, in our words: the server's own are not ours to show."""
    try:
        body = msgspec.json.decode(data)
    except msgspec.DecodeError:
        body = None
    refused = refusal(body, status=status)
    if isinstance(contract_error(refused, adapter="", key=""), UnknownModel):
        return NO_MODEL
    match status:
        case 401:
            return "key refused"
        case 403:
            return "access refused"
        case 404:
            return "not found"  # servers say the same of an endpoint and of a model
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
        if len(body) > _MOST_BYTES:
            break
    return bytes(body)
