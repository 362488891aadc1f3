"""A turn on its way to a client as a response: as events, or as one document. It is recorded before its end is told."""

import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Generic, TypeVar

import msgspec

from adapters.contract.engine import Started
from adapters.contract.errors import Overloaded
from gateway.api.responses.events import Event, event_bytes
from gateway.api.responses.running import Cancelled, RunningResponses
from gateway.api.responses.schema import FIELDS, ResponseError
from gateway.api.responses.writer import ResponseWriter, usage_of
from gateway.conversation.archive import Archive
from gateway.conversation.snapshot import Record
from gateway.http.errors import ErrorAnswer, stream_error
from gateway.http.headers import AnswerHead, headers_of
from gateway.http.streaming import EVENT_STREAM, Head, Held, Part, Streaming, StreamingResponse
from gateway.pipeline.screening import Screening
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import ConversationTurn
from gateway.turns.result import ConversationJoined, TurnEvent, TurnFinished
from gateway.wire.item_messages import substituted
from gateway.wire.items import Item

logger = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """Where the responses of one caller are: those that are kept, and those that are being written."""

    archive: Archive
    running: RunningResponses


class Given(msgspec.Struct, Generic[ItemT], frozen=True, kw_only=True):
    """The items of a request, each with an id: that of those that came without one is of ``family``."""

    items: Sequence[ItemT]
    family: str


class WrittenResponse:
    """What ``turn`` answers to ``given``, written by ``writer``; ``ignored`` are parameters without effect."""

    def __init__(
        self,
        turn: ConversationTurn,
        writer: ResponseWriter,
        given: Given[Item],
        shelf: Shelf,
        ignored: tuple[str, ...],
    ) -> None:
        self._turn = turn
        self._writer = writer
        self._given = given
        self._shelf = shelf
        self._ignored = dict.fromkeys(ignored)
        self._conversation_id: str | None = None
        self._flagged: Mapping[str, str] = {}  # with what stands in its place where the response is kept
        self._begun = False

    def streamed(self, watch: Stopwatch) -> StreamingResponse:
        """The response as events."""
        return StreamingResponse(
            Streaming(parts=self._events(watch), content_type=EVENT_STREAM, failed=self._broken_off)
        )

    def whole(self, watch: Stopwatch) -> StreamingResponse:
        """The response as one JSON document."""
        return StreamingResponse(Streaming(parts=self._document(watch), content_type="application/json"))

    async def _events(self, watch: Stopwatch) -> AsyncGenerator[Part, None]:
        """The first events are held until the model begins, so that a refusal before that has a real status."""
        yield Held(data=_joined(self._writer.begin()))
        async with aclosing(self._steps()) as steps:
            async for events in steps:
                if events and not self._begun:
                    yield Head(headers=self._headers(watch))
                    self._begun = True
                if events:
                    yield _joined(events)

    async def _document(self, watch: Stopwatch) -> AsyncGenerator[Part, None]:
        async with aclosing(self._steps()) as steps:
            async for _ in steps:
                pass
        yield Head(headers=self._headers(watch))
        yield msgspec.json.encode(self._writer.response)

    async def _steps(self) -> AsyncGenerator[list[Event], None]:
        """What the client learns with every event of the turn. Raises what the turn raises before the first."""
        with self._shelf.running.entered(self._writer) as running:
            try:
                async with aclosing(self._turn.events()) as turn:
                    while not isinstance(event := await running.read(turn), TurnFinished):
                        self._note(event)
                        yield self._writer.note(event)
                    usage = usage_of(event.outcome.usage, event.outcome.compaction)
                    last = self._writer.end(usage, int(time.time()))
            except Cancelled:
                last = self._writer.cancel()
            except Exception as error:
                if not self._begun:
                    raise
                logger.warning("%s failed after its first event: %s", self._turn.id, type(error).__name__)
                last = self._writer.fail(failure_of(error))
            await self._record()
            yield last

    def _note(self, event: TurnEvent) -> None:
        """Take down what the headers say, and what is not to be kept."""
        if isinstance(event, ConversationJoined):
            self._conversation_id = event.conversation_id
        elif isinstance(event, Screening):
            self._flagged = event.substitutes
        elif isinstance(event, Started):
            self._ignored |= dict.fromkeys(FIELDS.get(name, name) for name in event.ignored)

    async def _record(self) -> None:
        response = self._writer.response
        if response.store:
            given = [substituted(item, self._flagged) for item in self._given.items]
            instructions = self._flagged.get(response.instructions or "", response.instructions)
            kept = msgspec.structs.replace(response, instructions=instructions)
            record = Record(items=msgspec.json.encode(given), response=msgspec.json.encode(kept))
            items = [item.id for item in response.output if item.id is not None]
            await self._shelf.archive.record_answer(response.id, record, [*items, self._given.family])

    def _headers(self, watch: Stopwatch) -> dict[str, str]:
        return headers_of(
            AnswerHead(
                response_id=self._writer.response.id,
                conversation_id=self._conversation_id,
                transcript=None,
                ignored=tuple(self._ignored),
                timings=watch.timings(),
            )
        )

    def _broken_off(self, answer: ErrorAnswer) -> bytes:
        code = answer.error.code or "server_error"
        return event_bytes(self._writer.break_off(ResponseError(code=code, message=answer.error.message)))


def failure_of(error: Exception) -> ResponseError:
    """What a response says of the failure that ends it."""
    body = stream_error(error, FIELDS).error
    code = "rate_limit_exceeded" if isinstance(error, Overloaded) else "server_error"
    return ResponseError(code=code, message=body.message)


def _joined(events: list[Event]) -> bytes:
    return b"".join(map(event_bytes, events))
