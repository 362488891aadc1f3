"""The place of a turn that no request of its own asks for: counted by its caller's limits, admitted by the queues."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from gateway.access.caller import Caller
from gateway.access.meter import Meter
from gateway.access.standing import Standing
from gateway.access.windows import Quantity
from gateway.engines.admission import Admission
from gateway.engines.route import ServedRoute, Stage

NEEDED: dict[Stage, tuple[Quantity, ...]] = {
    "stt": ("audio_seconds",),
    "llm": ("tokens",),
    "tts": ("speech_characters", "speech_seconds"),
}
"""What a turn uses of at each of its stages."""


def needed(stages: Sequence[Stage]) -> tuple[Quantity, ...]:
    """What a turn uses of at ``stages``."""
    return tuple([quantity for stage in stages for quantity in NEEDED[stage]])


@asynccontextmanager
async def turn_place(
    meter: Meter, caller: Caller, served: ServedRoute, stages: Sequence[Stage], requests: int = 1
) -> AsyncGenerator[Standing, None]:
    """A place for one turn of ``caller`` at ``stages`` of ``served``; how the caller stands to its limits.

    Of a turn that may be thrown away there are no ``requests`` yet.

    Raises ``Overloaded`` for a limit that is reached, and what ``ServedRoute`` raises when a stage cannot work or is
    too busy.
    """
    taken = await meter.take(caller, "turns", requests)
    try:
        if (refusal := taken.refusal or taken.standing.refusal(needed(stages))) is not None:
            raise refusal
        served.require(stages)
        with Admission():
            served.admit(stages)
            yield taken.standing
    finally:
        meter.leave(caller.name, "turns", taken)
