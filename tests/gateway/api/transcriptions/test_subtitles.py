"""Subtitles as other programs read them: FFmpeg's readers, and a grammar of the two formats."""

import io
import re

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import stt
from gateway.api.transcriptions.subtitles import MOST_CHARACTERS, Cue, cues, srt, vtt
from tests.support.transcript_engine import SEGMENTS, TEXT, WORDS


def word(text: str, start: float, end: float) -> stt.Word:
    return stt.Word(text=text, start=start, end=end)


def read_by_ffmpeg(text: str, demuxer: str) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds and the text of each subtitle."""
    with av.open(io.BytesIO(text.encode()), format=demuxer) as file:
        found = []
        for packet in file.demux():
            if packet.size and packet.pts is not None and packet.time_base is not None:
                begin, length = packet.pts * packet.time_base * 1000, (packet.duration or 0) * packet.time_base * 1000
                found.append((int(begin), int(begin + length), bytes(packet).decode()))
        return found


def test_each_segment_is_a_cue() -> None:
    assert srt(cues(TEXT, SEGMENTS, WORDS)) == (
        "1\n00:00:00,100 --> 00:00:00,900\nHallo, wie geht's?\n\n2\n00:00:01,000 --> 00:00:01,800\nGut & <munter>.\n\n"
    )
    assert vtt(cues(TEXT, SEGMENTS, ())) == (
        "WEBVTT\n\n00:00:00.100 --> 00:00:00.900\nHallo, wie geht's?\n\n"
        "00:00:01.000 --> 00:00:01.800\nGut &amp; &lt;munter&gt;.\n\n"
    )


def test_words_are_gathered_to_sentences_where_there_are_no_segments() -> None:
    assert cues(TEXT, (), WORDS) == [
        Cue(start=100, end=900, text="Hallo, wie geht's?"),
        Cue(start=1000, end=1800, text="Gut & <munter>."),
    ]


def test_a_pause_ends_a_cue_and_so_does_its_size() -> None:
    paused = [word("well", 0, 0.5), word("then", 1.6, 2)]
    assert [each.text for each in cues("well then", (), paused)] == ["well", "then"]
    endless = [word("word", n / 10, n / 10 + 0.1) for n in range(60)]
    texts = [each.text for each in cues("word " * 60, (), endless)]
    assert " ".join(texts) == " ".join(["word"] * 60)
    assert len(texts) == 4
    assert max(map(len, texts)) <= MOST_CHARACTERS


def test_words_of_a_language_without_spaces_are_joined_without() -> None:
    heard = [word("今日", 0, 0.4), word("は", 0.4, 0.6), word("。", 0.6, 0.7), word("はい", 0.8, 1)]
    assert [each.text for each in cues("今日は。はい", (), heard)] == ["今日は。", "はい"]


def test_nothing_heard_is_no_cue() -> None:
    assert cues("", (), ()) == []
    assert cues("", (stt.Segment(text=" ", start=0, end=1),), (word(" ", 0, 1),)) == []
    assert (srt([]), vtt([])) == ("", "WEBVTT\n\n")


def test_an_hour_and_more() -> None:
    late = [Cue(start=3_723_004, end=360_000_000, text="late")]
    assert srt(late) == "1\n01:02:03,004 --> 100:00:00,000\nlate\n\n"


@pytest.mark.parametrize(("write", "demuxer"), [(srt, "srt"), (vtt, "webvtt")])
def test_ffmpeg_reads_them(write: object, demuxer: str) -> None:
    assert callable(write)
    written = write(cues(TEXT, SEGMENTS, ()))
    shown = "Gut & <munter>." if demuxer == "srt" else "Gut &amp; &lt;munter&gt;."
    assert read_by_ffmpeg(written, demuxer) == [(100, 900, "Hallo, wie geht's?"), (1000, 1800, shown)]


TEXTS = st.text(alphabet=st.sampled_from("ab .-><&\n\r\u2028\u0085-->"), max_size=12)
SPANS = st.tuples(st.floats(-1, 10_000), st.floats(-1, 10_000), TEXTS)


@given(st.lists(SPANS, max_size=8))
def test_no_text_and_no_times_break_the_format(spans: list[tuple[float, float, str]]) -> None:
    segments = [stt.Segment(start=start, end=end, text=text) for start, end, text in spans]
    words = [word(text, start, end) for start, end, text in spans]
    made = [*cues(" ", segments, ()), *cues(" ", (), words)]
    clock = r"(\d{2,}):([0-5]\d):([0-5]\d)[,.](\d{3})"
    for text, head in ((srt(made), r"\d+\n"), (vtt(made).removeprefix("WEBVTT\n\n"), "")):
        blocks = text.split("\n\n")[:-1]
        assert len(blocks) == len(made)
        for block, cue in zip(blocks, made, strict=True):
            found = re.fullmatch(rf"{head}{clock} --> {clock}\n(?!.*-->)(.+)", block)
            assert found, block
            hours, minutes, seconds, rest = map(int, found.groups()[:4])
            assert ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest == cue.start < cue.end
