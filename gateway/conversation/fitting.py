"""A language model that sees as much of a conversation as it can take: the oldest turns are left out first."""

import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import msgspec

from adapters.contract import llm
from adapters.contract.engine import Started
from adapters.contract.errors import TooLong
from gateway.conversation.conversation import BYTES_PER_TOKEN, Earlier

logger = logging.getLogger(__name__)

IMAGE_TOKENS = 1_000
"""What a picture is taken to cost, and a second of recording a fortieth of it: servers differ, none says before."""

RECORDING_BYTES_PER_TOKEN = 1_280
"""16 kHz, 16 bit: 25 tokens a second, as Whisper-like encoders give."""

MESSAGE_BYTES = 16
"""What the chat template puts around a message."""

LONGEST_ANSWER_TOKENS = 1_024
"""Kept free for an answer that the request does not bound, but never more than a quarter of the context."""

ROOM_AFTERWARDS = 0.75
"""Share of the budget that is filled after something had to go: else the beginning would change every turn."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a model can take: ``tokens`` of question and answer together, if known, and bytes of text in a token."""

    tokens: int | None
    bytes_per_token: float = BYTES_PER_TOKEN


class Fitting:
    """``engine``, for one turn of a conversation: it is asked with the question alone, and puts what fits before it.

    After the stream ``dropped`` is how many turns were left out, ``size`` how many bytes were sent, 0 when there was
    more than text, and ``question`` what was asked.
    """

    def __init__(self, engine: llm.LanguageModel, earlier: Earlier, context: Context) -> None:
        self._engine = engine
        self._earlier = earlier
        self._context = context
        self.dropped = 0
        self.size = 0
        self.question: tuple[llm.Message, ...] = ()

    @property
    def info(self) -> llm.Info:
        """What the engine can take."""
        return self._engine.info

    async def stream(self, request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        """The answer to the question in ``request``. When the engine says that it is too long, half as much is tried.

        Raises what the engine raises, ``TooLong`` when the question alone is.
        """
        self.question = request.messages
        self.dropped = _surplus(self._sized(request), self._sizes(), self._budget(request))
        admitted: Started | None = None  # a second attempt may yet follow, and only one may say this
        begun = False
        try:
            async with aclosing(self._engine.stream(self._whole(request))) as events:
                async for event in events:
                    if isinstance(event, Started):
                        admitted = event
                        continue
                    if not begun and admitted is not None:
                        yield admitted
                    begun = True
                    yield event
            return
        except TooLong:
            if begun or self.dropped == len(self._earlier.turns):
                raise
        self.dropped += (len(self._earlier.turns) - self.dropped + 1) // 2
        logger.warning("the model refused a conversation as too long: %d turns are left out", self.dropped)
        async with aclosing(self._engine.stream(self._whole(request))) as events:
            async for event in events:
                yield event

    async def warm_up(self) -> None:
        """The engine is warm: it belongs to its route."""

    async def aclose(self) -> None:
        """The engine belongs to its route."""

    def _whole(self, request: llm.Request) -> llm.Request:
        whole = msgspec.structs.replace(request, messages=self._earlier.before(request.messages, self.dropped))
        plain = all(isinstance(part, _PLAIN) for message in whole.messages for part in message.parts)
        self.size = _tools_size(request) + sum(map(size_of, whole.messages)) if plain else 0
        return whole

    def _sizes(self) -> list[int]:
        return [sum(map(self._weight, turn.messages)) for turn in self._earlier.turns]

    def _sized(self, request: llm.Request) -> int:
        return _tools_size(request) + sum(map(self._weight, (*self._earlier.beginning, *request.messages)))

    def _weight(self, message: llm.Message) -> int:
        """The bytes of a message, what is no text counted as the text of as many tokens."""
        tokens = 0
        for part in message.parts:
            if isinstance(part, llm.Image):
                tokens += IMAGE_TOKENS
            elif isinstance(part, llm.Audio):
                tokens += len(part.data) // RECORDING_BYTES_PER_TOKEN
        return size_of(message) + round(tokens * self._context.bytes_per_token)

    def _budget(self, request: llm.Request) -> float | None:
        """Bytes that may be sent; ``None`` when the context is not known."""
        tokens = self._context.tokens
        if tokens is None:
            return None
        answer = request.max_output_tokens or min(LONGEST_ANSWER_TOKENS, tokens // 4)
        return max(tokens - answer, tokens // 4) * self._context.bytes_per_token


_PLAIN = llm.Text | llm.ToolCall | llm.ToolResult


def size_of(message: llm.Message) -> int:
    """The UTF-8 bytes of a message's text, of its calls and their results."""
    size = MESSAGE_BYTES
    for part in message.parts:
        match part:
            case llm.Text():
                size += len(part.text.encode())
            case llm.ToolCall():
                size += len(part.name.encode()) + len(part.arguments.encode()) + MESSAGE_BYTES
            case llm.ToolResult():
                size += len(part.output.encode())
            case llm.Image() | llm.Audio() | llm.Opaque():
                pass
    return size


def _tools_size(request: llm.Request) -> int:
    return len(msgspec.json.encode(request.tools)) if request.tools else 0


def _surplus(fixed: int, sizes: Iterable[int], budget: float | None) -> int:
    """How many of the oldest turns, which take ``sizes`` bytes, do not fit beside ``fixed`` bytes."""
    turns = list(sizes)
    left = fixed + sum(turns)
    if budget is None or left <= budget:
        return 0
    count = 0
    while count < len(turns) and left > budget * ROOM_AFTERWARDS:
        left -= turns[count]
        count += 1
    return count
