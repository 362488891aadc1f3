"""Drives a gateway with OpenAI's Agents SDK: a text agent on both APIs, with a tool, and its voice pipeline.

    python agents_sdk.py http://127.0.0.1:8765/v1 question.wav

Needs ``openai-agents[voice]`` alone. Prints one JSON object as ``openai_python.py`` does.
"""

import asyncio
import json
import sys
import traceback
import wave
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from agents.voice import AudioInput, OpenAIVoiceModelProvider, SingleAgentVoiceWorkflow, VoicePipeline
from agents.voice.pipeline_config import VoicePipelineConfig
from openai import AsyncOpenAI

ANSWER = "Hello there. How are you?"
HEARD = "what did you say"

Model = OpenAIChatCompletionsModel | OpenAIResponsesModel


def checks(base_url: str, question: str) -> dict[str, Callable[[], Awaitable[None]]]:
    """Everything that is checked, by name."""
    client = AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0)

    def agent_of(model: Model, **fields: Any) -> Agent:
        return Agent(name="Assistant", instructions="Be brief.", model=model, **fields)

    async def talks(model: Model) -> None:
        result = await Runner.run(agent_of(model), "Hi.")
        assert result.final_output == ANSWER, result.final_output
        streamed = Runner.run_streamed(agent_of(model), "Hi.")
        types = [event.type async for event in streamed.stream_events()]
        assert "raw_response_event" in types, types
        assert streamed.final_output == ANSWER, streamed.final_output

    async def calls(model: Model) -> None:
        cities: list[str] = []

        @function_tool
        def get_weather(city: str) -> str:
            """The weather in a city."""
            cities.append(city)
            return "Rain."

        result = await Runner.run(agent_of(model, tools=[get_weather]), "Hi.")
        assert cities == ["Oslo"], cities
        assert result.final_output == ANSWER, result.final_output

    chat = OpenAIChatCompletionsModel(model="gpt-4o", openai_client=client)
    responses = OpenAIResponsesModel(model="gpt-4o", openai_client=client)

    async def voice() -> None:
        with wave.open(question) as file:
            assert file.getsampwidth() == 2
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
            rate = file.getframerate()
        pipeline = VoicePipeline(
            workflow=SingleAgentVoiceWorkflow(agent_of(chat)),
            config=VoicePipelineConfig(
                model_provider=OpenAIVoiceModelProvider(openai_client=client), tracing_disabled=True
            ),
        )
        result = await pipeline.run(AudioInput(buffer=samples, frame_rate=rate))
        spoken, failures = 0, []
        async for event in result.stream():
            if event.type == "voice_stream_event_audio" and event.data is not None:
                spoken += len(event.data)
            elif event.type == "voice_stream_event_error":
                failures.append(event.error)
        assert not failures, failures
        assert spoken > 10_000, spoken

    return {
        "chat": lambda: talks(chat),
        "chat_tools": lambda: calls(chat),
        "responses": lambda: talks(responses),
        "responses_tools": lambda: calls(responses),
        "voice": voice,
    }


async def main() -> None:
    """Run all checks and print what came of them."""
    set_tracing_disabled(True)
    found = {}
    for name, check in checks(*sys.argv[1:]).items():
        try:
            await check()
            found[name] = "ok"
        except Exception:  # noqa: BLE001  whatever it is, it is the result
            found[name] = traceback.format_exc(limit=-2)
    print(json.dumps({"version": version("openai-agents"), "checks": found}))


if __name__ == "__main__":
    asyncio.run(main())
