"""The jobs of a worker, answered in this process."""

import msgspec
import pytest

from adapters.tts.espeak import library
from adapters.tts.espeak.worker import INVENTORY, Utterance, synthesiser
from tests.support.workers import answered


def test_it_lists_what_the_library_has() -> None:
    (answer,) = answered(synthesiser(), INVENTORY)
    assert msgspec.msgpack.decode(answer, type=library.Inventory) == library.inventory()


def test_it_synthesises() -> None:
    slow, fast = (
        b"".join(answered(synthesiser(), msgspec.msgpack.encode(Utterance(text="Hello.", voice="gmw/de", speed=speed))))
        for speed in (1.0, 2.0)
    )
    assert len(slow) > 1.5 * len(fast) > 5_000


def test_what_the_library_refuses_is_an_error() -> None:
    with pytest.raises(library.LibraryError, match="espeak_SetVoiceByName"):
        answered(synthesiser(), msgspec.msgpack.encode(Utterance(text="Hello.", voice="nosuch", speed=1.0)))
