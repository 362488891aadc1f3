"""The audio formats of a session: 24 kHz PCM and the two kinds of G.711, by the names of the wire."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from adapters.contract.audio import SAMPLE_BYTES
from gateway.audio.resample import Resampler
from gateway.realtime.hearing import g711
from gateway.realtime.protocol import session_config as wire_format

AudioType = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]


class AudioFormat(msgspec.Struct, frozen=True, kw_only=True):
    """Mono at ``rate`` Hz, by ``law`` of G.711 (a byte a sample) or s16le; ``sample_bytes`` are those of one sample."""

    rate: int
    law: g711.Law | None = None
    sample_bytes: int = SAMPLE_BYTES

    def decode(self, data: bytes) -> bytes:
        """``data`` (whole samples) as s16le at the same rate."""
        return data if self.law is None else g711.decode(data, self.law)

    def encode(self, pcm: bytes) -> bytes:
        """``pcm`` (s16le at ``rate`` Hz, whole samples) in this format."""
        return pcm if self.law is None else g711.encode(pcm, self.law)

    def pcm(self, data: bytes, rate: int) -> bytes:
        """All of ``data`` (whole samples) as s16le at ``rate`` Hz; takes 0.3 ms for a second of audio."""
        resampler = Resampler(self.rate, rate)
        return resampler.feed(self.decode(data)) + resampler.finish()

    def milliseconds(self, size: int) -> float:
        """How long ``size`` bytes last."""
        return size / self.sample_bytes * 1000 / self.rate

    def size(self, milliseconds: float) -> int:
        """The bytes of so much audio, whole samples."""
        return round(milliseconds * self.rate / 1000) * self.sample_bytes


FORMATS: Mapping[AudioType, AudioFormat] = {
    "audio/pcm": AudioFormat(rate=24_000),
    "audio/pcmu": AudioFormat(rate=8_000, law="mu", sample_bytes=1),
    "audio/pcma": AudioFormat(rate=8_000, law="a", sample_bytes=1),
}


def format_of(wire: wire_format.AudioFormat) -> AudioFormat:
    """The format that a session's configuration names."""
    name: AudioType = wire.__struct_config__.tag  # type: ignore[assignment]
    return FORMATS[name]


class OutputAudio:
    """An engine's speech (s16le mono at ``rate`` Hz) in the format of a session, without a seam between its blocks.

    ``feed`` what the engine gives, in blocks of any size, and ``finish`` at the end of one utterance: the filter holds
    some 12 to 40 ms back until then.
    """

    def __init__(self, rate: int, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._resampler = Resampler(rate, audio_format.rate)

    def feed(self, pcm: bytes) -> bytes:
        """What is ready with the next samples (whole ones), maybe nothing."""
        return self._format.encode(self._resampler.feed(pcm))

    def finish(self) -> bytes:
        """The rest; call it once, and nothing after it."""
        return self._format.encode(self._resampler.finish())
