"""Reading stage: a text that is complete from the start is spoken, sentence after sentence, as one stream."""

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from gateway.pipeline.answer import EVENTS_AHEAD, LONGEST_SLICE, Speech
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.speak import Spoken, speak
from gateway.pipeline.utterance_scheduler import UtteranceScheduler
from gateway.tasks import merged
from gateway.telemetry.timings import Stopwatch


class ReadingFinished(msgspec.Struct, frozen=True, kw_only=True, tag="reading_finished"):
    """All of the text was spoken."""


Read = Spoken | ReadingFinished


async def read_aloud(text: str, speech: Speech, deadline: Deadline, watch: Stopwatch) -> AsyncGenerator[Read, None]:
    """Speak ``text``; ends with ``ReadingFinished``.

    The synthesiser works ahead of the reader by a bounded number of events, so that the next sentence is there before
    the last one was sent. Raises ``AdapterError``.
    """
    scheduler = UtteranceScheduler(speech.pacing)
    async with merged(
        _written(text, scheduler),
        speak(speech.engine, speech.delivery, scheduler, watch, speech.playhead),
        buffer=EVENTS_AHEAD,
    ) as events:
        events.fail_at(deadline.at, deadline.exceeded())
        async for event in events:
            yield event
    yield ReadingFinished()


async def _written(text: str, scheduler: UtteranceScheduler) -> AsyncGenerator[Spoken, None]:
    """Give ``text`` to ``scheduler`` in slices, as there is room, and let others work in between; no events."""
    for start in range(0, len(text), LONGEST_SLICE):
        await scheduler.room()
        scheduler.write(text[start : start + LONGEST_SLICE])
        await asyncio.sleep(0)
    scheduler.close()
    nothing: tuple[Spoken, ...] = ()
    for event in nothing:
        yield event
