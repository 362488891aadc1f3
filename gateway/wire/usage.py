"""What a turn cost and how long its stages took, as clients read it."""

import msgspec

from adapters.contract import llm
from gateway.telemetry.timings import Timings


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of the language model; ``compaction_tokens`` of them went into a summary of earlier turns."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    compaction_tokens: int = 0


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds: recognition, the model's first piece, from there to the first text that is given to synthesis,
    synthesis' first samples, first audio from the start, all.
    """

    stt_ms: float | None
    llm_first_ms: float | None
    first_clause_ms: float | None = None  # ``ask`` reads what older gateways send
    tts_first_ms: float | None
    first_audio_ms: float | None
    total_ms: float


def usage_of(usage: llm.Usage | None, compaction: llm.Usage | None) -> Usage | None:
    """The answer's tokens and those of a summary together; ``None`` when the server does not say."""
    if usage is None:
        return None
    given, written = usage.input_tokens, usage.output_tokens
    extra = 0
    if compaction is not None:
        given, written = given + compaction.input_tokens, written + compaction.output_tokens
        extra = compaction.input_tokens + compaction.output_tokens
    return Usage(input_tokens=given, output_tokens=written, total_tokens=given + written, compaction_tokens=extra)


def stage_times(timings: Timings) -> StageTimes:
    """The stages in milliseconds, rounded to a tenth."""

    def rounded(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds * 1000, 1)

    return StageTimes(
        stt_ms=rounded(timings.stt),
        llm_first_ms=rounded(timings.llm_first),
        first_clause_ms=rounded(timings.first_clause),
        tts_first_ms=rounded(timings.tts_first),
        first_audio_ms=rounded(timings.first_audio),
        total_ms=round(timings.total * 1000, 1),
    )
