"""Drives the realtime route of a gateway with pipecat: a call, a long answer, an interruption.

    python realtime_pipecat.py http://127.0.0.1:8765/v1 question.wav

Needs ``pipecat-ai[openai]`` alone. Prints one JSON object as ``openai_python.py`` does; ``question.wav`` is PCM s16le
mono of 24 kHz.
"""

import asyncio
import json
import sys
from importlib.metadata import version

from loguru import logger
from microphone import RATE, Microphone, Observed
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMRunFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.realtime.events import (
    AudioConfiguration,
    AudioInput,
    InputAudioTranscription,
    SessionProperties,
    TurnDetection,
)
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner


class Watch(FrameProcessor):
    """Sees what passes at its place of the pipeline."""

    def __init__(self, observed: Observed, microphone: Microphone) -> None:
        super().__init__()
        self.observed = observed
        self.microphone = microphone

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note ``frame`` and let it pass."""
        await super().process_frame(frame, direction)
        observed = self.observed
        match frame:
            case TTSAudioRawFrame(audio=audio):
                samples = len(audio) // 2
                if observed.sound <= RATE < observed.sound + samples:
                    self.microphone.ask()
                observed.sound += samples
            case InterruptionFrame() if observed.sound > RATE:
                observed.interruptions += 1
            case TranscriptionFrame(text=text):
                observed.heard.append(text)
            case LLMFullResponseStartFrame():
                observed.transcript = ""
            case TTSTextFrame(text=text):
                observed.transcript += text
            case LLMFullResponseEndFrame() if observed.transcript == "Welcome.":
                self.microphone.ask()
            case ErrorFrame(error=error):
                observed.errors.append(error)
        await self.push_frame(frame, direction)


async def talk(base_url: str, question: str, observed: Observed) -> None:
    """Converse until the answer after the interruption has ended."""
    microphone = Microphone(question)

    async def get_weather(params: FunctionCallParams) -> None:
        observed.cities.append(params.arguments["city"])
        await params.result_callback({"weather": "Rain."})

    weather = FunctionSchema(
        name="get_weather",
        description="The weather in a city.",
        properties={"city": {"type": "string"}},
        required=["city"],
    )
    service = OpenAIRealtimeLLMService(
        api_key="any",
        base_url=base_url.replace("http", "ws", 1) + "/realtime",
        settings=OpenAIRealtimeLLMService.Settings(
            session_properties=SessionProperties(
                instructions="Be brief.",
                audio=AudioConfiguration(
                    input=AudioInput(
                        transcription=InputAudioTranscription(), turn_detection=TurnDetection(silence_duration_ms=300)
                    )
                ),
            )
        ),
    )
    service.register_function("get_weather", get_weather)
    context = LLMContext([], ToolsSchema(standard_tools=[weather]))
    aggregators = LLMContextAggregatorPair(context)
    # Sound travels down, transcripts of the user up to the aggregator of their words.
    above, below = Watch(observed, microphone), Watch(observed, microphone)
    worker = PipelineWorker(
        Pipeline([aggregators.user(), above, service, below, aggregators.assistant()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
    )

    async def listen() -> None:
        await worker.queue_frame(LLMRunFrame())
        async for frame in microphone.frames():
            await worker.queue_frame(InputAudioRawFrame(audio=frame, sample_rate=RATE, num_channels=1))
            if all(found == "ok" for found in observed.checks().values()):
                break
        await worker.cancel()

    listening = asyncio.create_task(listen())
    try:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()
    finally:
        listening.cancel()


async def main() -> None:
    """Talk, and print what came of it."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    observed = Observed()
    try:
        async with asyncio.timeout(60):
            await talk(*sys.argv[1:], observed)
    except TimeoutError:
        observed.errors.append("not done after 60 seconds")
    print(json.dumps({"version": version("pipecat-ai"), "checks": observed.checks()}))


if __name__ == "__main__":
    asyncio.run(main())
