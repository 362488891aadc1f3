"""A session's incoming audio: kept as it came, in milliseconds since the session's first sample, within a bound.

``append`` what the client sends; ``open`` an ``Utterance`` to have its audio while it comes (``blocks``), ``commit`` it
where it ends: it outlives the session's buffer. Before it only as much is kept as ``forget`` leaves. ``Listener`` does
this for a session.
"""

import asyncio
from collections.abc import AsyncGenerator

from adapters.contract.errors import InvalidRequest, TooLong
from gateway.audio.resample import Resampler
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import AudioFormat

MAX_APPEND_BYTES = 15 * 1024 * 1024
"""The largest piece of audio that a client may send at once."""

MAX_SECONDS = 600.0
"""Audio that is kept and not yet committed, at most."""

BLOCK_MS = 500.0
"""Audio that readers get at once, at most: converting it must not hold up the event loop."""


class InputAudio:
    """The audio of one session in one format; ``start_ms`` is the position of its first sample.

    It takes room in ``memory``, which is given back as it is forgotten: ``clear`` all of it at the end.
    """

    def __init__(
        self,
        audio_format: AudioFormat,
        memory: AudioMemory,
        *,
        start_ms: float = 0.0,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self.format = audio_format
        self._memory = memory
        self._start_ms = start_ms
        self._limit = audio_format.size(max_seconds * 1000)
        self._kept = bytearray()
        self._forgotten = 0  # bytes that are no longer kept
        self.now_ms = start_ms
        """The end of the audio so far."""
        self.end_offset = 0
        """The offset in bytes of the next sample."""
        self.utterance: Utterance | None = None
        """The one that is open."""

    @property
    def kept_from_ms(self) -> float:
        """Where the audio begins that is still kept."""
        return self._start_ms + self.format.milliseconds(self._forgotten)

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
        self._memory.take(len(data))
        self._kept += data
        self.end_offset += len(data)
        self.now_ms = self._start_ms + self.format.milliseconds(self.end_offset)

    def open(self, start_ms: float) -> "Utterance":
        """An utterance that grows, from ``start_ms`` on or from the first sample that is kept.

        Its readers get what ``Utterance.advance`` lets them have. There is one at a time: an earlier one that was
        neither committed nor cleared ends with what is known of it.
        """
        if self.utterance is not None:
            self.utterance.close(self.utterance.known()[1])
        self.utterance = Utterance(self, max(self.offset(start_ms), self._forgotten))
        return self.utterance

    def commit(self, start_ms: float, end_ms: float) -> "Utterance":
        """The audio from ``start_ms`` to ``end_ms``: the open utterance, which ends, if there is one. Forget the rest.

        What came after ``end_ms`` stays for the next one.
        """
        utterance = self.utterance or self.open(start_ms)
        end = max(min(self.offset(end_ms), self.end_offset), utterance.start)
        utterance.close(self.between(utterance.start, end))
        self.utterance = None
        self._forget(end)
        return utterance

    def clear(self, end_ms: float) -> None:
        """Forget what came before ``end_ms``; an open utterance ends empty."""
        if self.utterance is not None:
            self.utterance.close(b"")
            self.utterance = None
        self._forget(self.offset(end_ms))

    def forget(self, before_ms: float) -> None:
        """Give up what came before ``before_ms`` and is of no utterance."""
        self._forget(self.offset(before_ms))

    def between(self, start: int, end: int) -> bytes:
        """The bytes between two offsets since the first sample, as far as they are kept."""
        return bytes(self._kept[max(0, start - self._forgotten) : max(0, end - self._forgotten)])

    def offset(self, at_ms: float) -> int:
        """The offset in bytes of a position."""
        return max(0, self.format.size(at_ms - self._start_ms))

    def _forget(self, until: int) -> None:
        if self.utterance is not None:
            until = min(until, self.utterance.start)
        if (count := until - self._forgotten) > 0:
            count = min(count, len(self._kept))
            del self._kept[:count]
            self._memory.take(-count)
            self._forgotten += count


class Utterance:
    """What somebody says in one turn: it grows until it is committed, and may pause meanwhile.

    Readers get it as far as it is known to belong to the turn. While it pauses, that is no more than was there when the
    pause was noticed: if it ends so, nobody has to recognise silence. ``InputAudio`` makes it and ends it.
    """

    def __init__(self, source: InputAudio, start: int) -> None:
        self.start = start
        self.is_paused = False
        """Whether it pauses now, or ended in a pause."""
        self.pauses = 0
        """How many pauses there were, with this one."""
        self._source = source
        self._known = start  # the offset up to which it may be read
        self._data: bytes | None = None  # of the whole utterance, once it has ended
        self._news = asyncio.Event()

    @property
    def has_ended(self) -> bool:
        """Whether it grows no more."""
        return self._data is not None

    @property
    def data(self) -> bytes:
        """All of it, in the session's format; once it has ended."""
        assert self._data is not None, "it has ended"
        return self._data

    @property
    def seconds(self) -> float:
        """How long the part is that may be read."""
        return self._source.format.milliseconds(self._known - self.start) / 1000

    def advance(self, until_ms: float) -> None:
        """Up to ``until_ms`` it is of this turn."""
        self._known = max(self._known, min(self._source.offset(until_ms), self._source.end_offset))
        self.changed()

    def pause(self) -> None:
        """It has been quiet for a moment."""
        self.is_paused = True
        self.pauses += 1
        self.changed()

    def resume(self) -> None:
        """It goes on."""
        self.is_paused = False
        self.changed()

    def close(self, data: bytes) -> None:
        """It has ended and consists of ``data``; for ``InputAudio``."""
        self._data = data
        end = self.start + len(data)
        self._known = min(self._known, end) if self.is_paused else end
        self.changed()

    def is_in(self, pause: int) -> bool:
        """Whether it is still in its pause of this number, or ended there."""
        return self.is_paused and self.pauses == pause

    def known(self) -> tuple[AudioFormat, bytes]:
        """What may be read of it now, in the session's format."""
        return self._source.format, self._read(self.start, self._known)

    async def blocks(self, rate: int) -> AsyncGenerator[bytes, None]:
        """Its audio as s16le at ``rate`` Hz, as it grows, until it has ended; an empty block says that it pauses."""
        form = self._source.format
        resampler = Resampler(form.rate, rate)
        position, is_told = self.start, False
        while True:
            if position < self._known:
                end = min(self._known, position + form.size(BLOCK_MS))
                if pcm := resampler.feed(form.decode(self._read(position, end))):
                    yield pcm
                position, is_told = end, False
            elif self.has_ended:
                break
            elif self.is_paused and not is_told:
                is_told = True
                yield b""
            else:
                await self.change()
        if not is_told and (pcm := resampler.finish()):
            yield pcm

    def changed(self) -> None:
        """Wake those who wait for a change."""
        self._news.set()

    async def change(self) -> None:
        """Wait until it grows, pauses, goes on or ends."""
        self._news.clear()
        await self._news.wait()

    def _read(self, start: int, end: int) -> bytes:
        if self._data is None:
            return self._source.between(start, end)
        return self._data[start - self.start : end - self.start]
