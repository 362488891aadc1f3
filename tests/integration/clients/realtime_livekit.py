"""Drives the realtime route of a gateway with LiveKit's OpenAI plug-in: a call, a long answer, an interruption.

    python realtime_livekit.py http://127.0.0.1:8765/v1 question.wav

Needs ``livekit-agents`` and ``livekit-plugins-openai`` alone, no LiveKit server: sound goes in and
out by queues. Prints one JSON object as ``openai_python.py`` does; ``question.wav`` is PCM s16le mono of 24 kHz.
"""

import asyncio
import json
import sys
import time
from importlib.metadata import version

from livekit import rtc
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
from livekit.plugins.openai.realtime import RealtimeModel
from microphone import RATE, Microphone, Observed
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad


class Ear(AudioInput):
    """What the microphone hears."""

    def __init__(self, microphone: Microphone) -> None:
        super().__init__(label="microphone")
        self._frames = microphone.frames()

    async def __anext__(self) -> rtc.AudioFrame:
        data = await anext(self._frames)
        return rtc.AudioFrame(data=data, sample_rate=RATE, num_channels=1, samples_per_channel=len(data) // 2)


class Speaker(AudioOutput):
    """Plays by counting: each segment lasts as long as its sound, unless it is cleared."""

    def __init__(self, observed: Observed, microphone: Microphone) -> None:
        super().__init__(label="speaker", capabilities=AudioOutputCapabilities(pause=False), sample_rate=RATE)
        self.observed, self.microphone = observed, microphone
        self._began: float | None = None
        self._seconds = 0.0
        self._playing: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame to play."""
        await super().capture_frame(frame)
        if self._began is None:
            self._began, self._seconds = time.monotonic(), 0.0
            self.on_playback_started(created_at=time.time())
        observed, samples = self.observed, frame.samples_per_channel
        if observed.sound <= RATE < observed.sound + samples:
            self.microphone.ask()
        observed.sound += samples
        self._seconds += samples / RATE

    def flush(self) -> None:
        """The segment is whole: it ends when it is played."""
        super().flush()
        if self._began is not None:
            left = self._began + self._seconds - time.monotonic()
            self._playing = asyncio.get_running_loop().call_later(max(0.0, left), self._finish, False)

    def clear_buffer(self) -> None:
        """Fall silent at once."""
        if self._began is not None:
            self.observed.interruptions += 1
            self._finish(True)

    def _finish(self, interrupted: bool) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None
        if self._began is not None:
            played = min(self._seconds, time.monotonic() - self._began)
            self._began = None
            self.on_playback_finished(playback_position=played, interrupted=interrupted)


async def talk(base_url: str, question: str, observed: Observed) -> None:
    """Converse until the answer after the interruption has ended."""
    microphone = Microphone(question)

    @function_tool
    async def get_weather(city: str) -> str:
        """The weather in a city."""
        observed.cities.append(city)
        return "Rain."

    detection = ServerVad(type="server_vad", silence_duration_ms=300, create_response=True, interrupt_response=True)
    model = RealtimeModel(api_key="any", base_url=base_url, turn_detection=detection)
    session: AgentSession[None] = AgentSession(llm=model, aec_warmup_duration=None)
    session.input.audio, session.output.audio = Ear(microphone), Speaker(observed, microphone)
    session.on("error", lambda event: observed.errors.append(repr(event.error)))
    await session.start(Agent(instructions="Be brief.", tools=[get_weather]))
    microphone.ask()
    try:
        while any(found != "ok" for found in observed.checks().values()):
            await asyncio.sleep(0.1)
            messages = [item for item in session.history.items if item.type == "message"]
            observed.heard = [item.text_content or "" for item in messages if item.role == "user"]
            answers = [item.text_content or "" for item in messages if item.role == "assistant"]
            observed.transcript = answers[-1] if answers else ""
    finally:
        await session.aclose()


async def main() -> None:
    """Talk, and print what came of it."""
    observed = Observed()
    try:
        async with asyncio.timeout(60):
            await talk(*sys.argv[1:], observed)
    except TimeoutError:
        observed.errors.append("not done after 60 seconds")
    print(json.dumps({"version": version("livekit-plugins-openai"), "checks": observed.checks()}))


if __name__ == "__main__":
    asyncio.run(main())
