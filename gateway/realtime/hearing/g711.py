"""G.711, the audio of telephones: mu-law and A-law, one byte a sample, to and from linear PCM."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Law = Literal["mu", "a"]

_MU_BIAS = 0x84
_MU_CLIP = 32_635 - _MU_BIAS
_A_TOGGLED = 0x55  # A-law turns every second bit, so that silence is no row of zeros on the line
_Table = npt.NDArray[np.int16]


def decode(data: bytes, law: Law) -> bytes:
    """The s16le PCM of ``data``."""
    samples: _Table = _LINEAR[law][np.frombuffer(data, np.uint8)]
    return samples.tobytes()


def encode(pcm: bytes, law: Law) -> bytes:
    """``pcm`` (s16le, whole samples) as bytes of one sample each."""
    codes: npt.NDArray[np.uint8] = _CODES[law][np.frombuffer(pcm, "<u2")]
    return codes.tobytes()


def _mu_linear() -> _Table:
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, (code & 15).astype(np.int32)
    magnitude = (((mantissa << 3) + _MU_BIAS) << exponent) - _MU_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype("<i2")


def _a_linear() -> _Table:
    code = np.arange(256, dtype=np.uint8) ^ _A_TOGGLED
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype("<i2")


def _codes(linear: _Table) -> npt.NDArray[np.uint8]:
    """The code of each sample, by its unsigned value: the one whose value is nearest."""
    order = np.argsort(linear, kind="stable")
    values = linear[order].astype(np.int32)
    borders = (values[:-1] + values[1:] + 1) // 2
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16)
    return order[np.searchsorted(borders, samples, side="right")].astype(np.uint8)


_LINEAR: dict[Law, _Table] = {"mu": _mu_linear(), "a": _a_linear()}
_CODES: dict[Law, npt.NDArray[np.uint8]] = {law: _codes(linear) for law, linear in _LINEAR.items()}
