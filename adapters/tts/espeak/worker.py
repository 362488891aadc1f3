"""What the worker processes of the engine load: the library, which some texts crash."""

from collections.abc import Callable, Iterator

import msgspec

from adapters.tts.espeak import library

INVENTORY = b""
"""The job that is answered with the library's ``Inventory``."""


class Utterance(msgspec.Struct, frozen=True, kw_only=True):
    """The job that is answered with the samples of ``library.synthesise``."""

    text: str
    voice: str
    speed: float
    pause: bool = False


def synthesiser() -> Callable[[bytes], Iterator[bytes]]:
    """In a worker: load the library; the function returned answers jobs."""
    inventory = msgspec.msgpack.encode(library.inventory())

    def answer(job: bytes) -> Iterator[bytes]:
        if job == INVENTORY:
            yield inventory
        else:
            utterance = msgspec.msgpack.decode(job, type=Utterance)
            yield library.synthesise(utterance.text, utterance.voice, utterance.speed, pause=utterance.pause)

    return answer
