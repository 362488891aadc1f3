"""What a client asks of a turn, in neutral words: every surface translates its wire format into this."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from adapters.contract import llm
from gateway.access.caller import Caller
from gateway.conversation.history import ConversationRef
from gateway.turns.speculation import Speculation

AudioSource = Callable[[int], Awaitable[bytes]]
"""Decodes the recording: given a sample rate in Hz, the whole of it as PCM (s16le mono) at that rate."""


class TurnRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of ``caller``. ``None`` leaves a choice to the settings of the route.

    ``audio`` is the spoken question; without it the last message of the conversation is answered. ``language`` (a code
    or a name) is the one spoken. With ``source_of`` the recordings in the conversation's new messages are heard by the
    route's recogniser, if it has one, and the model is given their words. ``heard_language`` (ISO 639-1) is that of a
    question that was heard before it was asked for. ``instructions`` stand in place of the system
    prompt, "" for none at all. ``voice``, ``speed`` (1.0 is normal) and ``speech_instructions`` (a style) describe the
    speech of an answer that is ``spoken``; one that is not is text alone. The words of a spoken answer are kept under
    ``audio_id`` for a time, for later requests that name it.

    A ``literal`` request reaches the model as it is: without the gateway's own prompt, reasoning settings and hints,
    with no message repaired or left out. ``extra`` are fields in the words of the model's own server, see
    ``llm.Request``. ``id`` is that of the answer, where it has one already. With
    a ``speculation`` it is not certain yet that the turn will be needed.
    """

    caller: Caller
    id: str | None = None
    audio: AudioSource | None = None
    source_of: Callable[[llm.Audio], AudioSource] | None = None
    language: str | None = None
    heard_language: str | None = None
    images: tuple[llm.Image, ...] = ()
    conversation: ConversationRef = ConversationRef()
    instructions: str | None = None
    tools: tuple[llm.Tool, ...] = ()
    tool_choice: llm.ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    json_answer: llm.JsonAnswer | None = None
    sampling: llm.Sampling = llm.Sampling()
    max_output_tokens: int | None = None
    reasoning_effort: str | None = None
    extra: dict[str, Any] = {}
    literal: bool = False
    spoken: bool = True
    voice: str | None = None
    speed: float | None = None
    speech_instructions: str | None = None
    audio_id: str | None = None
    speculation: Speculation | None = None
