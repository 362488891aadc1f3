"""What a model is asked for one answer: a client's parameters over the configuration of the session."""

from collections.abc import Iterable

import msgspec

from gateway.realtime.protocol.client_events import ResponseParams
from gateway.realtime.protocol.items import Item
from gateway.realtime.protocol.session_config import AudioOutput, Modality, OutputTokens, RealtimeSession
from gateway.realtime.session.commands import AnswerPlan

NO_PARAMS = ResponseParams()
"""The parameters of an answer that nobody asked for by an event."""


def plan_of(config: RealtimeSession, params: ResponseParams, items: Iterable[Item], language: str | None) -> AnswerPlan:
    """What the model is asked, to answer ``items``, of which the last was heard in ``language``."""
    limit = max_output_tokens_of(config, params)
    parallel = params.parallel_tool_calls
    return AnswerPlan(
        items=tuple(items),
        language=language,
        instructions=config.instructions if params.instructions is None else params.instructions,
        tools=tuple(config.tools if params.tools is None else params.tools),
        tool_choice=config.tool_choice if params.tool_choice is None else params.tool_choice,
        parallel_tool_calls=config.parallel_tool_calls if parallel is None else parallel,
        reasoning=params.reasoning or config.reasoning,
        max_output_tokens=None if limit == "inf" else limit,
        output=output_of(config, params) if modality_of(config, params) == "audio" else None,
    )


def modality_of(config: RealtimeSession, params: ResponseParams) -> Modality:
    """Whether the answer is spoken."""
    return (params.output_modalities or config.output_modalities)[0]


def output_of(config: RealtimeSession, params: ResponseParams) -> AudioOutput:
    """How the answer sounds, if it is spoken."""
    usual, wanted = config.audio.output, params.audio.output
    return msgspec.structs.replace(usual, format=wanted.format or usual.format, voice=wanted.voice or usual.voice)


def max_output_tokens_of(config: RealtimeSession, params: ResponseParams) -> OutputTokens:
    """The longest that the answer may be."""
    return config.max_output_tokens if params.max_output_tokens is None else params.max_output_tokens
