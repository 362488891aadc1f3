"""A text turn on the straight road: the client's request is passed on to a server that speaks the same protocol."""

import logging
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager, nullcontext
from typing import Any, cast

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from adapters.contract.passthrough import Forwarded, Passed, PassRequest, Passthrough, Relay, WireProtocol, protocol_of
from gateway.access.caller import Caller
from gateway.conversation.conversation import GIVEN_ID
from gateway.conversation.history import ConversationLease, ConversationRef, History, Policy
from gateway.conversation.normal_form import has_content
from gateway.conversation.raw_items import raw_output, with_raw
from gateway.engines.route import ServedRoute
from gateway.pipeline.deadline import Deadline
from gateway.telemetry.observer import Observer
from gateway.telemetry.timings import Stopwatch
from gateway.turns.build import checked, policy_of
from gateway.turns.result import ConversationJoined, ConversationKept
from gateway.turns.tally import Tally
from gateway.turns.token_estimate import body_characters, estimated_tokens

logger = logging.getLogger(__name__)

BYTES_A_CHARACTER = 512
"""What a character of an answer may come to on the wire: servers send events of some hundred bytes for each token."""

BYTES_A_TOKEN = 256
"""What servers send of an event for one token, about."""


class PassedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is passed on for ``caller``: the client's JSON object ``body``, without what names a conversation.

    ``conversation`` is where it belongs, with the messages of ``body`` in ``added``; ``None`` for a protocol without
    conversations. A ``relay`` may be given what would be ``Forwarded``, once that was read for the first time.
    """

    caller: Caller
    body: dict[str, Any]
    conversation: ConversationRef | None = None
    relay: Relay | None = None


class PassedKept(msgspec.Struct, frozen=True, kw_only=True, tag="passed_kept"):
    """A turn that is to be kept is stored under the id of its ``response``, if it can be.

    ``response`` is the final one as the server wrote it. The bytes that end the answer follow.
    """

    response: dict[str, Any]


class TurnPassed(msgspec.Struct, frozen=True, kw_only=True, tag="turn_passed"):
    """The end of a turn that did not fail; last."""


PassedEvent = ConversationJoined | Started | Forwarded | PassedKept | TurnPassed


def passes(served: ServedRoute, protocol: WireProtocol, body: Mapping[str, Any]) -> bool:
    """Whether the text request ``body`` is passed on: its route has a server that speaks ``protocol``.

    Tools whose calls are to be checked are not, nor anything that guards are to judge: it has to be read for that.
    """
    if served.guards.all:
        return False
    model = served.engines.llm
    checked = served.route.settings.check_tool_calls and body.get("tools")
    return protocol_of(model) == protocol and not checked


class PassedTurn:
    """The turn ``request`` at ``served``, whose model ``passes``; ``id`` names it in headers and log.

    ``observer`` is told of its beginning and its end, however it ended.
    """

    def __init__(
        self, history: History, served: ServedRoute, request: PassedRequest, watch: Stopwatch, observer: Observer
    ) -> None:
        self.id = f"resp_{uuid.uuid4().hex}"
        self._history = history
        self._served = served
        self._request = request
        self._watch = watch
        self._observer = observer
        self._tally = Tally(self.id, request.caller.name, served.name, watch)
        self._tally.estimated_by(self._estimate)
        self._most = served.route.settings.max_answer_characters * BYTES_A_CHARACTER
        self._forwarded_bytes = 0

    @property
    def route(self) -> str:
        """The name of the route that is asked."""
        return self._served.name

    async def events(self) -> AsyncGenerator[PassedEvent, None]:
        """Take the turn; ends with ``TurnPassed``. Closing it at any point releases the server.

        A turn that is closed early, or fails, is not kept. Raises ``AdapterError``, and what ``History.lease`` raises.
        """
        settings = self._served.route.settings
        deadline = Deadline.of(settings.max_turn_seconds, self._watch.elapsed)
        with self._tally.observed_by(self._observer):
            async with self._leased(deadline) as lease:
                if lease is not None:
                    yield ConversationJoined(conversation_id=lease.id)
                async with aclosing(deadline.limited(self._forwarded(lease))) as events:
                    passed: Passed | None = None
                    async for event in events:
                        match event:
                            case Forwarded():
                                self._watch.mark("llm_first_token")
                                self._count(event.data)
                                yield event
                            case Passed():
                                self._watch.mark("llm_done")
                                passed = event
                            case Started():
                                self._tally.answered_by(event)
                                yield event
                if passed is None:
                    raise UpstreamError("The language model's stream ended before the answer was finished.")
                self._tally.note(passed)
                if lease is not None and passed.failure is None:
                    await self._keep(lease, passed)
                if passed.response is not None:
                    yield PassedKept(response=passed.response)
                if passed.last:
                    yield Forwarded(data=passed.last, answer_id=_id_of(passed.response))
                yield TurnPassed()

    def _leased(self, deadline: Deadline) -> AbstractAsyncContextManager[ConversationLease | None]:
        """The conversation of the turn; ``None`` for a protocol without conversations."""
        ref = self._request.conversation
        return nullcontext() if ref is None else self._lease(ref, deadline)

    @asynccontextmanager
    async def _lease(self, ref: ConversationRef, deadline: Deadline) -> AsyncGenerator[ConversationLease, None]:
        async with AsyncExitStack() as held:
            leasing = held.enter_async_context(self._history.lease(checked(ref), self._policy))
            yield await deadline.limit(leasing)

    def _forwarded(self, lease: ConversationLease | None) -> AsyncGenerator[Any, None]:
        messages = _history(lease, self._request.conversation)
        request = PassRequest(
            model=self._served.route.settings.model_name or "",
            body=self._request.body,
            history=tuple(with_raw(messages, self._served.name)),
            messages=messages,
            recorded=lease is not None and lease.kept,
            relay=None if self._request.relay is None else self._counting(self._request.relay),
        )
        return cast(Passthrough, self._served.engines.llm).forward(request)  # the surface asked passes()

    def _counting(self, relay: Relay) -> Relay:
        def counted(data: bytes) -> bool:
            self._count(data)
            return relay(data)

        return counted

    def _count(self, data: bytes) -> None:
        self._forwarded_bytes += len(data)
        if self._forwarded_bytes > self._most:
            raise UpstreamError("The answer is longer than --max_answer_characters allows.")

    async def _keep(self, lease: ConversationLease, passed: Passed) -> None:
        """Store the turn under the id that the client saw."""
        if not lease.kept or passed.message is None or passed.response is None:
            return
        response_id = _id_of(passed.response)
        if response_id is None or not GIVEN_ID.fullmatch(response_id):
            logger.warning("%s is not kept: its server gave it no usable id", self.id)
            return
        raw = tuple(raw_output(passed.response.get("output"), self._served.name))
        message = msgspec.structs.replace(passed.message, parts=(*passed.message.parts, *raw))
        said = (message,) if raw or has_content(message) else ()
        conversation = lease.conversation.after(said).stepped(response_id, self._served.name)
        if await self._history.keep(lease, response_id, conversation, self._policy):
            self._tally.note(ConversationKept(conversation_id=lease.id, compaction=lease.compaction))

    @property
    def _policy(self) -> Policy:
        return policy_of(self._served)

    def _estimate(self) -> llm.Usage:
        """What the server must have used about; it sends one event for each token."""
        return llm.Usage(
            input_tokens=estimated_tokens(body_characters(self._request.body)),
            output_tokens=self._forwarded_bytes // BYTES_A_TOKEN,
        )


def _id_of(response: dict[str, Any] | None) -> str | None:
    """The server's id of a response."""
    given = None if response is None else response.get("id")
    return given if isinstance(given, str) else None


def _history(lease: ConversationLease | None, ref: ConversationRef | None) -> tuple[llm.Message, ...]:
    """What was said before the request's own messages."""
    if lease is None or ref is None:
        return ()
    conversation = lease.conversation
    turns = conversation.turns[conversation.skipped :]
    messages = [*conversation.beginning(None, "system"), *(message for turn in turns for message in turn.messages)]
    return tuple(messages[: len(messages) - len(ref.added)])
