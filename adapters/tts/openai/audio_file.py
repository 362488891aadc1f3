"""Reads the audio that a server sends, in pieces: raw samples and WAV at once, other files when they are complete."""

import io
import re
import struct

import av
import numpy as np
import numpy.typing as npt
import soxr

SAMPLE_RATE = 24_000
"""Of what is read, in Hz, and of raw samples whose rate the server does not say: that of OpenAI."""

MAX_FILE_BYTES = 32 * 1024 * 1024
"""Of a file that can only be read as a whole."""

_MAX_HEADER_BYTES = 64 * 1024
_LARGEST_BELIEVED = 0x1000_0000
"""Bytes of samples. A server that streams cannot know their size: it writes 0 or a number that no utterance reaches,
such as 1,000,000,000, 0x7FFFF000 or 0xFFFFFFFF."""

# ID3 tags, Ogg, FLAC, WebM, and the header of an MPEG frame of layer III; all but the last are text or rare as samples.
_FILE_START = re.compile(rb"ID3|OggS|fLaC|\x1aE\xdf\xa3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef][^\x0c\x0d\x0e\x0f]")
_FILE_TYPES = re.compile("audio/(mpeg|mp3|mp4|aac|ogg|opus|flac|webm|x-m4a|x-flac)")
_RATE = re.compile(r"rate=(\d{4,6})")
_RAW, _WAV, _FILE = "raw", "wav", "file"


class BadAudio(ValueError):
    """The audio cannot be read; the message completes "The upstream server …"."""


class AudioFile:
    """``feed`` gives the samples (s16le mono at 24 kHz) of each piece, ``finish`` those that were held back.

    Both raise ``BadAudio``.
    """

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type
        self._kind = ""
        self._held = b""
        self._channels = 1
        self._left: int | None = None  # bytes of samples that a WAV file still owes
        self._resampler: soxr.ResampleStream | None = None
        self._loud = False
        self._samples = 0

    @property
    def is_decoded_at_the_end(self) -> bool:
        """Whether ``finish`` blocks for long: only then are the samples of such a file known."""
        return self._kind == _FILE

    def feed(self, data: bytes) -> bytes:
        """The samples of the next piece; empty when none are known yet."""
        self._held += data
        if not self._kind and not self._begin():
            return b""
        if self._kind == _FILE:
            if len(self._held) > MAX_FILE_BYTES:
                raise BadAudio("sent an audio file that is too large to read")
            return b""
        return self._take()

    def finish(self) -> bytes:
        """The last samples. Files that are incomplete, empty or silent are refused."""
        pcm = b""
        if not self._kind and self._held:
            raise BadAudio("sent half an audio file")
        if self._kind == _FILE:
            samples = _decoded(self._held)
            self._count(samples)
            pcm = samples.tobytes()
        elif self._left:
            raise BadAudio("sent half an audio file")
        elif self._resampler is not None:
            pcm = self._resampler.resample_chunk(np.zeros(0, np.int16), last=True).tobytes()
        if not self._samples:
            raise BadAudio("answered without any audio")
        if not self._loud:
            raise BadAudio("sent nothing but silence")
        return pcm

    def _begin(self) -> bool:
        """Find out what is sent, and its rate; whether enough has arrived for that."""
        if len(self._held) < 12 and b"RIFF".startswith(self._held[:4]):
            return False
        if self._held.startswith(b"RIFF"):
            return self._begin_wav()
        if _FILE_START.match(self._held) or _FILE_TYPES.match(self._content_type):
            self._kind = _FILE
            return True
        rate = _RATE.search(self._content_type)
        self._start(_RAW, int(rate[1]) if rate else SAMPLE_RATE)
        return True

    def _begin_wav(self) -> bool:
        at, rate = 12, 0
        while len(self._held) >= at + 8:
            name, size = struct.unpack_from("<4sI", self._held, at)
            if name == b"data":
                if not rate:
                    raise BadAudio("sent a WAV file that does not say its format")
                self._held = self._held[at + 8 :]
                self._left = size if 0 < size < _LARGEST_BELIEVED else None
                self._start(_WAV, rate)
                return True
            if name == b"fmt " and len(self._held) >= at + 24:
                kind, self._channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", self._held, at + 8)
                if kind not in (1, 0xFFFE) or bits != 16 or self._channels not in (1, 2) or rate < 4_000:
                    self._kind = _FILE
                    return True
            at += 8 + size + size % 2
        if len(self._held) > _MAX_HEADER_BYTES:
            raise BadAudio("sent a WAV file without samples")
        return False

    def _start(self, kind: str, rate: int) -> None:
        self._kind = kind
        if rate != SAMPLE_RATE:
            self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="int16")

    def _take(self) -> bytes:
        """The whole samples of what is held."""
        size = 2 * self._channels
        usable = len(self._held) if self._left is None else min(len(self._held), self._left)
        usable -= usable % size
        samples = np.frombuffer(self._held[:usable], "<i2")
        self._held = self._held[usable:]
        if self._left is not None:
            self._left -= usable
            self._held = self._held if self._left else b""  # other chunks may follow the samples
        if self._channels == 2:
            samples = samples.reshape(-1, 2).mean(axis=1).astype("<i2")
        self._count(samples)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(np.ascontiguousarray(samples))
        return samples.tobytes()

    def _count(self, samples: npt.NDArray[np.int16]) -> None:
        self._samples += len(samples)
        self._loud = self._loud or bool(samples.any())


def _decoded(data: bytes) -> npt.NDArray[np.int16]:
    """The samples of a whole file; blocks."""
    try:
        with av.open(io.BytesIO(data)) as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
            frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
            frames += resampler.resample(None)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise BadAudio("sent an audio file that cannot be decoded") from error
    if not frames:
        raise BadAudio("answered without any audio")
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])
