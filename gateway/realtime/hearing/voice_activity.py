"""Voice activity of all sessions of this process: what they send is measured together, tick by tick.

An application makes one ``VoiceActivityMonitor`` for each detector of its routes and runs ``run()`` in the background.
A session opens a stream, feeds it what the client sends, and is told the probability of speech in each window of it.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

import numpy as np

from adapters.blocking import SerialThread
from adapters.contract import vad
from adapters.contract.audio import SAMPLE_BYTES
from gateway.engines.automatic_detector import AutomaticDetector
from gateway.realtime.hearing.audio_format import AudioFormat
from gateway.realtime.hearing.event_meters import EventMeters
from gateway.realtime.hearing.window_resampler import WindowResampler

TICK_SECONDS = 0.02
"""Between the starts of two runs: what arrives meanwhile is measured together, unless something of it is urgent."""

MOST_ON_LOOP = 8
"""Windows that are measured on the event loop, in a millisecond or two: a thread takes longer to begin and to tell."""

BATCH = 64
"""Streams in one run of the model."""

WINDOWS_AT_ONCE = 16
"""Of one stream in one tick: half a second. Who sends more at once does not hold up the others."""

_log = logging.getLogger(__name__)


class VoiceActivityMonitor:
    """Measures the streams of all sessions with one engine, which must be warm when the first is opened."""

    def __init__(self, engine: vad.VoiceActivity) -> None:
        self._engine = engine
        self._thread = SerialThread("voice activity")
        self._resamplers: dict[int, WindowResampler] = {}
        self._ready: dict[ActivityStream, None] = {}  # in order of arrival
        self._news, self._is_due = asyncio.Event(), asyncio.Event()
        self._metering: vad.Metering | None = None

    @property
    def window_ms(self) -> float:
        """How much audio one probability is about."""
        return self.metering.window_seconds * 1000

    @property
    def metering(self) -> vad.Metering:
        """The engine, as it measures."""
        if self._metering is None:
            engine = self._engine.engine if isinstance(self._engine, AutomaticDetector) else self._engine
            self._metering = engine if isinstance(engine, vad.Metering) else EventMeters(engine)
        return self._metering

    def open(
        self,
        audio_format: AudioFormat,
        measured: Callable[[float], None],
        failed: Callable[[Exception], None],
    ) -> "ActivityStream":
        """A stream of audio in ``audio_format``; ``measured`` is called, on the event loop, for each window.

        ``failed`` is called once instead, when the engine fails; nothing is measured after it.
        """
        resampler = self._resamplers.get(audio_format.rate)
        if resampler is None:
            resampler = self._resamplers[audio_format.rate] = WindowResampler(
                audio_format.rate, self._engine.sample_rate
            )
        return ActivityStream(self, audio_format, resampler, measured, failed)

    def arrived(self, stream: "ActivityStream") -> None:
        """There is a whole window of ``stream``."""
        self._ready[stream] = None
        self._news.set()
        if stream.is_urgent:
            self._is_due.set()

    async def run(self) -> None:
        """Measure whatever arrives, until cancelled; then the thread ends."""
        try:
            await self._run()
        finally:
            self._thread.end()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time() - TICK_SECONDS
        while True:
            await self._news.wait()
            if (due := begun + TICK_SECONDS) > loop.time():
                timer = loop.call_at(due, self._is_due.set)
                try:
                    await self._is_due.wait()
                finally:
                    timer.cancel()
            self._news.clear()
            self._is_due.clear()
            begun = loop.time()
            streams = sorted(self._ready, key=lambda stream: not stream.is_urgent)
            self._ready.clear()
            for start in range(0, len(streams), BATCH):
                await self._measure([stream for stream in streams[start : start + BATCH] if not stream.is_closed])

    async def _measure(self, streams: Sequence["ActivityStream"]) -> None:
        """Measure the windows of ``streams``, and tell what was found."""
        # What came while others were measured may have been taken with what was there before.
        taken = [(stream, data) for stream in streams if (data := stream.take())]
        try:
            if sum(stream.windows(data) for stream, data in taken) <= MOST_ON_LOOP:
                found = self._probabilities(taken)
            else:
                found = await self._thread.call(self._probabilities, taken)
        except Exception as error:  # noqa: BLE001 - the sessions are told, and the others go on
            _log.error("Voice activity cannot be measured: the engine failed (%s).", type(error).__name__)
            for stream, _ in taken:
                stream.fail(error)
            return
        for (stream, _), probabilities in zip(taken, found, strict=True):
            try:
                stream.tell(probabilities)
            except Exception as error:  # noqa: BLE001 - one session must not end the hearing of all
                _log.error("A session cannot take what it heard (%s).", type(error).__name__)
                stream.fail(error)

    def _probabilities(self, taken: Sequence[tuple["ActivityStream", bytes]]) -> list[list[float]]:
        """Bring all windows to the engine's rate, those of one rate together, and measure them."""
        resampled: dict[ActivityStream, bytes] = {}
        for rate, resampler in list(self._resamplers.items()):
            given = [
                (stream, stream.history + stream.format.decode(data))
                for stream, data in taken
                if stream.format.rate == rate
            ]
            history, window = resampler.history * SAMPLE_BYTES, resampler.window * SAMPLE_BYTES
            spans = [
                pcm[start : start + history + window]
                for _, pcm in given
                for start in range(0, len(pcm) - history, window)
            ]
            if not spans:
                continue
            samples = resampler.resample(np.frombuffer(b"".join(spans), "<i2").reshape(len(spans), -1))
            windows, size, place = samples.tobytes(), samples.shape[1] * SAMPLE_BYTES, 0
            for stream, pcm in given:
                end = place + (len(pcm) - history) // window * size
                resampled[stream] = windows[place:end]
                stream.history = pcm[len(pcm) - history :]
                place = end
        return self.metering.measure([(stream.meter, resampled[stream]) for stream, _ in taken])


class ActivityStream:
    """The audio of one session on its way to the engine; ``VoiceActivityMonitor.open`` makes it."""

    def __init__(
        self,
        monitor: VoiceActivityMonitor,
        audio_format: AudioFormat,
        resampler: WindowResampler,
        measured: Callable[[float], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.format = audio_format
        self.meter = monitor.metering.meter()
        self.is_closed = False
        self.is_urgent = False
        """Whether somebody waits for what the next window may decide."""
        self.history = bytes(resampler.history * SAMPLE_BYTES)
        """What came before the next window, decoded; for the monitor."""
        self._monitor = monitor
        self._measured = measured
        self._failed = failed
        self._size = resampler.window * audio_format.sample_bytes
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next audio, in whole samples; what is measured of it is told later."""
        self._pending += data
        if len(self._pending) >= self._size and not self.is_closed:
            self._monitor.arrived(self)

    def close(self) -> None:
        """Nothing is told any more."""
        self.is_closed = True
        self._pending.clear()

    def windows(self, data: bytes) -> int:
        """How many windows ``data`` has."""
        return len(data) // self._size

    def take(self) -> bytes:
        """For the monitor: the windows of one tick."""
        whole = min(len(self._pending) // self._size, WINDOWS_AT_ONCE) * self._size
        data = bytes(self._pending[:whole])
        del self._pending[:whole]
        return data

    def tell(self, probabilities: Sequence[float]) -> None:
        """Pass on what was measured; the session may close the stream meanwhile."""
        for probability in probabilities:
            if not self.is_closed:
                self._measured(probability)
        self.feed(b"")  # there may be more

    def fail(self, error: Exception) -> None:
        """Nothing is measured any more."""
        if not self.is_closed:
            self.close()
            self._failed(error)
