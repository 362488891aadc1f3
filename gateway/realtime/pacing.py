"""Output audio at the pace at which it is heard: never more than a bounded lead over real time is handed over."""

import asyncio
from collections import deque
from collections.abc import Callable

from gateway.realtime.hearing.audio_format import AudioFormat, OutputAudio

PIECE_SECONDS = 0.4
"""The longest piece: a cancel is short, and its base64 is far from the megabyte that some clients take at most."""

DRY_SECONDS = 0.3
"""With less than this left to hear, a shorter piece is handed over rather than one that is waited for."""

MOST_WAITING_SECONDS = 30.0
"""Audio of one answer that may wait for its time; the synthesiser is made to wait after that."""

CLOCK_SECONDS = 0.002
"""Less is not waited for."""

HandOver = Callable[[bytes, float, str | None], None]
"""Takes a piece of audio, how many seconds it plays, and the text of the utterance that begins with it, if one does."""


class Playback:
    """When the audio of a session is heard: what was handed over plays one piece after the other, in real time.

    ``lead_seconds`` is how much may be handed over that is not heard yet; 0 is no limit.
    """

    def __init__(self, lead_seconds: float) -> None:
        self._lead = lead_seconds
        self._ends_at = 0.0

    def beside(self) -> "Playback":
        """One that is heard by itself, at the same pace."""
        return Playback(self._lead)

    @property
    def unheard_seconds(self) -> float:
        """How much was handed over and cannot have been heard yet."""
        return max(0.0, self._ends_at - _now())

    def wait_seconds(self) -> float:
        """How long the next piece has to wait."""
        return max(0.0, self.unheard_seconds + PIECE_SECONDS - max(self._lead, PIECE_SECONDS)) if self._lead else 0.0

    def played(self, seconds: float) -> None:
        """So much more was handed over."""
        self._ends_at = max(self._ends_at, _now()) + seconds

    def stop(self) -> None:
        """The listener hears nothing more of what was handed over."""
        self._ends_at = 0.0


class _Utterance:
    """Audio that waits, and the text that begins with it; ``None`` where its beginning was handed over."""

    def __init__(self, text: str | None) -> None:
        self.text = text
        self.audio = bytearray()


class PacedAudio:
    """The audio of one answer on its way to the listener: made at ``rate`` Hz, handed over in ``audio_format``.

    ``begin`` each utterance and ``feed`` its audio (s16le mono), after ``room``; ``drain`` at the end. Nothing is
    handed over after ``stop``, nor before ``start``.
    """

    def __init__(self, playback: Playback, rate: int, audio_format: AudioFormat, hand_over: HandOver) -> None:
        self._playback = playback
        self._rate = rate
        self._format = audio_format
        self._hand_over = hand_over
        self._resampler = OutputAudio(rate, audio_format)
        self._utterances: deque[_Utterance] = deque([_Utterance(None)])
        self._waiting = 0  # bytes
        self._started = self._ended = self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._moved = asyncio.Event()

    def start(self) -> None:
        """Hand over from now on."""
        self._started = True
        self._send()

    def begin(self, text: str) -> None:
        """What follows is the utterance ``text``."""
        self._add(self._resampler.finish())
        self._resampler = OutputAudio(self._rate, self._format)
        self._utterances.append(_Utterance(text))

    def feed(self, pcm: bytes) -> None:
        """The next audio."""
        self._add(self._resampler.feed(pcm))
        self._send()

    async def room(self) -> None:
        """Wait until more may be fed."""
        while not self._stopped and self._seconds(self._waiting) >= MOST_WAITING_SECONDS:
            await self._change()

    async def drain(self) -> None:
        """No more is fed: wait until everything was handed over."""
        self._add(self._resampler.finish())
        self._ended = True
        self._send()
        while self._waiting and not self._stopped:
            await self._change()

    def stop(self) -> None:
        """Drop what waits."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._utterances.clear()
        self._moved.set()

    def _add(self, data: bytes) -> None:
        if not self._stopped:
            self._utterances[-1].audio += data
            self._waiting += len(data)

    def _send(self) -> None:
        """Hand over what is due, and come back when the next piece is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._started and not self._stopped and (wait := self._due()) is not None:
            if wait > CLOCK_SECONDS:
                self._timer = asyncio.get_running_loop().call_later(wait, self._send)
                return
            self._send_piece()
        self._moved.set()

    def _due(self) -> float | None:
        """Seconds until the next piece is to be handed over; ``None`` when there is none yet."""
        while len(self._utterances) > 1 and not self._utterances[0].audio:
            self._drop_first()
        size = len(self._utterances[0].audio)
        if not size:
            return None
        whole = self._ended or len(self._utterances) > 1 or size >= self._format.size(PIECE_SECONDS * 1000)
        return max(self._playback.wait_seconds(), 0.0 if whole else self._playback.unheard_seconds - DRY_SECONDS)

    def _drop_first(self) -> None:
        """The first utterance was handed over; text that never had audio begins with the next one."""
        unsaid = self._utterances.popleft().text
        if unsaid:
            self._utterances[0].text = unsaid + (self._utterances[0].text or "")

    def _send_piece(self) -> None:
        utterance = self._utterances[0]
        piece = bytes(utterance.audio[: self._format.size(PIECE_SECONDS * 1000)])
        del utterance.audio[: len(piece)]
        text, utterance.text = utterance.text, None
        self._waiting -= len(piece)
        self._playback.played(self._seconds(len(piece)))
        self._hand_over(piece, self._seconds(len(piece)), text)

    def _seconds(self, size: int) -> float:
        return self._format.milliseconds(size) / 1000

    async def _change(self) -> None:
        self._moved.clear()
        await self._moved.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
