"""What the worker processes of the engine load: the library, which some texts crash."""

import msgspec

from adapters.blocking import Send, Work
from adapters.contract import audio
from adapters.tts.espeak import library

INVENTORY = b""
"""The job that is answered with the library's ``Inventory``."""


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """The job that is answered with the samples of ``library.synthesise``."""

    text: str
    voice: str
    speed: float
    pause: bool = False


def synthesiser() -> Work:
    """In a worker: load the library; the function returned answers jobs."""
    found = library.inventory()
    inventory = msgspec.msgpack.encode(found)
    second = found.sample_rate * audio.SAMPLE_BYTES

    def answer(job: bytes, send: Send) -> bytes:
        if job == INVENTORY:
            return inventory
        utterance = msgspec.msgpack.decode(job, type=Utterance)
        held = b""  # less than a second, which is also what the library passes at the end of a clause

        def take(pcm: bytes) -> None:
            nonlocal held
            held += pcm
            if len(held) >= second:
                send(held)
                held = b""

        library.synthesise(utterance.text, utterance.voice, utterance.speed, take, pause=utterance.pause)
        return held

    return answer
