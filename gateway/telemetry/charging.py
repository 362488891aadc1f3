"""Charges every turn to who asked for it."""

import time

from gateway.access.meter import LocalMeter, Meter
from gateway.access.usage import Place, Use, day_of
from gateway.settings.model import GatewaySettings
from gateway.telemetry.observer import Report
from gateway.telemetry.outcome import TurnOutcome


def build_meter(settings: GatewaySettings) -> Meter:
    """The meter that the settings describe, without I/O. Raises ``BadOption`` for an address that no store can have."""
    local = LocalMeter(settings.limits, settings.usage_days)
    if settings.usage_store is None:
        return local
    from gateway.access.redis_meter import RedisMeter  # noqa: PLC0415 - its client is imported when it is used

    return RedisMeter(settings.usage_store, local)


def charging(meter: Meter) -> Report:
    """Charges turns to ``meter`` as they end."""

    def charge(outcome: TurnOutcome) -> None:
        place = Place(day=day_of(time.time()), key=outcome.caller, route=outcome.route, speculative=outcome.speculative)
        meter.charge(place, use_of(outcome))

    return charge


def use_of(outcome: TurnOutcome) -> Use:
    """What a turn is charged: speech as it was delivered, audio and tokens as engines used them."""
    counted = [usage for usage in (outcome.usage or outcome.estimate, outcome.compaction) if usage is not None]
    return Use(
        turns=1,
        audio_seconds=outcome.heard_seconds,
        speech_characters=outcome.delivered_characters,
        speech_seconds=outcome.delivered_seconds,
        input_tokens=sum(usage.input_tokens for usage in counted),
        output_tokens=sum(usage.output_tokens for usage in counted),
    )
