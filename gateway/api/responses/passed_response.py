"""A response that a server of the same protocol writes: passed on byte for byte, recorded under the id that it gave."""

import logging
import re
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import ExitStack, aclosing, suppress
from typing import Any

import msgspec

from adapters.contract.passthrough import Forwarded
from gateway.api.responses.events import event_bytes
from gateway.api.responses.response import Given, Shelf, failure_of
from gateway.api.responses.running import Cancelled, RunningResponse
from gateway.api.responses.schema import PassedFields, Response, ResponseError
from gateway.api.responses.writer import ResponseWriter
from gateway.conversation.conversation import GIVEN_ID
from gateway.conversation.snapshot import Record
from gateway.http.errors import ErrorAnswer
from gateway.http.headers import AnswerHead, headers_of
from gateway.http.streaming import EVENT_STREAM, ClientConnection, ClientRelay, Head, Part, Streaming, StreamingResponse
from gateway.telemetry.timings import Stopwatch
from gateway.turns.passed_turn import PassedEvent, PassedKept, PassedTurn, TurnPassed
from gateway.turns.result import ConversationJoined
from gateway.wire.conversation import ConversationId, conversation_name
from gateway.wire.json_text import decode_json

logger = logging.getLogger(__name__)

_ITEM_DONE = "response.output_item.done"
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,9})')


class NumberedRelay(ClientRelay):
    """``numbered`` are the last bytes that were sent with the number of an event: comments have none.

    ``first`` are those that were sent first, with the event that shows the response as it begins, and ``done`` all in
    which an item was stated whole.
    """

    first = numbered = b""

    def __init__(self, connection: ClientConnection) -> None:
        super().__init__(connection)
        self.done: list[bytes] = []

    def __call__(self, data: bytes) -> bool:
        """Send ``data``; whether the client can take more at once."""
        self.note(data)
        return super().__call__(data)

    def note(self, data: bytes) -> None:
        """Take down that ``data`` is sent."""
        if b'"sequence_number"' in data:
            self.numbered = data
        if b"response.output_item.done" in data:
            self.done.append(data)


class PassedResponse:
    """What ``turn`` answers to ``given``; ``request`` is what is known of it, ``relay`` is that of the turn."""

    def __init__(
        self, turn: PassedTurn, request: PassedFields, given: Given[dict[str, Any]], shelf: Shelf, relay: NumberedRelay
    ) -> None:
        self._turn = turn
        self._request = request
        self._given = given
        self._shelf = shelf
        self._relay = relay
        self._conversation_id: str | None = None

    def response(self, watch: Stopwatch, ignored: tuple[str, ...]) -> StreamingResponse:
        """The response as the server sends it; ``ignored`` are parameters without effect."""
        content_type = EVENT_STREAM if self._request.stream is True else "application/json"
        return StreamingResponse(
            Streaming(
                parts=self._parts(watch, ignored),
                content_type=content_type,
                failed=self._broken_off,
                relay=self._relay,
            )
        )

    async def _parts(self, watch: Stopwatch, ignored: tuple[str, ...]) -> AsyncGenerator[Part, None]:
        running: RunningResponse | None = None
        name = self._turn.id
        with ExitStack() as held:
            try:
                async with aclosing(self._turn.events()) as events:
                    over = False
                    while not isinstance(event := await _next(events, None if over else running), TurnPassed):
                        match event:
                            case ConversationJoined():
                                self._conversation_id = event.conversation_id
                            case PassedKept():
                                over = True  # from here on it is too late to cancel it
                                await self._record_answer(event.response)
                            case Forwarded():
                                if running is None:
                                    name = event.answer_id or name
                                    self._relay.first = event.data
                                    running = held.enter_context(self._shelf.running.entered(self._writer(name)))
                                    yield Head(headers=self._headers(name, watch, ignored))
                                self._relay.note(event.data)
                                yield event.data
            except Exception as error:
                if running is None or not self._request.stream:
                    raise
                writer = self._writer(name)
                last = writer.cancel() if isinstance(error, Cancelled) else writer.fail(failure_of(error))
                logger.warning("%s ended after its first event: %s", name, type(error).__name__)
                response = self._so_far(writer.response)
                await self._record_answer(response)
                yield b"".join(event_bytes(event, response) for event in last)

    def _so_far(self, ended: Response) -> dict[str, Any]:
        """The response as its server showed it, with the items that were stated whole, and how it ``ended``."""
        own: dict[str, Any] = msgspec.to_builtins(ended)
        begun = next((event["response"] for event in _events_in(self._relay.first) if _has(event, "response")), own)
        said = (event for data in self._relay.done for event in _events_in(data))
        items = [event["item"] for event in said if event.get("type") == _ITEM_DONE and _has(event, "item")]
        how = {name: own[name] for name in ("id", "status", "error", "incomplete_details")}
        return begun | how | {"output": items}

    def _writer(self, name: str) -> ResponseWriter:
        """Writes what follows the events that were passed on so far, if that is not the server."""
        conversation = conversation_name(self._request.conversation)
        numbers = _NUMBER.findall(self._relay.numbered)
        response = Response(
            id=name,
            created_at=int(time.time()),
            model=self._request.model or self._turn.route,
            previous_response_id=self._request.previous_response_id,
            conversation=None if conversation is None else ConversationId(id=conversation),
            store=self._request.store is not False,
        )
        return ResponseWriter(response, sequence=int(numbers[-1]) + 1 if numbers else 0)

    async def _record_answer(self, response: dict[str, Any]) -> None:
        """Keep the response as the server wrote it, but for where it belongs, which the server was not told."""
        name, conversation = response.get("id"), conversation_name(self._request.conversation)
        if isinstance(name, str):
            kept = response | {
                "store": True,
                "previous_response_id": self._request.previous_response_id,
                "conversation": None if conversation is None else {"id": conversation},
            }
            output = response.get("output")
            await self._record(name, msgspec.json.encode(kept), output if isinstance(output, list) else ())

    async def _record(self, name: str, response: bytes, output: Iterable[Any]) -> None:
        if self._request.store is not False and GIVEN_ID.fullmatch(name):
            record = Record(items=msgspec.json.encode(self._given.items), response=response)
            named = [item["id"] for item in output if isinstance(item, dict) and isinstance(item.get("id"), str)]
            names = [*filter(GIVEN_ID.fullmatch, named), self._given.family]
            await self._shelf.archive.record_answer(name, record, names)

    def _headers(self, name: str, watch: Stopwatch, ignored: tuple[str, ...]) -> dict[str, str]:
        return headers_of(
            AnswerHead(
                response_id=name if GIVEN_ID.fullmatch(name) else None,  # it is as the server wrote it
                conversation_id=self._conversation_id,
                transcript=None,
                ignored=ignored,
                timings=watch.timings(),
            )
        )

    def _broken_off(self, answer: ErrorAnswer) -> bytes:
        error = ResponseError(code=answer.error.code or "server_error", message=answer.error.message)
        return event_bytes(self._writer(self._turn.id).break_off(error))


async def _next(events: AsyncGenerator[PassedEvent, None], running: RunningResponse | None) -> PassedEvent:
    """The next event; one that is ``running`` can be cancelled."""
    return await anext(events) if running is None else await running.read(events)


def _has(event: dict[str, Any], field: str) -> bool:
    return isinstance(event.get(field), dict)


def _events_in(data: bytes) -> Iterator[dict[str, Any]]:
    """The events in whole server-sent events, as far as each is a line of JSON."""
    for line in data.splitlines():
        if line.startswith(b"data:"):
            with suppress(ValueError):
                if isinstance(event := decode_json(line[5:]), dict):
                    yield event
