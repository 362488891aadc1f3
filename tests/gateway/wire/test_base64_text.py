"""Base64 in pieces is the same as base64 at once, also where pieces and line breaks meet."""

import base64
import os

import pytest

from gateway.wire import base64_text
from gateway.wire.base64_text import PIECE

SIZES = [0, 1, 2, 3, 4, 100, *(PIECE * 3 // 4 + more for more in range(-3, 4)), PIECE, PIECE + 1, 3 * PIECE + 5]


@pytest.mark.parametrize("size", SIZES)
def test_pieces_join_to_the_whole(size: int) -> None:
    data = os.urandom(size)
    assert base64_text.encoded(data) == base64.b64encode(data).decode()
    assert base64_text.decoded(base64.b64encode(data).decode()) == data
    assert base64_text.decoded(base64.encodebytes(data).decode()) == data, "the shell's base64 wraps its lines"


def test_white_space_may_follow_the_padding() -> None:
    text = base64.b64encode(bytes(PIECE + 1)).decode()
    assert base64_text.decoded(text + "\n" * (2 * PIECE)) == bytes(PIECE + 1)


@pytest.mark.parametrize("place", [0, PIECE - 4, PIECE - 2, PIECE, PIECE + 1, 2 * PIECE])
def test_padding_ends_it_wherever_the_pieces_meet(place: int) -> None:
    whole = base64.b64encode(bytes(3 * PIECE)).decode()
    start = place // 4 * 4
    with pytest.raises(ValueError, match=r"\w"):
        base64_text.decoded(f"{whole[:start]}AA=={whole[start:]}")


@pytest.mark.parametrize("wrong", ["A", "AAA", "AA=A", "AA_-", "ü", "data:audio/wav;base64,AAAA"])
def test_what_is_no_base64_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        base64_text.decoded(wrong)
    with pytest.raises(ValueError, match=r"\w"):
        base64_text.decoded(base64.b64encode(bytes(PIECE * 3 // 4)).decode() + wrong)
