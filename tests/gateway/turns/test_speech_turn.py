"""A speech is reported once, however it ended, and asks the synthesiser for what the request and the route say."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import tts
from adapters.contract.errors import InvalidRequest, UpstreamError
from gateway.access.caller import ANYONE
from gateway.engines.route import ServedRoute
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.result import TurnFinished
from gateway.turns.speech_turn import SpeechTurn, SpeechTurnRequest, SpeechTurns
from tests.support.server import gateway_of, scripted_engines
from tests.support.streams import read


def begun(outcomes: list[TurnOutcome], *flags: str, engine: Any = None, **fields: Any) -> SpeechTurn:
    engines = scripted_engines(**({} if engine is None else {"tts": engine}))
    served: ServedRoute = gateway_of(engines, *flags).routes[0]
    return SpeechTurns(lambda _turn: outcomes.append).begin(
        SpeechTurnRequest(caller=ANYONE, text="One. Two.", **fields), served, Stopwatch()
    )


async def test_what_it_used_is_reported() -> None:
    outcomes: list[TurnOutcome] = []
    turn = begun(outcomes)
    *_, last = await read(turn.events())
    assert isinstance(last, TurnFinished)
    (outcome,) = outcomes
    assert (outcome.response_id, outcome.reason, outcome.answered_by) == (turn.id, "stop", None)
    assert outcome.characters == len("One.Two.")
    assert outcome.spoken_seconds == outcome.delivered_seconds == pytest.approx(0.08 * 2 + 0.3, abs=0.01)
    assert outcome.usage is None


async def test_a_reader_that_leaves_is_reported_as_such() -> None:
    outcomes: list[TurnOutcome] = []
    engine = scripted.synthesiser()
    async with aclosing(begun(outcomes, engine=engine).events()) as events:
        while not isinstance(await anext(events), tts.AudioChunk):
            pass
    assert [outcome.reason for outcome in outcomes] == ["left"]
    assert engine.open == 0


async def test_a_failure_is_reported_and_raised() -> None:
    async def broken(_request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        raise UpstreamError("It broke.")
        yield

    outcomes: list[TurnOutcome] = []
    engine = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), broken)
    with pytest.raises(UpstreamError):
        await read(begun(outcomes, engine=engine).events())
    assert [outcome.reason for outcome in outcomes] == ["UpstreamError: It broke."]


async def test_the_request_wins_over_the_settings() -> None:
    engine = scripted.synthesiser()
    flags = ("--speed", "0.5", "--language", "de")
    await read(begun([], *flags, engine=engine).events())
    await read(begun([], *flags, engine=engine, speed=2.0, language="French", instructions="Slowly.").events())
    asked = [(request.speed, request.language, request.instructions) for request in engine.requests]
    assert asked == [(0.5, "de", None)] * 2 + [(2.0, "fr", "Slowly.")] * 2


@pytest.mark.parametrize(
    ("fields", "voice"),
    [
        ({"language": "de"}, "hum+loud"),
        ({"language": "fr"}, "hum"),
        ({}, "hum"),
        ({"language": "de", "voice": "hum"}, "hum"),
    ],
    ids=["its voice", "no voice of it", "unknown", "the client named one"],
)
async def test_the_language_of_the_text_chooses_the_voice(fields: dict[str, str], voice: str) -> None:
    engine = scripted.synthesiser()
    await read(begun([], "--voices_by_language", '{"de": "hum+loud"}', engine=engine, **fields).events())
    assert {request.voice for request in engine.requests} == {voice}


@pytest.mark.parametrize(
    ("flags", "fields", "expected"),
    [
        ((), {"heard_language": "de"}, ("hum+loud", None)),
        (("--enable_lang_prompt",), {"heard_language": "de"}, ("hum+loud", "de")),
        (("--language", "fr"), {"heard_language": "de"}, ("hum", "fr")),
    ],
)
async def test_the_language_heard_in_what_a_text_answers_chooses_the_voice(
    flags: tuple[str, ...], fields: dict[str, str], expected: tuple[str, str | None]
) -> None:
    engine = scripted.synthesiser()
    turn = begun([], *flags, "--voices_by_language", '{"de": "hum+loud"}', engine=engine, **fields)
    await read(turn.events())
    assert {(request.voice, request.language) for request in engine.requests} == {expected}


def test_an_unknown_voice_is_refused_before_anything_happens() -> None:
    outcomes: list[TurnOutcome] = []
    with pytest.raises(InvalidRequest, match="'nobody'"):
        begun(outcomes, voice="nobody")
    assert outcomes == []
