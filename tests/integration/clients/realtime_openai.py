"""Drives the realtime route of a gateway with the ``openai`` package: a call, a long answer, an interruption.

    python realtime_openai.py http://127.0.0.1:8765/v1 question.wav

Prints one JSON object as ``openai_python.py`` does; ``question.wav`` is PCM s16le mono of 24 kHz.
"""

import asyncio
import base64
import json
import sys
from typing import Any

import openai
from microphone import RATE, Microphone, Observed

TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Talk:
    """One conversation: what is done at each event of the server."""

    def __init__(self, connection: Any, microphone: Microphone) -> None:
        self.connection = connection
        self.microphone = microphone
        self.observed = Observed()
        self.item: str | None = None
        self.sound_of_item = 0
        self.done = False

    async def send_audio(self) -> None:
        """What the microphone hears, as it is heard."""
        async for frame in self.microphone.frames():
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())

    async def on_event(self, event: Any) -> None:
        """Do what a voice application does."""
        observed = self.observed
        match event.type:
            case "session.created":
                await self.connection.session.update(
                    session={
                        "type": "realtime",
                        "tools": [TOOL],
                        "audio": {
                            "input": {
                                "transcription": {"model": "whisper-1"},
                                "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
                            }
                        },
                    }
                )
            case "session.updated":
                self.microphone.ask()
            case "response.function_call_arguments.done":
                observed.cities.append(json.loads(event.arguments)["city"])
                await self.connection.conversation.item.create(
                    item={"type": "function_call_output", "call_id": event.call_id, "output": "Rain."}
                )
            case "response.output_audio.delta":
                samples = len(base64.b64decode(event.delta)) // 2
                if event.item_id != self.item:
                    self.item, self.sound_of_item = event.item_id, 0
                if observed.sound <= RATE < observed.sound + samples:
                    self.microphone.ask()
                observed.sound += samples
                self.sound_of_item += samples
            case "input_audio_buffer.speech_started" if self.item is not None and not observed.interruptions:
                await self.connection.conversation.item.truncate(
                    item_id=self.item, content_index=0, audio_end_ms=self.sound_of_item * 1000 // RATE
                )
            case "conversation.item.input_audio_transcription.completed":
                observed.heard.append(event.transcript)
            case "response.output_audio_transcript.done":
                observed.transcript = event.transcript
            case "response.done":
                await self.on_response(event.response)
            case "error":
                observed.errors.append(repr(event.error))

    async def on_response(self, response: Any) -> None:
        """Ask for the answer after a call; the end is the answer after the interruption."""
        if response.status == "cancelled":
            self.observed.interruptions += response.status_details.reason == "turn_detected"
        elif response.output and response.output[-1].type == "function_call":
            await self.connection.response.create()
        else:
            self.done = True


async def main() -> None:
    """Talk, and print what came of it."""
    base_url, question = sys.argv[1:]
    client = openai.AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0)
    async with client.realtime.connect(model="gpt-realtime") as connection:
        talk = Talk(connection, Microphone(question))
        sending = asyncio.create_task(talk.send_audio())
        try:
            async with asyncio.timeout(60):
                async for event in connection:
                    await talk.on_event(event)
                    if talk.done and len(talk.observed.heard) > 1:
                        break
        except TimeoutError:
            talk.observed.errors.append("not done after 60 seconds")
        finally:
            sending.cancel()
    print(json.dumps({"version": openai.__version__, "checks": talk.observed.checks()}))


if __name__ == "__main__":
    asyncio.run(main())
