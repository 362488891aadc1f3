"""What a turn is charged: speech as delivered, audio and tokens as used, estimated where nobody counted."""

from typing import Any

import pytest

from adapters.contract import llm
from adapters.options import Secret
from gateway.access.meter import LocalMeter
from gateway.access.redis_meter import RedisMeter
from gateway.access.usage import Use
from gateway.settings.model import GatewaySettings
from gateway.telemetry.charging import build_meter, charging, use_of
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Stopwatch


def outcome(**fields: Any) -> TurnOutcome:
    plain = {
        "response_id": "resp_1",
        "conversation_id": None,
        "caller": "ann",
        "route": "m",
        "answered_by": "m",
        "reason": "stop",
        "heard_seconds": 2.5,
        "characters": 100,
        "spoken_seconds": 9.0,
        "delivered_seconds": 4.0,
        "delivered_characters": 40,
        "usage": llm.Usage(input_tokens=10, output_tokens=5),
        "compaction": None,
        "timings": Stopwatch().timings(),
    }
    return TurnOutcome(**plain | fields)


def test_speech_is_charged_as_delivered() -> None:
    assert use_of(outcome()) == Use(
        turns=1, audio_seconds=2.5, speech_characters=40, speech_seconds=4.0, input_tokens=10, output_tokens=5
    )


@pytest.mark.parametrize(
    ("usage", "estimate", "compaction", "charged"),
    [
        (llm.Usage(input_tokens=1, output_tokens=2), llm.Usage(input_tokens=9, output_tokens=9), None, (1, 2)),
        (None, llm.Usage(input_tokens=3, output_tokens=4), None, (3, 4)),
        (None, None, None, (0, 0)),
        (None, None, llm.Usage(input_tokens=5, output_tokens=6), (5, 6)),
        (llm.Usage(input_tokens=1, output_tokens=2), None, llm.Usage(input_tokens=5, output_tokens=6), (6, 8)),
    ],
)
def test_tokens_are_those_that_were_counted_or_else_estimated(
    usage: llm.Usage | None, estimate: llm.Usage | None, compaction: llm.Usage | None, charged: tuple[int, int]
) -> None:
    use = use_of(outcome(usage=usage, estimate=estimate, compaction=compaction))
    assert (use.input_tokens, use.output_tokens) == charged


async def test_turns_are_booked_for_their_caller_and_what_is_speculative_apart() -> None:
    meter = build_meter(GatewaySettings())
    report = charging(meter)
    report(outcome())
    report(outcome(caller="bob", speculative=True))
    assert sorted(
        (place.key, place.route, place.speculative, use.turns) for place, use in (await meter.used()).items()
    ) == [
        ("ann", "m", False, 1),
        ("bob", "m", True, 1),
    ]


async def test_the_settings_choose_where_is_counted() -> None:
    assert isinstance(build_meter(GatewaySettings()), LocalMeter)
    assert isinstance(build_meter(GatewaySettings(usage_store=Secret("redis://127.0.0.1:1/0"))), RedisMeter)
