"""Microphone and speaker, by PortAudio: 20 ms of PCM at a time, both ways at once."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gateway.settings.model import SettingsError

RATE = 24_000
"""Samples a second, both ways: that of ``audio/pcm`` in the Realtime API."""

BYTES_PER_MS = RATE * 2 // 1000
BLOCK = RATE // 50
"""Samples of a block of 20 ms."""

UNREAD_BLOCKS = 500
"""Blocks of the microphone (10 s) that may wait to be sent; after that the newest are dropped."""


class SoundDevice:
    """Full duplex sound, s16le mono at ``RATE``. Its callback runs on a thread of PortAudio's own."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[bytes] = asyncio.Queue(UNREAD_BLOCKS)
        self._lock = threading.Lock()
        self._to_play = bytearray()

    def play(self, audio: bytes) -> None:
        """Play ``audio`` after what waits already."""
        with self._lock:
            self._to_play += audio

    def unplayed_ms(self) -> int:
        """How much waits to be played, in milliseconds."""
        with self._lock:
            return len(self._to_play) // BYTES_PER_MS

    def silence(self) -> None:
        """Forget what waits to be played."""
        with self._lock:
            self._to_play.clear()

    async def microphone(self) -> AsyncGenerator[bytes, None]:
        """What is heard, in blocks of 20 ms, without end."""
        while True:
            yield await self._heard.get()

    def on_block(self, heard: Any, to_play: Any, _samples: int, _time: Any, _status: Any) -> None:
        """The callback of ``sounddevice.RawStream``: one block of each direction, as buffers of bytes."""
        with self._lock:
            size = min(len(to_play), len(self._to_play))
            to_play[:size] = bytes(self._to_play[:size])
            del self._to_play[:size]
        to_play[size:] = bytes(len(to_play) - size)
        self._loop.call_soon_threadsafe(self._take, bytes(heard))

    def _take(self, block: bytes) -> None:
        if not self._heard.full():
            self._heard.put_nowait(block)


def level(block: bytes) -> float:
    """How loud ``block`` (s16le) is, from 0 to 1: its root mean square on a scale of 60 dB."""
    samples = np.frombuffer(block, dtype="<i2").astype(np.float32)
    rms = float(np.sqrt(np.mean(samples**2))) / 32768 if len(samples) else 0.0
    return max(0.0, min(1.0, 1 + 20 * float(np.log10(max(rms, 1e-6))) / 60))


@contextmanager
def opened(name: str | None) -> Iterator[SoundDevice]:
    """The device ``name`` ("IN,OUT" where they differ; numbers or parts of names), or the system's default.

    Raises ``SettingsError`` where there is none, or none that can do this.
    """
    library = load_library()
    device = SoundDevice()
    try:
        stream = library.RawStream(
            samplerate=RATE, blocksize=BLOCK, device=_pair(name), channels=1, dtype="int16", callback=device.on_block
        )
        with stream:
            yield device
    except (library.PortAudioError, ValueError) as error:
        raise SettingsError(
            f"Cannot use {'the default sound device' if name is None else f'--device {name!r}'} ({error}); "
            "--list_devices shows which there are."
        ) from None


def devices_text() -> str:
    """What devices there are, a line each, ">" and "<" before the default ones. Raises ``SettingsError``."""
    found = str(load_library().query_devices())
    return f"{found}\n" if found.strip() else "No sound devices.\n"


def load_library() -> Any:
    """The module ``sounddevice``. Raises ``SettingsError`` with what to install."""
    try:
        import sounddevice  # noqa: PLC0415 - of an extra
    except ImportError:
        raise SettingsError("talk needs a package that is not installed: pip install 'speech-gateway[talk]'") from None
    except OSError:
        raise SettingsError(
            "talk needs the library PortAudio, which is not installed (Debian: apt install libportaudio2)."
        ) from None
    return sounddevice


def _pair(name: str | None) -> tuple[int | str | None, int | str | None]:
    heard, comma, played = (name or "").partition(",")
    first, second = (int(each) if each.strip().isdigit() else each.strip() or None for each in (heard, played))
    return first, second if comma else first
