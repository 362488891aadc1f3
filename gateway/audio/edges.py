"""The edges of sound that is cut off or begins: a short ramp, so that nobody hears a click."""

import numpy as np
from numpy.typing import NDArray

RAMP_SECONDS = 0.002
"""Over so long a sound that is cut off falls to silence, and one that begins rises from it."""

QUIET = 100
"""Samples (of 32,767) up to this are silence: breath and noise of an engine are louder."""


def rising(sample_rate: int) -> NDArray[np.float32]:
    """The factors, from 0 up, of the first samples of a sound at ``sample_rate`` Hz."""
    return np.linspace(0, 1, max(1, round(RAMP_SECONDS * sample_rate)), endpoint=False, dtype=np.float32)


def falling(last: int, sample_rate: int) -> bytes:
    """What leads from the sample ``last`` to silence (s16le at ``sample_rate`` Hz); empty where it is silent."""
    return (last * rising(sample_rate)[::-1]).astype("<i2").tobytes() if abs(last) > QUIET else b""
