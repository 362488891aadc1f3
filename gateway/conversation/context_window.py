"""Trims a conversation to the model's context: the oldest turns are left out first."""

from collections.abc import Iterable

import msgspec

from adapters.contract import llm
from gateway.conversation.conversation import Turn
from gateway.conversation.media import readable
from gateway.conversation.normal_form import normal_form

IMAGE_TOKENS = 1_000
"""The assumed cost of an image; servers differ and none says beforehand."""

RECORDING_BYTES_PER_TOKEN = 1_280
"""Of audio at 16 kHz, 16 bit: 25 tokens a second, as Whisper-like encoders give."""

MESSAGE_BYTES = 16
"""Bytes that the chat template puts around a message."""

LONGEST_ANSWER_TOKENS = 1_024
"""Reserved for an answer that the request does not limit, but never more than a quarter of the context."""

ROOM_AFTERWARDS = 0.75
"""Share of the budget that is filled once turns had to be left out: else the beginning would change every turn."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is sent: all messages, and how many of the oldest turns were left out of them.

    ``tools_size``: the UTF-8 bytes of its tools; ``None`` where nobody asks how large it is.
    """

    messages: tuple[llm.Message, ...]
    skipped: int
    tools_size: int | None

    @property
    def size(self) -> int:
        """The UTF-8 bytes of it all; 0 when there is more than text, of which bytes say nothing about tokens."""
        plain = all(isinstance(part, _PLAIN) for message in self.messages for part in message.parts)
        return self.tools_size + sum(map(size_of, self.messages)) if plain and self.tools_size is not None else 0


class LiteralWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that reaches its model as it is: nothing is repaired, and nothing is left out."""

    messages: tuple[llm.Message, ...]

    def longest(self) -> Prompt:
        """All of it."""
        return Prompt(messages=self.messages, skipped=0, tools_size=None)

    def shorter(self, _refused: Prompt) -> None:
        """There is no shorter one: the client learns that it is too long."""


class ContextWindow(msgspec.Struct, frozen=True, kw_only=True):
    """One question after a conversation, and how much of that ``model`` takes.

    ``beginning`` precedes the ``turns`` and always stays, as the ``question`` does. ``user_role`` is the role of
    messages that have to be added for the user. ``tokens``: what prompt and answer may have together, if known;
    ``max_output_tokens``: the answer's part of it.
    """

    beginning: tuple[llm.Message, ...]
    turns: tuple[Turn, ...]
    question: tuple[llm.Message, ...]
    user_role: str
    tools: tuple[llm.Tool, ...]
    model: llm.Info
    tokens: int | None
    bytes_per_token: float
    max_output_tokens: int | None

    def longest(self) -> Prompt:
        """As many of the newest turns as fit; the question itself always stays."""
        if (budget := self._budget()) is None:
            return self._prompt(0)
        fixed = self._tools_size + sum(map(self._weight, (*self.beginning, *self.question)))
        sizes = [sum(map(self._weight, turn.messages)) for turn in self.turns]
        return self._prompt(_surplus(fixed, sizes, budget))

    def shorter(self, refused: Prompt) -> Prompt | None:
        """Half as many turns as in the prompt that the model refused; ``None`` when that was the question alone."""
        left = len(self.turns) - refused.skipped
        return self._prompt(refused.skipped + (left + 1) // 2) if left else None

    def _prompt(self, skipped: int) -> Prompt:
        history = (*self.beginning, *(message for turn in self.turns[skipped:] for message in turn.messages))
        messages = normal_form(
            (*readable(history, self.model), *self.question),
            user_role=self.user_role,
            tools={tool.name for tool in self.tools},
            calls=self.model.tools,
        )
        return Prompt(messages=messages, skipped=skipped, tools_size=self._tools_size)

    @property
    def _tools_size(self) -> int:
        return len(msgspec.json.encode(self.tools)) if self.tools else 0

    def _weight(self, message: llm.Message) -> int:
        """The bytes of a message, with images and audio counted as text of as many tokens."""
        tokens = 0
        for part in message.parts:
            if isinstance(part, llm.Image):
                tokens += IMAGE_TOKENS
            elif isinstance(part, llm.Audio):
                tokens += len(part.data) // RECORDING_BYTES_PER_TOKEN
        return size_of(message) + round(tokens * self.bytes_per_token)

    def _budget(self) -> float | None:
        """Bytes that may be sent; ``None`` when the context is not known."""
        if self.tokens is None:
            return None
        answer = self.max_output_tokens or min(LONGEST_ANSWER_TOKENS, self.tokens // 4)
        return max(self.tokens - answer, self.tokens // 4) * self.bytes_per_token


_PLAIN = llm.Text | llm.ToolCall | llm.ToolResult


def size_of(message: llm.Message) -> int:
    """The UTF-8 bytes of a message's text and reasoning, of its calls and their results."""
    size = MESSAGE_BYTES + len((message.reasoning or "").encode())
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


def _surplus(fixed: int, sizes: Iterable[int], budget: float) -> int:
    """How many of the oldest turns, which take ``sizes`` bytes, do not fit beside ``fixed`` bytes."""
    turns = list(sizes)
    left = fixed + sum(turns)
    if left <= budget:
        return 0
    count = 0
    while count < len(turns) and left > budget * ROOM_AFTERWARDS:
        left -= turns[count]
        count += 1
    return count
