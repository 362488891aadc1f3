"""Windows of a recording, and times within it."""

from typing import Any

import pytest

from adapters.stt.faster_whisper.guards import Decoded
from adapters.stt.faster_whisper.recording import Recording
from adapters.stt.recognition import RecognitionRequest


def recording(seconds: float, **asked: Any) -> Recording:
    return Recording(RecognitionRequest(pcm=bytes(int(seconds * 16_000) * 2), **asked), [])


@pytest.mark.parametrize(
    ("seconds", "window"), [(0.1, 500), (4.0, 500), (4.01, 1000), (9, 1000), (24, 2500), (24.1, 3000), (60, 3000)]
)
def test_windows_follow_the_sound_in_steps(seconds: float, window: int) -> None:
    one = recording(seconds)
    assert (one.window(short=True), one.window(short=False)) == (window, 3000)


def test_the_end_is_reached() -> None:
    one = recording(60.05)
    assert (one.size, one.is_long, one.is_timed, one.is_done, len(one.samples())) == (3000, True, True, False, 480_000)
    one.seek = 3000
    assert one.size == 3000
    one.seek = 5900
    assert (one.size, one.window(short=True), one.is_done) == (105, 500, False)
    one.seek = 6000
    assert one.is_done, "what is left is too short for a word"


def test_a_window_is_divided_by_times_and_then_in_halves() -> None:
    one = recording(20)
    one.divide()
    assert (one.is_timed, one.size) == (True, 2000)
    one.move(500)
    one.divide()
    assert (one.is_timed, one.size) == (True, 750)
    one.move(0)
    assert one.size == 750, "it is heard in its parts"
    one.move(750)
    assert one.size == 750, "what is left is heard at once again"
    one = recording(60)
    one.divide()
    one.divide()
    one.move(one.size)
    assert one.size == 3000


def test_a_second_is_not_divided() -> None:
    one = recording(20)
    one.divide()
    while one.is_divisible:
        one.divide()
    assert 0 < one.size <= 100


def test_times_in_the_padding_are_those_of_the_end() -> None:
    one = recording(2, word_times=True, segment_times=True)
    decoded = Decoded(tokens=(1,), text="Yes.", avg_logprob=-0.5, no_speech_prob=0.25, temperature=0.4, is_full=False)
    words = [{"word": " Yes.", "start": 1.5, "end": 2.5}, {"word": " ", "start": 2.5, "end": 3.0}]
    timed = {"text": " Yes. ", "start": 1.25, "end": 3.0, "tokens": [1]}
    one.segments.append({**timed, "words": words, "decoded": decoded})
    result = one.result()
    assert [(word.text, word.start, word.end) for word in result.words] == [("Yes.", 1.5, 2.0)]
    (segment,) = result.segments
    assert (segment.text, segment.start, segment.end, segment.tokens) == ("Yes.", 1.25, 2.0, (1,))
    assert (segment.avg_logprob, segment.no_speech_prob, segment.temperature) == (-0.5, 0.25, 0.4)
    plain = recording(2)
    plain.segments = one.segments
    assert (plain.result().text, plain.result().words, plain.result().segments) == ("Yes.", (), ())
