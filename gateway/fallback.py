"""A language model with others behind it that answer when it cannot; the client sees one answer."""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, TooLong

logger = logging.getLogger(__name__)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A language model, the name of its route and the model string that it takes."""

    route: str
    model: str
    engine: llm.LanguageModel


class FallingBack:
    """The first of ``choices``, and the next ones in turn while none has begun to answer.

    A request that is wrong itself is refused by the first; a failure in the middle of an answer stays one.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.first = choices[0].engine
        self._choices = choices

    def leave_out(self, lost: Callable[[llm.LanguageModel], bool]) -> bool:
        """Those that are ``lost`` are not asked any more; whether any are left, else nothing is changed."""
        left = [choice for choice in self._choices if not lost(choice.engine)]
        self._choices = left or self._choices
        return bool(left)

    @property
    def info(self) -> llm.Info:
        """What the first can take."""
        return self.first.info

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """One answer, of the first that gives any.

        When none does, raises the first one's error; ``TooLong`` goes before it: a shorter request may be answered.
        """
        failure: AdapterError | None = None
        for choice in self._choices:
            started: Started | None = None
            begun = False
            try:
                stream = choice.engine.stream(msgspec.structs.replace(request, model=choice.model))
                async with aclosing(stream) as events:
                    async for event in events:
                        if isinstance(event, Started):
                            started = event  # another may yet have to answer, and only one may say this
                            continue
                        if not begun and started is not None:
                            yield started
                        begun = True
                        yield event
                return
            except AdapterError as error:
                if begun or (failure is None and isinstance(error, InvalidRequest)):
                    raise
                failure = error if failure is None or isinstance(error, TooLong) else failure
                logger.warning("%s cannot answer (%s)", choice.route, type(error).__name__)
        assert failure is not None, "there is at least one choice"
        raise failure

    async def warm_up(self) -> None:
        """Warm the first up; the others belong to their own routes."""
        await self.first.warm_up()

    async def aclose(self) -> None:
        """Close the first; the others belong to their own routes."""
        await self.first.aclose()
