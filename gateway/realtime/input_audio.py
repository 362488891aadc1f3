"""A session's incoming audio: kept as it came, in milliseconds since the session's first sample, within a bound.

``append`` what the client sends; ``begin`` an ``Utterance`` where somebody starts to speak and ``end`` it where they
stop. Its audio can be read while it grows (``blocks``), and outlives the session's buffer. Before an utterance only as
much is kept as ``forget`` leaves.
"""

import asyncio
from collections.abc import AsyncGenerator

from adapters.contract.errors import InvalidRequest, TooLong
from gateway.audio.resample import Resampler
from gateway.realtime.audio_format import AudioFormat

MAX_APPEND_BYTES = 15 * 1024 * 1024
"""The largest piece of audio that a client may send at once."""

MAX_SECONDS = 600.0
"""Audio that is kept and not yet committed, at most."""


class InputAudio:
    """The audio of one session in one format; ``start_ms`` is the position of its first sample."""

    def __init__(self, audio_format: AudioFormat, *, start_ms: float = 0.0, max_seconds: float = MAX_SECONDS) -> None:
        self.format = audio_format
        self._start_ms = start_ms
        self._limit = audio_format.size(max_seconds * 1000)
        self._kept = bytearray()
        self._forgotten = 0  # bytes that are no longer kept
        self._utterance: Utterance | None = None

    @property
    def now_ms(self) -> float:
        """The end of the audio so far."""
        return self._start_ms + self.format.milliseconds(self._forgotten + len(self._kept))

    @property
    def kept_from_ms(self) -> float:
        """Where the audio begins that is still kept."""
        return self._start_ms + self.format.milliseconds(self._forgotten)

    @property
    def utterance(self) -> "Utterance | None":
        """The utterance that was begun and has not ended."""
        return self._utterance

    def append(self, data: bytes) -> None:
        """Take the next audio. Raises ``InvalidRequest``, and then has taken nothing of it."""
        if len(data) > MAX_APPEND_BYTES:
            raise InvalidRequest(
                f"The audio of one event has {len(data)} bytes; send at most {MAX_APPEND_BYTES} at once.",
                param="audio",
                code="invalid_value",
            )
        if len(data) % self.format.sample_bytes:
            raise InvalidRequest(
                f"The audio has {len(data)} bytes, which is no whole number of 16-bit samples; send an even number.",
                param="audio",
                code="invalid_value",
            )
        if len(self._kept) + len(data) > self._limit:
            seconds = self.format.milliseconds(self._limit) / 1000
            raise TooLong(
                f"The input audio buffer holds {seconds:g} s at most; commit or clear it before you send more.",
                param="audio",
                code="input_audio_buffer_full",
            )
        self._kept += data
        if self._utterance is not None:
            self._utterance.changed()

    def begin(self, at_ms: float) -> "Utterance":
        """An utterance from ``at_ms`` on, or from the first sample that is kept. There is one at a time."""
        assert self._utterance is None, "the last one has ended"
        self._utterance = Utterance(self, max(self._offset(at_ms), self._forgotten))
        return self._utterance

    def end(self, at_ms: float) -> "Utterance":
        """End the utterance at ``at_ms``; what came after that stays for the next one."""
        utterance = self._utterance
        assert utterance is not None, "it was begun"
        end = max(min(self._offset(at_ms), self._forgotten + len(self._kept)), utterance.start)
        self._utterance = None
        utterance.close(self.between(utterance.start, end))
        self._forget(end)
        return utterance

    def clear(self) -> None:
        """Forget everything so far; an utterance ends empty."""
        if self._utterance is not None:
            self._utterance.close(b"")
            self._utterance = None
        self._forget(self._forgotten + len(self._kept))

    def forget(self, before_ms: float) -> None:
        """Give up what came before ``before_ms`` and is of no utterance."""
        self._forget(self._offset(before_ms))

    def between(self, start: int, end: int) -> bytes:
        """The bytes between two offsets since the first sample, both of what is kept."""
        return bytes(self._kept[start - self._forgotten : end - self._forgotten])

    @property
    def end_offset(self) -> int:
        """The offset in bytes of the next sample."""
        return self._forgotten + len(self._kept)

    def position(self, offset: int) -> float:
        """The position in milliseconds of an offset in bytes."""
        return self._start_ms + self.format.milliseconds(offset)

    def _offset(self, at_ms: float) -> int:
        return max(0, self.format.size(at_ms - self._start_ms))

    def _forget(self, until: int) -> None:
        if self._utterance is not None:
            until = min(until, self._utterance.start)
        if (count := until - self._forgotten) > 0:
            count = min(count, len(self._kept))
            del self._kept[:count]
            self._forgotten += count


class Utterance:
    """What somebody says in one turn: it grows until it has ended, and may pause meanwhile.

    While it pauses, readers get no more than was there when the pause was noticed: if it ends so, nobody has to
    recognise silence. ``InputAudio`` makes it and ends it.
    """

    def __init__(self, source: InputAudio, start: int) -> None:
        self.start = start
        self._source = source
        self._data: bytes | None = None  # of the whole utterance, once it has ended
        self._paused_at: int | None = None
        self._news = asyncio.Event()

    @property
    def start_ms(self) -> float:
        """Where it begins."""
        return self._source.position(self.start)

    @property
    def end_ms(self) -> float:
        """Where it ended, or ends so far."""
        return self._source.position(self._end)

    @property
    def has_ended(self) -> bool:
        """Whether it grows no more."""
        return self._data is not None

    @property
    def is_paused(self) -> bool:
        """Whether it pauses now, or ended in a pause."""
        return self._paused_at is not None

    def pause(self) -> None:
        """It has been quiet for a moment."""
        self._paused_at = self._end
        self.changed()

    def resume(self) -> None:
        """It goes on."""
        self._paused_at = None
        self.changed()

    def close(self, data: bytes) -> None:
        """It has ended and consists of ``data``; for ``InputAudio``."""
        self._data = data
        self.changed()

    def changed(self) -> None:
        """Wake those who wait for a change; for ``InputAudio``."""
        self._news.set()

    def pcm(self, rate: int) -> bytes:
        """All of it so far as s16le at ``rate`` Hz; with its pause when it has ended."""
        form = self._source.format
        resampler = Resampler(form.rate, rate)
        data = form.decode(self._read(self.start, self._end))
        return resampler.feed(data) + resampler.finish()

    async def blocks(self, rate: int) -> AsyncGenerator[bytes, None]:
        """Its audio as s16le at ``rate`` Hz, as it grows, until it has ended; an empty block says that it pauses."""
        form = self._source.format
        resampler = Resampler(form.rate, rate)
        position, is_told = self.start, False
        while True:
            readable = self._end if self._paused_at is None else self._paused_at
            if position < readable:
                pcm = resampler.feed(form.decode(self._read(position, readable)))
                position, is_told = readable, False
                if pcm:
                    yield pcm
            elif self.has_ended:
                break
            elif self._paused_at is not None and not is_told:
                is_told = True
                yield b""
            else:
                await self.change()
        if self._paused_at is None and (pcm := resampler.finish()):
            yield pcm

    async def change(self) -> None:
        """Wait until it grows, pauses, goes on or ends."""
        self._news.clear()
        await self._news.wait()

    @property
    def _end(self) -> int:
        return self._source.end_offset if self._data is None else self.start + len(self._data)

    def _read(self, start: int, end: int) -> bytes:
        if self._data is None:
            return self._source.between(start, end)
        return self._data[start - self.start : end - self.start]
