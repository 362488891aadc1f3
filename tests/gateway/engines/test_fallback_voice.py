"""Fallback voices: another engine goes on at a clause's border, at the same rate, and nothing is left out."""

from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import scripted
from adapters.contract import tts
from adapters.contract.checks import tts_grammar
from adapters.contract.errors import AdapterError, InvalidRequest, TimedOut, Unavailable, UpstreamError
from adapters.upstream.breaker import CircuitBreaker
from gateway.engines.candidates import Candidate
from gateway.engines.fallback_voice import FallbackSynthesiser, SpokenBy, rest_of
from tests.support.streams import read

TEXT = "It rained all night, so we stayed in. Then the sun came out."
REQUEST = tts.Request(text=TEXT, voice="hum")


def failing(error: Exception, seconds: float = 0.0, rate: int = 24_000) -> Any:
    """A voice that fails after so much sound."""

    async def script(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        if seconds:
            yield tts.AudioChunk(pcm=b"\x01\x00" * round(rate * seconds))
        raise error

    return scripted.Scripted(tts.Info(sample_rate=rate, voices=("hum",), default_voice="hum"), script)


def silent() -> Any:
    async def script(request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.Finished(seconds=0.0, characters=len(request.text))

    return scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), script)


def speaking(rate: int = 24_000, voices: tuple[str, ...] = ("hum",), **info: Any) -> Any:
    engine = scripted.synthesiser(scripted.ToneVoice(sample_rate=rate))
    engine.info = tts.Info(sample_rate=rate, voices=voices, default_voice=voices[0], **info)
    return engine


def falling_back(*engines: Any) -> FallbackSynthesiser:
    return FallbackSynthesiser(
        [Candidate(name=f"e{n}", engine=engine, circuit=CircuitBreaker()) for n, engine in enumerate(engines)]
    )


async def spoken(engine: FallbackSynthesiser, request: tts.Request = REQUEST) -> tuple[bytes, SpokenBy]:
    events = await read(engine.stream(request))
    tts_grammar(events)
    end = events[-1]
    assert isinstance(end, SpokenBy)
    return b"".join(event.pcm for event in events if isinstance(event, tts.AudioChunk)), end


async def test_the_first_speaks_as_long_as_it_can() -> None:
    first, second = speaking(), speaking()
    pcm, end = await spoken(falling_back(first, second))
    assert (end.engines, end.characters) == ((), len(TEXT))
    assert end.seconds == pytest.approx(len(pcm) / 48_000)
    assert second.opened == 0


@pytest.mark.parametrize("error", [Unavailable("down"), TimedOut("slow"), UpstreamError("odd")])
async def test_another_speaks_the_whole_utterance_when_nothing_was_heard_of_it(error: AdapterError) -> None:
    second = speaking()
    _, end = await spoken(falling_back(failing(error), second))
    assert end.engines == ("e1",)
    assert [request.text for request in second.requests] == [TEXT]


async def test_another_goes_on_from_the_clause_in_which_the_first_broke() -> None:
    second = speaking()
    pcm, end = await spoken(falling_back(failing(UpstreamError("cut"), seconds=4.6), second))
    assert [request.text for request in second.requests] == ["Then the sun came out."]
    assert end.engines == ("e1",)
    assert end.seconds == pytest.approx(len(pcm) / 48_000)


async def test_sound_that_is_cut_off_falls_to_silence() -> None:
    async def script(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.AudioChunk(pcm=(10_000).to_bytes(2, "little") * 24_000)
        raise UpstreamError("cut")

    loud = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), script)
    quiet = failing(UpstreamError("cut"))
    events: list[Any] = []
    with pytest.raises(UpstreamError):
        async for event in falling_back(loud, quiet).stream(REQUEST):
            events.append(event)
    samples = np.frombuffer(b"".join(event.pcm for event in events if isinstance(event, tts.AudioChunk)), "<i2")
    assert len(samples) == 24_000 + 48
    assert samples[-1] == 0
    assert abs(np.diff(samples)).max() < 300
    pcm, end = await spoken(falling_back(loud, speaking()))
    assert end.seconds == pytest.approx(len(pcm) / 48_000)


async def test_a_third_goes_on_where_the_second_broke() -> None:
    third = speaking()
    engine = falling_back(failing(UpstreamError("cut"), seconds=2.6), failing(UpstreamError("cut"), seconds=2.2), third)
    _, end = await spoken(engine)
    assert [request.text for request in third.requests] == ["Then the sun came out."]
    assert end.engines == ("e1", "e2")


async def test_an_end_without_sound_is_a_failure_unless_there_was_nothing_to_say() -> None:
    _, end = await spoken(falling_back(silent(), speaking()))
    assert end.engines == ("e1",)
    with pytest.raises(UpstreamError, match="without any sound"):
        await read(falling_back(silent(), silent()).stream(REQUEST))
    _, end = await spoken(falling_back(silent(), speaking()), tts.Request(text="…"))
    assert end.engines == ()


async def test_an_end_that_is_missing_is_a_failure() -> None:
    async def script(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        yield tts.AudioChunk(pcm=bytes(480))

    short = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), script)
    _, end = await spoken(falling_back(short, speaking()))
    assert end.engines == ("e1",)


async def test_all_sound_has_the_rate_of_the_first() -> None:
    second = speaking(rate=16_000)
    engine = falling_back(failing(UpstreamError("odd")), second)
    pcm, end = await spoken(engine)
    assert engine.info.sample_rate == 24_000
    chunks = max(1, round(len(TEXT) * 0.02 / 0.04))
    assert len(pcm) / 48_000 == pytest.approx(chunks * 0.04, abs=0.01)
    assert end.seconds == pytest.approx(len(pcm) / 48_000)


async def test_a_voice_that_another_lacks_is_its_default_voice() -> None:
    second = speaking(voices=("low", "high"))
    engine = falling_back(failing(UpstreamError("odd")), second)
    await spoken(engine, tts.Request(text=TEXT, voice="high"))
    await spoken(engine, tts.Request(text=TEXT, voice="hum"))
    await spoken(engine, tts.Request(text=TEXT))
    assert [request.voice for request in second.requests] == ["high", "low", None]


async def test_a_server_that_lists_no_voices_is_asked_for_none_of_the_first_engine() -> None:
    server = speaking()
    server.info = tts.Info(sample_rate=24_000, voices=(), default_voice="alloy")
    engine = falling_back(failing(UpstreamError("odd")), server)
    await spoken(engine, tts.Request(text=TEXT, voice="hum"))
    await spoken(engine, tts.Request(text=TEXT, voice="nova"))
    unlisted = failing(UpstreamError("odd"))
    unlisted.info = server.info
    await spoken(falling_back(unlisted, server), tts.Request(text=TEXT, voice="its own"))
    assert [request.voice for request in server.requests] == ["alloy", "nova", "its own"]


async def test_a_wrong_request_is_refused_by_the_first() -> None:
    second = speaking()
    with pytest.raises(InvalidRequest):
        await read(falling_back(failing(InvalidRequest("wrong")), second).stream(REQUEST))
    assert second.opened == 0


async def test_while_the_first_is_away_no_other_refuses_the_request() -> None:
    refusing = falling_back(failing(TimedOut("slow")), failing(InvalidRequest("too fast")))
    helped = falling_back(failing(TimedOut("slow")), failing(InvalidRequest("too fast")), speaking())
    for _ in range(7):
        with pytest.raises(Unavailable):
            await read(refusing.stream(REQUEST))
        assert (await spoken(helped))[1].engines == ("e2",)


async def test_when_none_can_the_first_error_is_told() -> None:
    with pytest.raises(TimedOut):
        await read(falling_back(failing(TimedOut("slow")), failing(UpstreamError("odd"))).stream(REQUEST))


def test_text_is_written_for_the_one_that_reads_least() -> None:
    info = falling_back(speaking(reads=frozenset({"numbers", "notation"}), phonemes=True), speaking()).info
    assert (info.reads, info.phonemes) == (frozenset(), False)


async def test_leaving_closes_the_engine() -> None:
    second = speaking()
    stream = falling_back(failing(UpstreamError("odd")), second).stream(REQUEST)
    await anext(stream)
    await anext(stream)
    assert second.open == 1
    await stream.aclose()
    assert second.open == 0


@pytest.mark.parametrize(
    ("text", "seconds", "rest"),
    [
        ("One, two, three.", 0.0, "One, two, three."),
        ("One two three four.", 0.5, "One two three four."),
        ("First part, then 3.5 per cent more", 4.2, "then 3.5 per cent more"),
        ("今天下雨，我们在家。明天出门。", 3.5, "明天出门。"),
        ("Done. ", 99.0, "Done."),
    ],
)
def test_the_rest_begins_with_the_clause_that_was_cut(text: str, seconds: float, rest: str) -> None:
    assert rest_of(text, seconds).strip() == rest


@pytest.mark.parametrize(
    ("clauses", "ends"),
    [
        (
            ("The order number is 482913377,", "the customer number is 7712345,", "and the total is 18250 dollars."),
            (5.56, 10.66, 13.86),
        ),
        (
            ("Call 555-123-4567,", "or 0049 170 1234567,", "then press 1,", "2,", "3 and 4."),
            (5.97, 12.45, 13.54, 14.02),
        ),
        (("I see,", "well,", "yes,", "no,", "maybe,", "one,", "two,"), (0.7, 1.22, 1.85, 2.41, 3.04, 3.54, 3.87)),
        (("No.", "Yes.", "Ok.", "Why?", "Go on!"), (0.5, 1.11, 1.83, 2.43, 3.2)),
        (("The NASA,", "the BBC,", "the FBI,", "the USA,"), (0.77, 1.81, 2.86, 3.81)),
        (("今天天气很好，", "我们一起去公园散步，", "然后回家吃饭。"), (1.84, 4.34, 6.16)),
        (
            ("It was a wonderful day in spring,", "and the birds were singing in the trees,", "so we walked home."),
            (1.96, 4.01),
        ),
    ],
    ids=["numbers", "telephone", "short clauses", "short sentences", "letters", "Chinese", "prose"],
)
def test_nothing_is_left_out_of_what_real_voices_had_not_said(
    clauses: tuple[str, ...], ends: tuple[float, ...]
) -> None:
    """``ends`` are the seconds at which espeak or Piper ends each clause."""
    text = " ".join(clauses)
    for current, end in enumerate(ends):
        unsaid = " ".join(clauses[current:])
        assert rest_of(text, end - 0.01).endswith(unsaid), f"{current} is spoken still"


@given(st.text(min_size=1), st.floats(0, 100))
def test_the_rest_is_an_end_of_the_text_and_never_all_gone(text: str, seconds: float) -> None:
    rest = rest_of(text, seconds)
    assert text.endswith(rest)
