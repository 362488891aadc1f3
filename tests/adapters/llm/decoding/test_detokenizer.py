from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.decoding.detokenizer import Detokenizer

_INVALID = "\N{REPLACEMENT CHARACTER}"


def of_bytes(ids: list[int]) -> str:
    """As byte-level tokenizers decode, whose tokens are bytes here."""
    return bytes(ids).decode(errors="replace")


def with_byte_fallback(ids: list[int]) -> str:
    """As SentencePiece decodes: tokens below 256 are bytes, a run is text or not; the first space is dropped."""
    text, run = "", b""
    for token in [*ids, None]:
        if token is not None and token < 256:
            run += bytes([token])
            continue
        try:
            text += run.decode()
        except UnicodeDecodeError:
            text += _INVALID * len(run)
        run = b""
        text += _PIECES[token - 256] if token is not None else ""
    return text.replace("▁", " ").removeprefix(" ")


_PIECES = ["▁", "▁Hello", "▁world", "s", ",", "▁a", "</s>"]


def read(decode: Callable[[list[int]], str], ids: list[int]) -> list[str]:
    detokenizer = Detokenizer(decode)
    return [*(detokenizer.feed((token,)) for token in ids), detokenizer.finish()]


@given(st.text(max_size=30))
def test_bytes_become_the_same_text(text: str) -> None:
    assert "".join(read(of_bytes, list(text.encode()))) == text
    assert Detokenizer(of_bytes).feed(text.encode()) == text.rstrip(_INVALID)


@given(st.lists(st.sampled_from(["é", "中", "🎉", *_PIECES]), max_size=30))
def test_words_are_neither_glued_nor_split_and_fallback_bytes_become_characters(written: list[str]) -> None:
    ids = [
        token
        for piece in written
        for token in ([256 + _PIECES.index(piece)] if piece in _PIECES else list(piece.encode()))
    ]
    assert "".join(read(with_byte_fallback, ids)) == with_byte_fallback(ids)


def test_a_character_waits_for_its_last_byte() -> None:
    assert read(of_bytes, list("a中b".encode())) == ["a", "", "", "中", "b", ""]
    assert read(with_byte_fallback, [257, *"🎉".encode(), 258]) == ["Hello", "", "", "", "🎉", " world", ""]


def test_the_characters_before_an_incomplete_one_do_not_wait() -> None:
    tokens = ["a中".encode() + b"\xe4", b"\xb8\xad\xe4", b"\xb8\xad"]
    pieces = read(lambda ids: b"".join(tokens[token] for token in ids).decode(errors="replace"), [0, 1, 2])
    assert pieces == ["a中", "中", "中", ""]


@pytest.mark.parametrize("decode", [of_bytes, with_byte_fallback])
def test_bytes_that_are_no_character_do_not_wait_for_ever(decode: Callable[[list[int]], str]) -> None:
    pieces = read(decode, [0xFF] * 10)
    assert "".join(pieces[:-1])
    assert "".join(pieces) == _INVALID * 10


def test_incomplete_bytes_at_the_end_are_shown() -> None:
    assert read(of_bytes, [ord("a"), 0xE4]) == ["a", "", _INVALID]


def test_the_work_for_a_token_does_not_grow() -> None:
    longest = 0

    def decode(ids: list[int]) -> str:
        nonlocal longest
        longest = max(longest, len(ids))
        return of_bytes(ids)

    detokenizer = Detokenizer(decode)
    detokenizer.feed([97] * 500 + [0xFF] * 500)
    assert longest < 40
    silent = Detokenizer(lambda ids: decode(ids)[:0])
    assert silent.feed([1] * 500) == ""
    assert longest < 40
