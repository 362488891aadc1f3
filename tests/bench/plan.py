"""What the benchmark of the engines measures, and how often."""

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Recordings of so many ``seconds``; ``callers`` at once; streams of audio at once.

    ``requests`` for speech one after another, from a server that takes ``speech_seconds`` for each. Quick synthesisers
    have more than the ``rounds``, until ``least_seconds`` have passed, and speak in each of them for ``loop_seconds``.
    """

    seconds: tuple[int, ...]
    callers: tuple[int, ...]
    streams: tuple[int, ...]
    requests: int
    speech_seconds: float
    rounds: int
    least_seconds: float = 0.0
    loop_seconds: float = 0.0


FULL = Plan(
    seconds=(2, 10, 30),
    callers=(1, 4, 8),
    streams=(1, 8, 64),
    requests=20,
    speech_seconds=1.0,
    rounds=3,
    least_seconds=20.0,
    loop_seconds=0.5,
)
QUICK = Plan(seconds=(2,), callers=(1, 2), streams=(1, 2), requests=2, speech_seconds=0.4, rounds=1)
