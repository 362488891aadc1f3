"""Measures what hearing costs a realtime session: processor time, memory, and how late the end of a turn is told.

Run as ``python -m tests.bench.listening``; see the README beside it. Sessions send 20 ms at a time as they would live,
not all at the same moment; every tenth speaks, the others are in a quiet room.
"""

import argparse
import asyncio
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import msgspec
import numpy as np

from adapters.contract import vad
from gateway.audio.resample import Resampler
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import FORMATS
from gateway.realtime.hearing.end_of_turn import TurnJudge
from gateway.realtime.hearing.listener import Hearing, Listener
from gateway.realtime.hearing.voice_activity import VoiceActivityMonitor
from gateway.realtime.protocol.session_config import ServerVad, TurnDetection
from gateway.realtime.session.inputs import TurnEnded, VoiceInput
from gateway.tasks import background
from tests.bench.recognition import spoken
from tests.bench.voice_activity import ENGINES

FORMAT = FORMATS["audio/pcm"]
FRAME_MS = 20
FRAME = FORMAT.size(FRAME_MS)
SPEAKS = 10
"""Every so many sessions one speaks."""

SLOTS = 5
"""Moments in the 20 ms of a frame at which sessions send."""

ROOM_DBFS = -75.0
SESSIONS = (1, 10, 50, 200, 600)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Of one session: milliseconds of processor time a second, alone for taking audio and with hearing it, and memory.

    ``late``: milliseconds from the frame with which a turn is over until that is told.
    """

    engine: str
    sessions: int
    taking: float
    hearing: float
    kilobytes: float
    turns: int
    late_p50: float
    late_p99: float


class Client:
    """A session's audio, and when its frames were sent; speaking ones say a sentence, pause, and say it again."""

    def __init__(self, listen: Callable[[Callable[[VoiceInput], None]], Listener], pcm: bytes, offset: int) -> None:
        self.listener = listen(self.tell)
        self.late: list[float] = []
        self._pcm = pcm
        self._sent: list[float] = []
        self._offset = offset

    def send(self) -> None:
        start = (len(self._sent) * FRAME + self._offset) % (len(self._pcm) - FRAME)
        self._sent.append(time.perf_counter())
        self.listener.append(self._pcm[start : start + FRAME])

    def tell(self, event: VoiceInput) -> None:
        if isinstance(event, TurnEnded):
            needed = -(-event.at_ms // FRAME_MS) - 1
            self.late.append((time.perf_counter() - self._sent[needed]) * 1000)
            self.listener.commit(0, event.at_ms)


def _audio() -> tuple[bytes, bytes]:
    """A sentence and two seconds of a quiet room; ten seconds of the room."""
    speech = Resampler(16_000, FORMAT.rate)
    voice = speech.feed(spoken(3)) + speech.finish()
    draw = np.random.default_rng(1)
    room = draw.normal(0, 32_768 * 10 ** (ROOM_DBFS / 20), 10 * FORMAT.rate).astype("<i2").tobytes()
    return voice + room[: FORMAT.size(2000)], room


async def _sending(clients: list[Client], seconds: float) -> float:
    """Send live for so long; returns the processor time of the process in seconds."""
    loop = asyncio.get_running_loop()
    begun, used = loop.time(), time.process_time()
    for tick in range(round(seconds * 1000 / FRAME_MS * SLOTS)):
        for client in clients[tick % SLOTS :: SLOTS]:
            client.send()
        await asyncio.sleep(max(0.0, begun + (tick + 1) * FRAME_MS / SLOTS / 1000 - loop.time()))
    return time.process_time() - used


def _memory() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def measure(name: str, sessions: int, seconds: float) -> Row:
    """So many sessions for so long."""
    engine: vad.VoiceActivity = ENGINES[name]()
    await engine.warm_up()
    talk, room = _audio()
    monitor = VoiceActivityMonitor(engine)
    async with background() as start:
        start(monitor.run())
        hearing = Hearing(monitor=monitor, judge=TurnJudge(None), start=start, memory=AudioMemory(1024))
        await _sending(_clients(hearing, 1, ServerVad(), talk), 1)  # all of it once, before the memory is read
        taking = await _sending(_clients(hearing, sessions, None, talk, room), seconds / 4)
        before = _memory()
        clients = _clients(hearing, sessions, ServerVad(), talk, room)
        hearing_for = await _sending(clients, seconds)
        memory = _memory() - before
    await engine.aclose()
    late = [each for client in clients for each in client.late]
    return Row(
        engine=name,
        sessions=sessions,
        taking=taking * 1000 / sessions / (seconds / 4),
        hearing=hearing_for * 1000 / sessions / seconds,
        kilobytes=memory / 1024 / sessions,
        turns=len(late),
        late_p50=median(late) if late else 0.0,
        late_p99=quantiles(late, n=100)[-1] if len(late) > 1 else max(late, default=0.0),
    )


def _clients(hearing: Hearing, sessions: int, detection: TurnDetection | None, *audio: bytes) -> list[Client]:
    """Sessions, every tenth of which has the first ``audio`` and the others the last."""

    def listen(tell: Callable[[VoiceInput], None]) -> Listener:
        listener = Listener(hearing, tell, print)
        listener.listen(FORMAT, detection)
        return listener

    return [Client(listen, audio[-1 if number % SPEAKS else 0], number * 7919 * 2) for number in range(sessions)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.listening", description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="*", default=SESSIONS)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--engine", choices=[*ENGINES], nargs="*", default=[*ENGINES])
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; of one session, every tenth speaks")
    print("| detector | sessions | taking, ms/s | with hearing, ms/s | KB | turns | told late p50, ms | p99, ms |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in given.engine:
        for sessions in given.sessions:
            row = asyncio.run(measure(name, sessions, given.seconds))
            cost = f"{row.taking:.3f} | {row.hearing:.3f} | {row.kilobytes:.0f}"
            print(
                f"| {name} | {sessions} | {cost} | {row.turns} | {row.late_p50:.1f} | {row.late_p99:.1f} |", flush=True
            )


if __name__ == "__main__":
    main()
