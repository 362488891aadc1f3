"""A turn on the straight road on its way to a client: the server's own bytes behind our headers."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import msgspec

from adapters.contract.errors import AdapterError
from adapters.contract.passthrough import Forwarded
from gateway.http.headers import AnswerHead, headers_of
from gateway.http.streaming import Head, Part, Streaming, StreamingResponse
from gateway.telemetry.timings import Stopwatch
from gateway.turns.passed_turn import PassedKept, PassedTurn
from gateway.turns.result import ConversationJoined


class PassedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``turn``, as events or as a document; ``ignored`` names the request's parameters without effect.

    ``kept`` is awaited with a response that is to be kept, before the client gets its end. ``failed`` makes the event
    that tells of a failure after the first byte; without it that is OpenAI's ``{"error": …}``.
    """

    turn: PassedTurn
    watch: Stopwatch
    streamed: bool
    ignored: tuple[str, ...] = ()
    kept: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    failed: Callable[[AdapterError], bytes] | None = None

    def response(self) -> StreamingResponse:
        """The response that sends it."""
        content_type = "text/event-stream; charset=utf-8" if self.streamed else "application/json"
        return StreamingResponse(Streaming(parts=self._parts(), content_type=content_type, events=self.streamed))

    async def _parts(self) -> AsyncGenerator[Part, None]:
        conversation_id: str | None = None
        begun = False
        async with aclosing(self.turn.events()) as events:
            try:
                async for event in events:
                    match event:
                        case Forwarded():
                            if not begun:
                                begun = True
                                yield self._head(event.answer_id, conversation_id)
                            yield event.data
                        case PassedKept() if self.kept is not None:
                            await self.kept(event.response)
                        case ConversationJoined():
                            conversation_id = event.conversation_id
                        case _:
                            pass
            except AdapterError as error:
                if self.failed is None or not (begun and self.streamed):
                    raise
                yield self.failed(error)

    def _head(self, answer_id: str | None, conversation_id: str | None) -> Head:
        head = AnswerHead(
            response_id=answer_id or self.turn.id,
            conversation_id=conversation_id,
            transcript=None,
            ignored=self.ignored,
            timings=self.watch.timings(),
        )
        return Head(headers=headers_of(head))
