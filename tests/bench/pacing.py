"""Shows how much silence a listener hears inside an answer, by the speed at which the model writes, in virtual time.

Run as ``python -m tests.bench.pacing``; see the README beside it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from unittest import mock

import msgspec

from adapters import scripted
from adapters.contract import audio, llm, tts
from gateway.engines.route import Engines
from gateway.pipeline.answer import Speech, answer
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.speak import Delivery
from gateway.pipeline.utterance_scheduler import Pacing, UtteranceScheduler
from gateway.telemetry.timings import Stopwatch
from gateway.text.normalization.normalizer import ReadingOptions
from gateway.text.speech_duration import CHARACTERS_PER_SECOND
from tests.support.server import scripted_engines
from tests.support.virtual_time import in_virtual_time

WORDS_PER_SECOND = (2, 3, 5, 7, 15, 50)
PACING = Pacing(batch_sentences=3, first_utterance_seconds=0.3)
VOICE = scripted.ToneVoice(seconds_per_character=1 / CHARACTERS_PER_SECOND, pause=0.1)
ANSWER = (
    "That is a good question, and the answer depends on what you want to use it for. A cast-iron pan holds its heat "
    "for a long time, so it is the right choice when you want to sear meat or bake bread in it. It is heavy, though, "
    "and it needs to be dried and oiled after every use. A steel pan is lighter and heats up faster. Most cooks who I "
    "know own one of each and reach for the steel one on ordinary days. If you can only buy one, I would take the "
    "steel pan, because it forgives more mistakes. You can always add the other one later."
)


class WholeSentences(UtteranceScheduler):
    """The rule to compare with: after the first utterance only whole sentences are spoken, however dry it gets."""

    def _fragment(self, before: str) -> str:
        return super()._fragment(before) if self._heard_by is None else ""


class Listened(msgspec.Struct, frozen=True, kw_only=True):
    """What a listener noticed: seconds from the model's first word to the first audio, and the gaps after it."""

    first_audio: float
    gaps: tuple[float, ...]
    utterances: tuple[str, ...]


def _writing(words_per_second: float) -> Callable[[llm.Request], AsyncGenerator[llm.Event, None]]:
    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        for number, word in enumerate(ANSWER.split(" ")):
            yield llm.TextDelta(text=f" {word}" if number else word)
            await asyncio.sleep(1 / words_per_second)
        yield llm.Finished(reason="stop", usage=None)

    return script


@in_virtual_time
async def listen(words_per_second: float, rule: type[UtteranceScheduler]) -> Listened:
    """Hear the answer of a model that writes so fast, cut into utterances by ``rule``."""
    voice = scripted.synthesiser(VOICE)
    engines: Engines = scripted_engines(llm=scripted.language_model(_writing(words_per_second)), tts=voice)
    delivery = Delivery(
        voice="hum", speed=1.0, instructions=None, voice_language=None, text_language=None, reading=ReadingOptions()
    )
    speech = Speech(engine=engines.tts, delivery=delivery, pacing=PACING, playhead=Playhead())
    writing = engines.llm.stream(llm.Request(model="m", messages=()))
    now = asyncio.get_running_loop().time
    first_audio, heard_by = None, 0.0
    gaps: list[float] = []
    with mock.patch("gateway.pipeline.answer.UtteranceScheduler", rule):
        async with aclosing(answer(writing, speech, Deadline.of(900, 0.0), Stopwatch())) as events:
            async for event in events:
                if not isinstance(event, tts.AudioChunk):
                    continue
                if first_audio is None:
                    first_audio = heard_by = now()
                if now() > heard_by + 0.001:  # chunks follow one another by sums of fractions
                    gaps.append(now() - heard_by)
                heard_by = max(heard_by, now()) + audio.seconds(event.pcm, VOICE.sample_rate)
    assert first_audio is not None, "the synthesiser always hums"
    said = tuple(request.text for request in voice.requests)
    return Listened(first_audio=first_audio, gaps=tuple(gaps), utterances=said)


def table() -> list[str]:
    """A row for every speed of the model, for both rules."""
    lines = [
        "| words a second | rule | first audio, s | silence, s | gaps | longest, s | utterances |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    for speed in WORDS_PER_SECOND:
        for name, rule in (("whole sentences", WholeSentences), ("ours", UtteranceScheduler)):
            one = listen(speed, rule)
            gaps = f"{sum(one.gaps):.2f} | {len(one.gaps)} | {max(one.gaps, default=0):.2f}"
            lines.append(f"| {speed} | {name} | {one.first_audio:.2f} | {gaps} | {len(one.utterances)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
