"""How an answer is drawn and how much is thought about it, as requests say it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from adapters.contract import llm

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
StopText = Annotated[str, Meta(max_length=1000)]
StopTexts = Annotated[list[StopText], Meta(max_length=4)]


class SamplingFields(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is drawn, as Chat Completions and voice turns take it."""

    temperature: Annotated[float, Meta(ge=0.0, le=2.0, description="Sampling temperature.")] | None = None
    top_p: Annotated[float, Meta(ge=0.0, le=1.0, description="Nucleus sampling.")] | None = None
    stop: Annotated[
        StopText | StopTexts | None,
        Meta(description="Up to four texts that end the answer."),
    ] = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, description="Seed of the sampling.")] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2.0, le=2.0, description="Penalty by frequency.")] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2.0, le=2.0, description="Penalty by presence.")] | None = None


def sampling_of(fields: SamplingFields) -> llm.Sampling:
    """The same for a language model; an empty list of ``stop`` means none, ``None`` leaves a choice to the settings."""
    stop = (fields.stop,) if isinstance(fields.stop, str) else fields.stop
    return llm.Sampling(
        temperature=fields.temperature,
        top_p=fields.top_p,
        stop=None if stop is None else tuple(stop),
        seed=fields.seed,
        frequency_penalty=fields.frequency_penalty,
        presence_penalty=fields.presence_penalty,
    )
