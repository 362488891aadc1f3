"""What a client asks of a turn, in neutral words: every surface translates its wire format into this."""

from collections.abc import Awaitable, Callable

import msgspec

from adapters.contract import llm
from gateway.conversation.history import ConversationRef

AudioSource = Callable[[int], Awaitable[bytes]]
"""Decodes the recording: given a sample rate in Hz, the whole of it as PCM (s16le mono) at that rate."""


class TurnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. ``None`` leaves a choice to the settings of the route.

    ``audio`` is the spoken question; without it the last message of ``conversation.history`` is answered. ``language``
    (a code or a name) is the one spoken. ``instructions`` stand in place of the system prompt, "" for none at all.
    ``voice``, ``speed`` (1.0 is normal) and ``speech_instructions`` (a style) describe the speech.
    """

    audio: AudioSource | None = None
    language: str | None = None
    images: tuple[llm.Image, ...] = ()
    conversation: ConversationRef = ConversationRef()
    instructions: str | None = None
    tools: tuple[llm.Tool, ...] = ()
    tool_choice: llm.ToolChoice | None = None
    sampling: llm.Sampling = llm.Sampling()
    max_output_tokens: int | None = None
    reasoning_effort: str | None = None
    voice: str | None = None
    speed: float | None = None
    speech_instructions: str | None = None
