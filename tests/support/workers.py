"""What worker processes do, done in this process: answers of their jobs, and the speech of espeak-ng."""

from adapters.blocking import Work
from adapters.tts.espeak import library


def answered(work: Work, job: bytes) -> list[bytes]:
    """The pieces of the answer of ``job``, the last one too."""
    pieces: list[bytes] = []
    pieces.append(work(job, pieces.append))
    return pieces


def speech(text: str, voice: str, speed: float = 1.0) -> bytes:
    """``text`` as s16le mono at 22,050 Hz."""
    pcm = bytearray()
    library.synthesise(text, voice, speed, pcm.extend)
    return bytes(pcm)
