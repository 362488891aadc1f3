"""Drives the realtime route of a gateway with OpenAI's Agents SDK: a call, a long answer, an interruption.

    python realtime_agents.py http://127.0.0.1:8765/v1 question.wav

Prints one JSON object as ``openai_python.py`` does; ``question.wav`` is PCM s16le mono of 24 kHz.
"""

import asyncio
import json
import sys
from importlib.metadata import version
from typing import Any

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner
from microphone import RATE, Microphone, Observed


async def talk(session: Any, microphone: Microphone, observed: Observed) -> None:
    """Converse until the answer after the interruption has ended."""

    async def listen() -> None:
        async for frame in microphone.frames():
            await session.send_audio(frame)

    listening = asyncio.create_task(listen())
    microphone.ask()
    try:
        async for event in session:
            match event.type:
                case "audio":
                    samples = len(event.audio.data) // 2
                    if observed.sound <= RATE < observed.sound + samples:
                        microphone.ask()
                    observed.sound += samples
                case "audio_interrupted":
                    observed.interruptions += 1
                case "error":
                    observed.errors.append(repr(event.error))
                case "history_updated":
                    texts = [
                        (item.role, content.transcript)
                        for item in event.history
                        if item.type == "message"
                        for content in item.content
                        if getattr(content, "transcript", None)
                    ]
                    observed.heard = [text for role, text in texts if role == "user"]
                    observed.transcript = next((text for role, text in reversed(texts) if role == "assistant"), "")
            if observed.interruptions and not [name for name, found in observed.checks().items() if found != "ok"]:
                return
    finally:
        listening.cancel()


async def main() -> None:
    """Talk, and print what came of it."""
    base_url, question = sys.argv[1:]
    set_tracing_disabled(True)
    observed = Observed()

    @function_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        observed.cities.append(city)
        return "Rain."

    agent = RealtimeAgent(name="Assistant", instructions="Be brief.", tools=[get_weather])
    runner = RealtimeRunner(agent, config={"tracing_disabled": True})
    url = base_url.replace("http", "ws", 1) + "/realtime?model=gpt-realtime"
    session = await runner.run(model_config={"url": url, "api_key": "any"})
    async with session:
        try:
            async with asyncio.timeout(60):
                await talk(session, Microphone(question), observed)
        except TimeoutError:
            observed.errors.append("not done after 60 seconds")
    print(json.dumps({"version": version("openai-agents"), "checks": observed.checks()}))


if __name__ == "__main__":
    asyncio.run(main())
