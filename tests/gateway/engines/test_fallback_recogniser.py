"""Fallback recognisers: another one hears everything from the beginning; what was told is not taken back."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from adapters import scripted
from adapters.contract import stt
from adapters.contract.checks import stt_grammar
from adapters.contract.errors import AdapterError, InvalidRequest, TimedOut, Unavailable, Unsupported, UpstreamError
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.candidates import Candidate
from gateway.engines.fallback_recogniser import FallbackRecogniser, HeardBy, continued
from tests.support.streams import read

BLOCKS = [bytes([index]) * 3200 for index in range(10)]


async def audio() -> AsyncGenerator[bytes, None]:
    for block in BLOCKS:
        yield block


def request(**fields: Any) -> stt.Request:
    return stt.Request(audio=audio(), **fields)


class Ears(scripted.Scripted[stt.Request, stt.Event, stt.Info]):
    """Keeps the audio that it was given; fails after some blocks if it is told to."""

    def __init__(
        self, text: str, *, rate: int = 16_000, fails: AdapterError | None = None, after: int = 0, partial: str = ""
    ) -> None:
        super().__init__(stt.Info(sample_rate=rate), self._play)
        self.heard = b""
        self._text, self._fails, self._after, self._partial = text, fails, after, partial

    async def _play(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        blocks = 0
        if self._fails and not self._after:
            raise self._fails
        async for block in request.audio:
            self.heard += block
            blocks += 1
            if self._partial and blocks == 1:
                yield stt.PartialTranscript(stable=self._partial)
            if self._fails and blocks == self._after:
                raise self._fails
        yield stt.FinalTranscript(text=self._text)
        yield stt.Finished(language="en", seconds=len(self.heard) / 2 / self.info.sample_rate)


def falling_back(*engines: Any) -> FallbackRecogniser:
    return FallbackRecogniser(
        [Candidate(name=f"e{n}", engine=engine, circuit=CircuitBreaker()) for n, engine in enumerate(engines)]
    )


async def heard(engine: FallbackRecogniser) -> tuple[str, stt.Finished]:
    events = await read(engine.stream(request()))
    stt_grammar(events)
    (text,) = [event.text for event in events if isinstance(event, stt.FinalTranscript)]
    return text, events[-1]


async def test_the_first_is_asked_and_nobody_stood_in() -> None:
    first, second = Ears("one two"), Ears("never")
    text, end = await heard(falling_back(first, second))
    assert (text, isinstance(end, HeardBy), second.opened) == ("one two", False, 0)
    assert first.heard == b"".join(BLOCKS)


@pytest.mark.parametrize("error", [Unavailable("down"), TimedOut("slow"), UpstreamError("odd")])
@pytest.mark.parametrize("after", [0, 1, 10])
async def test_another_hears_everything_from_the_beginning(error: AdapterError, after: int) -> None:
    second = Ears("one two")
    text, end = await heard(falling_back(Ears("never", fails=error, after=after), second))
    assert text == "one two"
    assert second.heard == b"".join(BLOCKS)
    assert isinstance(end, HeardBy)
    assert end.engine == "e1"


async def test_another_hears_at_its_own_rate() -> None:
    second = Ears("one two", rate=8_000)
    _, end = await heard(falling_back(Ears("never", fails=UpstreamError("odd"), after=3), second))
    assert end.seconds == pytest.approx(1.0, abs=0.01)


async def test_pauses_of_the_speaker_are_passed_on() -> None:
    blocks: list[bytes] = []

    class Noting(Ears):
        async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
            async def noted() -> AsyncGenerator[bytes, None]:
                async for block in request.audio:
                    blocks.append(block)
                    yield block

            async with aclosing(super().stream(msgspec.structs.replace(request, audio=noted()))) as events:
                async for event in events:
                    yield event

    async def speech() -> AsyncGenerator[bytes, None]:
        for block in (bytes(320), b"", bytes(640)):
            yield block

    await read(falling_back(Noting("one"), Ears("never")).stream(stt.Request(audio=speech())))
    assert [len(block) for block in blocks] == [320, 0, 640]


async def test_what_was_told_is_continued() -> None:
    first = Ears("never", fails=UpstreamError("cut"), after=2, partial="Good morning")
    text, _ = await heard(falling_back(first, Ears("good Morning, to you", partial="good")))
    assert text == "Good morning, to you"


async def test_an_end_that_is_missing_is_a_failure() -> None:
    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.FinalTranscript(text="half")

    short: Any = scripted.Scripted(stt.Info(sample_rate=16_000), script)
    with pytest.raises(UpstreamError, match="ended before the transcript was finished"):
        await read(falling_back(short, Ears("", fails=Unavailable("down"))).stream(request()))


async def test_a_wrong_request_is_refused_by_the_first() -> None:
    second = Ears("never")
    with pytest.raises(InvalidRequest):
        await read(falling_back(Ears("", fails=InvalidRequest("wrong")), second).stream(request()))
    assert second.opened == 0


async def test_while_the_first_is_away_no_other_refuses_the_request() -> None:
    third = Ears("eins zwei")
    refusing = falling_back(Ears("", fails=TimedOut("slow")), Ears("", fails=Unsupported("not 'de'")))
    helped = falling_back(Ears("", fails=TimedOut("slow")), Ears("", fails=Unsupported("not 'de'")), third)
    for _ in range(7):
        with pytest.raises(Unavailable):
            await read(refusing.stream(request(language="de")))
        assert (await heard(helped))[0] == "eins zwei"


async def test_when_none_can_the_first_error_is_told() -> None:
    engine = falling_back(Ears("", fails=TimedOut("slow")), Ears("", fails=UpstreamError("odd")))
    with pytest.raises(TimedOut):
        await read(engine.stream(request()))


async def test_leaving_closes_the_engine() -> None:
    second = Ears("never", partial="told")
    stream = falling_back(Ears("", fails=UpstreamError("odd")), second).stream(request())
    await anext(stream)
    await stream.aclose()
    assert second.open == 0


@pytest.mark.parametrize(
    ("told", "text", "whole"),
    [
        ("", "all of it", "all of it"),
        ("one two", "one two three", "one two three"),
        ("one to", "one two three", "one to three"),
        ("One two", "one two, three", "One two, three"),
        ("One two. ", "one two, three", "One two. three"),
        ("um", "hello there", "um hello there"),
        ("One", "", "One"),
        (
            "We saw a bear and",
            "We saw a bare, it was big, it came nearer and then it ran away.",
            "We saw a bear and, it was big, it came nearer and then it ran away.",
        ),
        (
            "今日わいい天気ですね。",
            "今日はいい天気ですね。明日は雨が降るそうです。",
            "今日わいい天気ですね。明日は雨が降るそうです。",
        ),
        ("今日わいい天気ですね", "今日はいい天気ですね。明日は雨です。", "今日わいい天気ですね。明日は雨です。"),
        ("สวัสดีครับวันนิ้", "สวัสดีครับวันนี้อากาศดีมาก", "สวัสดีครับวันนิ้อากาศดีมาก"),
        ("मौसम बहुत अछा", "मौसम बहुत अच्छा है", "मौसम बहुत अछा है"),
        ("오늘은 날시가", "오늘은 날씨가 좋네요", "오늘은 날시가 좋네요"),
    ],
)
def test_a_transcript_goes_on_from_what_was_told(told: str, text: str, whole: str) -> None:
    assert continued(told, text) == whole


def test_a_long_transcript_goes_on_where_its_last_letters_are() -> None:
    said = [f"number {index:x}" for index in range(2_000)]
    told = ", ".join(["never heard by the other", *said[:1_500]])
    assert continued(told, ", ".join(said).capitalize()) == ", ".join([told, *said[1_500:]])
