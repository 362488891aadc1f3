"""Chained Ogg files come apart into their links, and nothing is lost of the others."""

import numpy as np
import pytest

from gateway.audio.ogg import links
from tests.support.recordings import encoded, sound, tone

OPUS = encoded("ogg", "libopus", rate=48_000)
VORBIS = sound(tone(1, 16_000), 16_000, "OGG", "VORBIS")


@pytest.mark.parametrize("parts", [[OPUS], [OPUS, VORBIS], [VORBIS, OPUS, OPUS]])
def test_every_link_is_as_it_was(parts: list[bytes]) -> None:
    assert list(links(b"".join(parts))) == parts


def test_streams_that_begin_together_are_one_link() -> None:
    def first_page(data: bytes) -> int:
        return 27 + data[26] + sum(data[27 : 27 + data[26]])

    opus, vorbis = first_page(OPUS), first_page(VORBIS)
    both = OPUS[:opus] + VORBIS[:vorbis] + OPUS[opus:] + VORBIS[vorbis:]
    assert list(links(both)) == [both]
    assert list(links(both * 2)) == [both, both]


@pytest.mark.parametrize("data", [b"OggS", OPUS[:30], OPUS[:5], OPUS[:27]])
def test_stumps_are_one_link(data: bytes) -> None:
    assert list(links(data)) == [data]


def test_damage_loses_nothing() -> None:
    random = np.random.default_rng(1)
    for _ in range(100):
        damaged = bytearray(OPUS + VORBIS)
        for at in random.integers(0, len(damaged), size=10):
            damaged[at] = random.integers(256)
        assert b"".join(links(bytes(damaged))) == damaged
