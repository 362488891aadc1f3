"""Tokens and times as clients read them."""

import msgspec

from adapters.contract import llm
from gateway.telemetry.timings import Timings
from gateway.wire.usage import stage_times, usage_of


def test_what_a_summary_cost_is_part_of_the_usage() -> None:
    usage = usage_of(
        llm.Usage(input_tokens=3, output_tokens=4), compaction=llm.Usage(input_tokens=100, output_tokens=20)
    )
    assert msgspec.to_builtins(usage) == {
        "input_tokens": 103,
        "output_tokens": 24,
        "total_tokens": 127,
        "compaction_tokens": 120,
    }


def test_what_the_server_did_not_count_is_not_invented() -> None:
    assert usage_of(None, compaction=llm.Usage(input_tokens=100, output_tokens=20)) is None


def test_a_stage_that_was_not_reached_has_no_time() -> None:
    times = stage_times(Timings(stt=None, llm_first=None, tts_first=0.01, first_audio=None, total=0.5))
    assert (times.stt_ms, times.tts_first_ms, times.total_ms) == (None, 10.0, 500.0)
