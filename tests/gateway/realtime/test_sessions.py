"""The sessions of a process: how each begins, and how many there are."""

import asyncio

import pytest

from adapters.contract.errors import InvalidRequest, Unavailable
from adapters.vad.energy import Energy
from gateway.engines.route import Engines
from gateway.realtime.hearing.voice_activity import VoiceActivityMonitor
from gateway.realtime.protocol.session_config import RealtimeSession, TranscriptionSession
from gateway.tasks import background
from tests.support.objects import alive
from tests.support.realtime_session import Stage
from tests.support.server import gateway_of, scripted_engines, until


def test_a_session_begins_as_its_route_says_and_the_client_changes() -> None:
    stage = Stage(scripted_engines(), "--init_chat_prompt", "Be kind.", "--voice", "hum")
    changes = {"tools": [], "output_modalities": ["text"], "audio": {"output": {"voice": None}}}
    config = stage.sessions.configuration(stage.request(changes=changes))
    assert isinstance(config, RealtimeSession)
    assert (config.model, config.instructions, config.audio.output.voice) == ("gpt-realtime", "Be kind.", "hum")
    assert config.output_modalities == ["text"]
    assert config.expires_at is not None
    assert isinstance(stage.sessions.configuration(stage.request(kind="transcription")), TranscriptionSession)
    with pytest.raises(InvalidRequest):
        stage.sessions.configuration(stage.request(changes={"output_modalities": ["smell"]}))


def test_there_are_so_many_places() -> None:
    stage = Stage(scripted_engines(), "--realtime_sessions", "2")
    with stage.sessions.place():
        with stage.sessions.place(), pytest.raises(Unavailable, match="2 sessions"), stage.sessions.place():
            pass
        with stage.sessions.place():
            pass
    stage.gateway.stop()
    with pytest.raises(Unavailable, match="shutting down"), stage.sessions.place():
        pass


async def test_the_operators_rules_reach_the_session() -> None:
    stage = Stage(
        scripted_engines(stt=None),
        "--realtime_ahead=llm",
        "--realtime_interrupt_ms=400",
        "--realtime_interrupt_words=2",
        "--realtime_resume",
        "--realtime_lead_seconds=2",
        "--realtime_ahead_ms=50",
    )
    async with stage.session():
        parts = await stage.sessions.parts(stage.request())
    policy = parts.opening.policy
    assert (policy.recognises, policy.reach, policy.resumes, policy.remembers) == (False, "llm", True, True)
    assert (policy.least_speech_ms, policy.least_speech_words) == (400, 2)
    assert (parts.lead_seconds, parts.hearing.quiet_ms) == (2.0, 50.0)


async def test_a_detector_that_a_reload_has_retired_is_let_go_once_its_last_session_has_ended() -> None:
    def engines() -> Engines:
        return scripted_engines(vad=Energy(Energy.Options()))

    async def session_after_a_reload() -> None:
        await stage.gateway.take_over(gateway_of(engines()).routes)
        await stage.sessions.parts(stage.request(served=stage.gateway.routes[0]))

    stage = Stage(engines())
    async with background() as start:
        start(stage.sessions.attend())
        await asyncio.sleep(0)
        with stage.gateway.routes[0].used():
            await stage.sessions.parts(stage.request())
            for _ in range(3):
                await session_after_a_reload()
            await until(lambda: alive(VoiceActivityMonitor) == 2)  # that of the first session, and the last
        await session_after_a_reload()
        await until(lambda: alive(VoiceActivityMonitor) == 1)
