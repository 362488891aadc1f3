"""The turn that only listens: what it refuses, what silence is, how it ends and what is reported of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import stt
from adapters.contract.errors import InvalidRequest, TimedOut, Unsupported, UpstreamError
from adapters.vad.energy import Energy
from gateway.access.caller import ANYONE
from gateway.pipeline.listen import Heard, OptionsIgnored, RecognitionOptions, TranscriptDelta, TranscriptFinished
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.transcription_turn import TranscriptionRequest, TranscriptionTurn, TranscriptionTurns
from tests.support.server import gateway_of, scripted_engines
from tests.support.streams import read
from tests.support.transcript_engine import PIECES, SEGMENTS, TEXT, WORDS, TranscriptEngine


async def loud(rate: int) -> bytes:
    return b"\x00\x20\x00\xe0" * (rate // 2)


async def silent(rate: int) -> bytes:
    return bytes(2 * rate)


class Desk:
    """Where transcriptions are made of ``stt``, and what was reported of them."""

    def __init__(self, engine: Any, *flags: str, **engines: Any) -> None:
        (self.served,) = gateway_of(scripted_engines(stt=engine, **engines), *flags).routes
        self.outcomes: list[TurnOutcome] = []

    def begin(self, audio: Any = loud, **options: Any) -> TranscriptionTurn:
        request = TranscriptionRequest(caller=ANYONE, audio=audio, options=RecognitionOptions(**options))
        return TranscriptionTurns(lambda _turn: self.outcomes.append).begin(request, self.served, Stopwatch())

    async def heard(self, audio: Any = loud, **options: Any) -> list[Heard]:
        return await read(self.begin(audio, **options).events())


async def test_a_transcript_with_all_that_was_asked_for() -> None:
    engine = TranscriptEngine()
    desk = Desk(engine)
    asked = {"language": "German", "prompt": "Herr Munter", "temperature": 0.5}
    events = await desk.heard(**asked, word_times=True, segment_times=True)
    assert events == [
        OptionsIgnored(names=("prompt", "temperature")),
        *(TranscriptDelta(text=piece) for piece in PIECES),
        TranscriptFinished(text=TEXT, language="de", seconds=1.0, words=WORDS, segments=SEGMENTS),
    ]
    request = engine.requests[0]
    assert (request.language, request.prompt, request.temperature, request.translate) == (
        "de",
        "Herr Munter",
        0.5,
        False,
    )
    (outcome,) = desk.outcomes
    assert (outcome.reason, outcome.heard_seconds, outcome.characters, outcome.answered_by) == ("stop", 1.0, 0, None)
    assert outcome.timings.stt is not None


async def test_the_language_of_the_settings_unless_the_request_says_another() -> None:
    engine = TranscriptEngine()
    desk = Desk(engine, "--language", "fr")
    await desk.heard()
    await desk.heard(language="it-IT")
    assert [request.language for request in engine.requests] == ["fr", "it"]


async def test_silence_is_an_empty_transcript_and_no_recogniser_is_asked() -> None:
    engine = TranscriptEngine()
    desk = Desk(engine, vad=Energy(Energy.Options()))
    assert await desk.heard(silent, language="en") == [TranscriptFinished(text="", language="en", seconds=1.0)]
    assert engine.open == 0
    assert [outcome.reason for outcome in desk.outcomes] == ["stop"]


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_audio_in_which_no_words_are_recognised_is_an_empty_transcript(text: str) -> None:
    assert await Desk(scripted.recogniser(text)).heard() == [TranscriptFinished(text="", language=None, seconds=1.0)]


@pytest.mark.parametrize(
    ("option", "can", "words"),
    [
        ("word_times", "word_times", "times of words"),
        ("segment_times", "segment_times", "times of segments"),
        ("translate", "translation", "does not translate"),
    ],
)
def test_what_the_recogniser_cannot_do_is_refused_before_it_is_asked(option: str, can: str, words: str) -> None:
    engine = TranscriptEngine(**{can: False})
    with pytest.raises(Unsupported, match=f"--stt pocketsphinx.*{words}") as refusal:
        Desk(engine, "--stt", "pocketsphinx").begin(**{option: True})
    assert refusal.value.param == option
    Desk(TranscriptEngine()).begin(**{option: True})


def test_a_route_whose_model_listens_itself_has_no_recogniser() -> None:
    with pytest.raises(Unsupported, match="--stt") as refusal:
        Desk(None).begin()
    assert refusal.value.param == "model"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'tlhIngan' is not a known language"):
        Desk(TranscriptEngine()).begin(language="tlhIngan")


async def test_leaving_frees_the_recogniser_and_is_reported_once() -> None:
    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.PartialTranscript(stable="Once ")
        await asyncio.Event().wait()

    engine = scripted.Scripted(stt.Info(sample_rate=16_000), script)
    desk = Desk(engine)
    async with aclosing(desk.begin().events()) as events:
        assert await anext(events) == TranscriptDelta(text="Once ")
        assert engine.open == 1
    assert engine.open == 0
    assert [outcome.reason for outcome in desk.outcomes] == ["left"]


async def test_a_failure_is_raised_and_reported_without_what_was_said() -> None:
    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.PartialTranscript(stable="secret")
        raise UpstreamError("The recogniser broke.")

    desk = Desk(scripted.Scripted(stt.Info(sample_rate=16_000), script))
    with pytest.raises(UpstreamError):
        await desk.heard()
    assert [outcome.reason for outcome in desk.outcomes] == ["UpstreamError: The recogniser broke."]


async def test_a_recogniser_that_never_ends_meets_the_time_limit_of_a_turn() -> None:
    async def script(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        yield stt.PartialTranscript(stable="and ")
        await asyncio.Event().wait()

    engine = scripted.Scripted(stt.Info(sample_rate=16_000), script)
    desk = Desk(engine, "--max_turn_seconds", "0.05")
    with pytest.raises(TimedOut, match="--max_turn_seconds"):
        await desk.heard()
    assert engine.open == 0
