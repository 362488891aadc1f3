"""The track on which the gateway speaks in a call: Opus packets of 20 ms, in real time."""

import asyncio
from fractions import Fraction

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.webrtc.playout import FRAME_BYTES, FRAME_SECONDS, RATE, Playout

CLOCK_RATE = 48_000
"""Ticks a second in the timestamps of Opus, whatever the rate of the audio is."""

FRAME_TICKS = round(CLOCK_RATE * FRAME_SECONDS)

TAIL_FRAMES = 10
"""Frames of silence after speech: jitter buffers give the end of it out only when more comes."""

QUIET_SECONDS = 0.4
"""How often silence is sent while there is nothing to say, as Opus does with DTX."""

SILENCE = b"\xf8\xff\xfe"
"""20 ms of silence."""

LATEST_SECONDS = 0.5
"""Frames that are later than this are not made up for."""


class OpusTrack(MediaStreamTrack):  # type: ignore[misc]
    """Plays ``playout``. Packets are made here, because the library would encode in threads that outlive the call."""

    kind = "audio"

    def __init__(self, playout: Playout) -> None:
        super().__init__()
        self._playout = playout
        self._encoder = OpusEncoder()
        self._frame = 0  # the number of the next frame since the start
        self._due = 0.0  # its time on the loop's clock
        self._quiet = TAIL_FRAMES

    async def recv(self) -> "av.Packet":
        """The next packet, when it is due. Raises ``MediaStreamError`` after ``stop``."""
        loop = asyncio.get_running_loop()
        while True:
            if self.readyState != "live":
                raise MediaStreamError
            self._catch_up(loop.time())
            await asyncio.sleep(max(0.0, self._due - loop.time()))
            pcm = self._playout.frame()
            if pcm is not None:
                self._quiet = 0
                return self._packet(self._encoder.encode(pcm))
            if self._quiet < TAIL_FRAMES:
                self._quiet += 1
                return self._packet(self._encoder.encode(bytes(FRAME_BYTES)))
            sent_at = self._due - FRAME_SECONDS
            await self._playout.news(max(0.0, sent_at + QUIET_SECONDS - loop.time()))
            if loop.time() >= sent_at + QUIET_SECONDS:
                self._catch_up(loop.time())
                return self._packet(SILENCE)

    def _catch_up(self, now: float) -> None:
        """Skip the frames whose time has passed: those that nobody wanted while it was quiet, or far too late."""
        late = now - self._due
        if late > (0.0 if self._quiet >= TAIL_FRAMES else LATEST_SECONDS):
            skipped = int(late / FRAME_SECONDS)
            self._frame += skipped
            self._due += skipped * FRAME_SECONDS

    def _packet(self, data: bytes) -> "av.Packet":
        packet = av.Packet(data)
        packet.pts = self._frame * FRAME_TICKS
        packet.time_base = Fraction(1, CLOCK_RATE)
        self._frame += 1
        self._due += FRAME_SECONDS
        return packet


class OpusEncoder:
    """One stream of speech, with what a listener needs to repair the loss of single packets."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libopus", "w")
        self._codec.bit_rate = 32_000
        self._codec.format = "s16"
        self._codec.layout = "mono"
        self._codec.sample_rate = RATE
        self._codec.time_base = Fraction(1, RATE)
        self._codec.options = {"application": "voip", "fec": "1", "packet_loss": "5", "compression_level": "2"}
        self._samples = 0

    def encode(self, pcm: bytes) -> bytes:
        """The packet of 20 ms (s16le mono at 24 kHz); takes 0.1 to 0.3 ms."""
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = self._samples
        self._samples += frame.samples
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))
