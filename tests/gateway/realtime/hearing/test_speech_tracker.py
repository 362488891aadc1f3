"""Where a voice starts, pauses and goes on and a turn ends, given the probability of speech in windows of 20 ms."""

import random

import msgspec
import pytest

from gateway.realtime.hearing.speech_tracker import SpeechTracker, TrackerSettings
from gateway.realtime.session.inputs import TurnEnded, VoiceInput, VoicePaused, VoiceResumed, VoiceStarted

SETTINGS = TrackerSettings(threshold=0.5, prefix_padding_ms=100, quiet_ms=120, silence_ms=500, longest_ms=10_000)


def tracker(start_ms: float = 0.0, settings: TrackerSettings = SETTINGS) -> SpeechTracker:
    return SpeechTracker(settings, window_ms=20, start_ms=start_ms)


def told(heard: SpeechTracker, *spans: tuple[float, float]) -> list[VoiceInput]:
    """What is told of ``spans``: so many milliseconds with this probability each."""
    windows = [probability for milliseconds, probability in spans for _ in range(round(milliseconds / 20))]
    return [event for probability in windows if (event := heard.window(probability)) is not None]


def test_a_turn() -> None:
    assert told(tracker(), (1000, 0.1), (400, 0.9), (1000, 0.1)) == [
        VoiceStarted(at_ms=1000),
        VoicePaused(at_ms=1400),
        TurnEnded(at_ms=1900),
    ]


def test_a_turn_with_a_pause() -> None:
    assert told(tracker(), (400, 0.9), (200, 0.0), (400, 0.9), (600, 0.0)) == [
        VoiceStarted(at_ms=0),
        VoicePaused(at_ms=400),
        VoiceResumed(at_ms=600),
        VoicePaused(at_ms=1000),
        TurnEnded(at_ms=1500),
    ]


def test_gaps_between_words_are_no_pause() -> None:
    assert told(tracker(), *[(300, 0.9), (100, 0.0)] * 5) == [VoiceStarted(at_ms=0)]


def test_clicks_neither_start_a_turn_nor_go_on_with_it() -> None:
    assert told(tracker(), *[(40, 1.0), (200, 0.0)] * 10) == []
    clicks = told(tracker(), (400, 0.9), *[(160, 0.0), (40, 1.0)] * 3)
    assert clicks == [VoiceStarted(at_ms=0), VoicePaused(at_ms=400), TurnEnded(at_ms=900)]


def test_doubt_keeps_a_voice_going_but_starts_none() -> None:
    assert told(tracker(), (1000, 0.4)) == []
    assert told(tracker(), (100, 0.9), (2000, 0.4)) == [VoiceStarted(at_ms=0)]


def test_the_threshold_decides() -> None:
    strict = msgspec.structs.replace(SETTINGS, threshold=0.9)
    assert told(tracker(settings=strict), (1000, 0.8)) == []


def test_a_turn_needs_its_padding_but_nothing_of_the_turn_before() -> None:
    heard = tracker()
    told(heard, (1000, 0.0), (100, 0.9))
    assert heard.turn_from_ms == 900
    told(heard, (520, 0.0), (60, 0.9))
    assert heard.turn_from_ms == 1600, "the turn before has ended there"


def test_what_is_needed_while_nobody_speaks_is_the_padding() -> None:
    heard = tracker()
    told(heard, (1000, 0.0))
    assert heard.needed_from_ms == 900
    told(heard, (40, 0.9))
    assert heard.needed_from_ms == 900, "a voice may have started"


def test_a_pause_is_told_in_the_middle_of_a_window() -> None:
    heard = SpeechTracker(SETTINGS, window_ms=32)
    assert [event for _ in range(10) if (event := heard.window(0.9)) is not None] == [VoiceStarted(at_ms=0)]
    assert heard.arrived(340, 0) is None, "of a voice that was heard last nothing is known"
    assert [heard.window(0.0) for _ in range(3)] == [None] * 3
    assert heard.arrived(439, 0) is None
    assert heard.arrived(440, 0) == VoicePaused(at_ms=320)
    assert heard.arrived(441, 0) is None
    assert [heard.window(0.9), heard.window(0.9)] == [None, VoiceResumed(at_ms=416)]


@pytest.mark.parametrize(
    ("frame_ms", "told_with"),
    [(20, {0: 120, 4: 116, 8: 112, 12: 128, 16: 124}), (10, {0: 120, 2: 118, 4: 116, 6: 124})],
)
def test_a_pause_is_told_with_the_frame_that_ends_closest_to_its_length(
    frame_ms: float, told_with: dict[int, int]
) -> None:
    """``told_with``: milliseconds from the end of a frame to that of the voice, and from there to the pause."""
    for offset, expected in told_with.items():
        heard = SpeechTracker(SETTINGS, window_ms=32)
        for _ in range(10):
            heard.window(0.9)
        arrived = 320.0 - offset
        while not heard.is_paused:
            arrived += frame_ms
            while heard.now_ms + 32 <= arrived:
                heard.window(0.0)
            heard.arrived(arrived, frame_ms)
        assert arrived - 320 == expected


def test_audio_that_waits_to_be_measured_is_not_taken_for_quiet() -> None:
    heard = SpeechTracker(SETTINGS, window_ms=32)
    assert heard.arrived(1000, 20) is None, "nobody has spoken"
    for probability in (*[0.9] * 10, 0.0, 0.0):
        heard.window(probability)
    assert heard.arrived(heard.now_ms + 32, 1000) is None
    assert heard.arrived(heard.now_ms + 1000, 1000) is None


@pytest.mark.parametrize(
    ("windows", "decides"),
    [
        ([], False),
        ([0.0] * 9, False),
        ([0.9], False),
        ([0.9, 0.9], True),
        ([0.9, 0.9, 0.0], False),
        ([0.9] * 5, False),
        ([0.9] * 5 + [0.0], True),
        ([0.9] * 5 + [0.0] * 24, True),
        ([0.9] * 5 + [0.0] * 23 + [0.9], True),
        ([0.9] * 5 + [0.0] * 25, False),
    ],
)
def test_whether_the_next_window_may_change_anything(windows: list[float], decides: bool) -> None:
    heard = tracker()  # three windows start a turn, and 25 of silence end it
    for probability in windows:
        heard.window(probability)
    assert heard.next_decides is decides


def test_silence_that_is_not_longer_than_a_pause_ends_a_turn_without_one() -> None:
    short = msgspec.structs.replace(SETTINGS, silence_ms=100)
    assert told(tracker(settings=short), (100, 0.9), (200, 0.0)) == [VoiceStarted(at_ms=0), TurnEnded(at_ms=200)]
    heard = SpeechTracker(short, window_ms=32)
    assert [heard.window(probability) for probability in (0.9, 0.9, 0.0, 0.0, 0.0)][2:] == [None] * 3
    assert heard.arrived(heard.now_ms + 24, 20) is None


def test_without_any_patience_a_turn_ends_in_the_first_quiet_window() -> None:
    hasty = msgspec.structs.replace(SETTINGS, silence_ms=0)
    assert told(tracker(settings=hasty), (400, 0.9), (40, 0.0)) == [VoiceStarted(at_ms=0), TurnEnded(at_ms=420)]
    eager = msgspec.structs.replace(SETTINGS, quiet_ms=0)
    assert told(tracker(settings=eager), (400, 0.9), (40, 0.0)) == [VoiceStarted(at_ms=0), VoicePaused(at_ms=400)]


def test_a_turn_ends_sooner_when_it_is_told_so_in_a_pause() -> None:
    heard = tracker(settings=msgspec.structs.replace(SETTINGS, silence_ms=8000))
    told(heard, (400, 0.9), (300, 0.0))
    assert heard.settle() is None
    heard.silence_ms = 250
    assert heard.settle() == TurnEnded(at_ms=700)
    assert heard.settle() is None
    assert heard.silence_ms == 8000, "the next turn is another"


def test_a_shorter_pause_is_of_that_pause_only() -> None:
    heard = tracker()
    told(heard, (400, 0.9), (140, 0.0))
    heard.silence_ms = 5000
    assert told(heard, (600, 0.0), (60, 0.9), (600, 0.0)) == [
        VoiceResumed(at_ms=1140),
        VoicePaused(at_ms=1200),
        TurnEnded(at_ms=1700),
    ]


def test_a_voice_that_never_stops_is_cut() -> None:
    assert told(tracker(), (25_000, 0.9)) == [
        VoiceStarted(at_ms=0),
        TurnEnded(at_ms=10_000),
        VoiceStarted(at_ms=10_000),
        TurnEnded(at_ms=20_000),
        VoiceStarted(at_ms=20_000),
    ]


def test_beginning_anew_in_a_turn_starts_another_one() -> None:
    heard = tracker(start_ms=5000)
    assert told(heard, (400, 0.9)) == [VoiceStarted(at_ms=5000)]
    heard.restart(5400)
    assert told(heard, (100, 0.9)) == [VoiceStarted(at_ms=5400)]
    assert heard.turn_from_ms == 5400


def test_a_turn_is_judged_by_new_settings() -> None:
    heard = tracker()
    told(heard, (400, 0.9), (140, 0.0))
    heard.change(msgspec.structs.replace(SETTINGS, silence_ms=1000))
    assert told(heard, (840, 0.0)) == []
    assert told(heard, (20, 0.0)) == [TurnEnded(at_ms=1400)]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_heard_the_story_is_in_order(seed: int) -> None:
    draw = random.Random(seed)
    heard = tracker()
    events = told(heard, *[(draw.choice([20, 60, 140, 600]), draw.choice([0.0, 0.4, 1.0])) for _ in range(200)])
    follows: dict[type[VoiceInput] | None, tuple[type[VoiceInput], ...]] = {
        None: (VoiceStarted,),
        VoiceStarted: (VoicePaused, TurnEnded),
        VoicePaused: (VoiceResumed, TurnEnded),
        VoiceResumed: (VoicePaused, TurnEnded),
        TurnEnded: (VoiceStarted,),
    }
    before: type[VoiceInput] | None = None
    for event in events:
        assert type(event) in follows[before]
        before = type(event)
    ends = [event.at_ms for event in events if isinstance(event, TurnEnded | VoiceStarted)]
    assert ends == sorted(ends)
    assert events
