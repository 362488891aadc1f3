"""A language model with fallbacks: other models that answer when it cannot; the client sees one answer."""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol, TypeVar, cast

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, TooLong
from adapters.contract.passthrough import PassEvent, PassRequest, Passthrough, WireProtocol, protocol_of

logger = logging.getLogger(__name__)

EventT = TypeVar("EventT")


class Answering(Started, frozen=True, kw_only=True, tag="answering"):
    """``Started``, said by the model of ``route``, at its ``upstream`` where it has several."""

    route: str
    upstream: str | None = None


class Answerer(Protocol):
    """What may be asked for an answer."""

    def answering(self, started: Started) -> Answering:
        """``started``, as its own."""


AnswererT = TypeVar("AnswererT", bound=Answerer)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A language model, the name of its route and the model string of its requests."""

    route: str
    model: str
    engine: llm.LanguageModel

    def answering(self, started: Started) -> Answering:
        """``started``, as that of this route."""
        upstream = started.upstream if isinstance(started, Answering) else None
        return Answering(ignored=started.ignored, route=self.route, upstream=upstream)


class FallbackModel:
    """Asks the first of ``choices``, then the others in order until one has begun to answer.

    A wrong request is refused by the first; a failure in the middle of an answer is not repaired.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.first = choices[0].engine
        self._choices = choices

    def leave_out(self, lost: Callable[[llm.LanguageModel], bool]) -> bool:
        """Stop asking those that are ``lost``. Returns whether any are left; if not, nothing is changed."""
        left = [choice for choice in self._choices if not lost(choice.engine)]
        self._choices = left or self._choices
        return bool(left)

    @property
    def info(self) -> llm.Info:
        """What the first can take."""
        return self.first.info

    @property
    def alternatives(self) -> tuple[llm.LanguageModel, ...]:
        """All of them, in order."""
        return tuple(choice.engine for choice in self._choices)

    @property
    def protocol(self) -> WireProtocol | None:
        """The protocol of the first one's server."""
        return protocol_of(self.first)

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """One answer, of the first that gives any; its ``Started`` is an ``Answering``.

        One that cannot promise JSON is not asked for it; fields in the words of the first one's server go to servers
        of the same protocol. When none answers, raises the first one's error, but ``TooLong`` before that: a shorter
        request may be answered.
        """

        able = [choice for choice in self._choices if request.json_answer is None or choice.engine.info.json_answers]

        def ask(choice: Choice) -> AsyncGenerator[llm.Event, None]:
            extra = request.extra if protocol_of(choice.engine) == self.protocol else {}
            return choice.engine.stream(msgspec.structs.replace(request, model=choice.model, extra=extra))

        async with aclosing(first_answer(able, ask, _log_failure)) as events:
            async for event in events:
                yield event

    async def forward(self, request: PassRequest) -> AsyncGenerator[PassEvent, None]:
        """The same for a request that is passed on, by those whose servers speak the protocol of the first."""
        speaking = [choice for choice in self._choices if protocol_of(choice.engine) == self.protocol]

        def ask(choice: Choice) -> AsyncGenerator[PassEvent, None]:
            history = request.history if choice is self._choices[0] else request.messages
            asked = msgspec.structs.replace(request, model=choice.model, history=history)
            return cast(Passthrough, choice.engine).forward(asked)

        async with aclosing(first_answer(speaking, ask, _log_failure)) as events:
            async for event in events:
                yield event

    async def warm_up(self) -> None:
        """Warm the first up; the others belong to their own routes."""
        await self.first.warm_up()

    async def aclose(self) -> None:
        """Close the first; the others belong to their own routes."""
        await self.first.aclose()


def _log_failure(choice: Choice, error: AdapterError) -> None:
    logger.warning("%s cannot answer (%s)", choice.route, type(error).__name__)


async def first_answer(
    choices: Sequence[AnswererT],
    ask: Callable[[AnswererT], AsyncGenerator[EventT, None]],
    failed: Callable[[AnswererT, AdapterError], None],
) -> AsyncGenerator[EventT | Answering, None]:
    """The events of the first of ``choices`` that gives an answer when it is asked; ``failed`` is told of the others.

    When none does, raises the error of the first one, or a ``TooLong``; at once when the first says that the request is
    wrong.
    """
    failure: AdapterError | None = None
    for choice in choices:
        started: Started | None = None
        begun = False
        try:
            async with aclosing(ask(choice)) as events:
                async for event in events:
                    if isinstance(event, Started):
                        started = event  # held back: another may have to answer, and there is one Started only
                        continue
                    if not begun and started is not None:
                        yield choice.answering(started)
                    begun = True
                    yield event
            return
        except AdapterError as error:
            if begun or (failure is None and isinstance(error, InvalidRequest)):
                raise
            failure = error if failure is None or isinstance(error, TooLong) else failure
            failed(choice, error)
    assert failure is not None, "there is at least one choice"
    raise failure
