"""Hallucinations are told from speech."""

from typing import Any

import pytest

from adapters.stt.faster_whisper.guards import Decoded, best, without_loops

SURE = Decoded(
    tokens=(1, 2, 3),
    text="What is the capital of France?",
    avg_logprob=-0.2,
    no_speech_prob=0.1,
    temperature=0.0,
    is_full=False,
)
LOOP = (1, 2, 3, *(4, 5) * 20, 6)


def changed(**fields: Any) -> Decoded:
    return Decoded(**{name: getattr(SURE, name) for name in SURE.__struct_fields__} | fields)


@pytest.mark.parametrize(
    ("decoded", "silence", "doubtful"),
    [
        (SURE, False, False),
        (changed(avg_logprob=-1.5), False, True),
        (changed(avg_logprob=-1.5, no_speech_prob=0.9), True, False),
        (changed(no_speech_prob=0.9), False, False),
        (changed(text="thank you " * 20), False, True),
        (changed(tokens=LOOP), False, True),
        (changed(text="", tokens=()), False, False),
    ],
)
def test_what_is_decoded_again(decoded: Decoded, silence: bool, doubtful: bool) -> None:
    assert (decoded.is_silence, decoded.is_doubtful) == (silence, doubtful)


def test_the_best_of_several_is_no_loop_if_there_is_another() -> None:
    loop, unsure = changed(text="thank you " * 20, avg_logprob=-0.1), changed(avg_logprob=-1.5)
    assert best([loop, unsure, changed(avg_logprob=-1.2)]).avg_logprob == -1.2
    assert best([loop]) is loop


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ((), ()),
        ((1, 2, 3), (1, 2, 3)),
        (LOOP, (1, 2, 3, 4, 5, 6)),
        ((7,) * 30, (7,)),
        ((7,) * 11, (7,) * 11),
        ((1, 2, 3, 4, 5) * 3, (1, 2, 3, 4, 5) * 3),
        ((1, 2, 3, 4, 5) * 4, (1, 2, 3, 4, 5)),
    ],
)
def test_loops_are_cut_and_what_is_said_three_times_is_not(tokens: tuple[int, ...], kept: tuple[int, ...]) -> None:
    assert without_loops(tokens) == kept
