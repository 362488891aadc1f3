"""What the worker processes of the engine load: the library, which some texts crash."""

import msgspec

from adapters.blocking import Send, Work
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
    inventory = msgspec.msgpack.encode(library.inventory())

    def answer(job: bytes, send: Send) -> bytes:
        if job == INVENTORY:
            return inventory
        utterance = msgspec.msgpack.decode(job, type=Utterance)
        library.synthesise(utterance.text, utterance.voice, utterance.speed, send, pause=utterance.pause)
        return b""

    return answer
