"""The one voice turn: what is heard is answered, and the answer is spoken while it is being written."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import assert_never

import msgspec

from adapters.contract import llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import UpstreamError
from gateway.languages import english_name
from gateway.pipeline.answer import Answered, answer
from gateway.pipeline.ears import hear, record
from gateway.pipeline.flow import Late, by
from gateway.pipeline.heard import Heard
from gateway.pipeline.stages import Delivery, Engines, Pacing
from gateway.telemetry import Stopwatch
from gateway.text.normalization.normalizer import ReadingOptions


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn is made of.

    ``audio`` is the question: PCM blocks (s16le mono at ``Engines.hearing_rate``), ``None`` when ``writing`` already
    ends in what is to be answered; ``language`` is the question's, where it is known beforehand. ``writing`` is the
    model's request without the question, ``speaking`` the synthesiser's without its text, ``reading`` how writing is
    read aloud. With ``ask_for_language`` the model is asked to reply in the language heard, else in ``language``.
    """

    audio: AsyncGenerator[bytes, None] | None
    language: str | None
    images: tuple[llm.Image, ...]
    user_role: str
    ask_for_language: bool
    writing: llm.Request
    speaking: tts.Request
    pacing: Pacing
    reading: ReadingOptions = ReadingOptions()


class TranscriptDelta(msgspec.Struct, frozen=True, kw_only=True, tag="transcript_delta"):
    """More of what was heard, final."""

    text: str


class TranscriptFinished(msgspec.Struct, frozen=True, kw_only=True, tag="transcript_finished"):
    """All that was heard, its language (ISO 639-1) if known."""

    text: str
    language: str | None


Transcribed = TranscriptDelta | TranscriptFinished
Event = Transcribed | Answered


async def take_turn(
    engines: Engines, turn: Turn, watch: Stopwatch, heard: Heard | None = None
) -> AsyncGenerator[Event, None]:
    """Hear, answer and speak; ends with ``AnswerFinished``. Closing it at any point releases every engine.

    ``heard`` tells what of the answer can have been heard, for those who want to know when they stop listening.
    ``Started`` in the middle is the language model's: it says which parameters are ignored. Raises ``NoSpeech`` and
    ``AdapterError``.
    """
    transcript: TranscriptFinished | None = None
    recording: llm.Audio | None = None
    detector = engines.vad.detector() if engines.vad else None
    if turn.audio is not None and engines.stt is None:
        recording = await record(turn.audio, detector, engines.hearing_rate)
    elif turn.audio is not None and engines.stt is not None:
        async with aclosing(_transcript(hear(engines.stt, detector, turn.audio, turn.language))) as events:
            while (event := await _next(events, turn.pacing, watch)) is not None:
                if isinstance(event, TranscriptFinished):
                    transcript = event
                    watch.mark("heard")
                yield event
        if transcript is None:
            raise UpstreamError("The recogniser's stream ended before the transcript was finished.")
    language = _language(turn, transcript)
    speaking = turn.speaking
    if speaking.language is None and turn.ask_for_language:
        speaking = msgspec.structs.replace(speaking, language=language)
    delivery = Delivery(
        speaking=speaking, reading=turn.reading, language=speaking.language or language, pacing=turn.pacing
    )
    request = with_question(turn, transcript, recording)
    async with aclosing(answer(engines, request, delivery, watch, heard or Heard())) as answered:
        async for piece in answered:
            yield piece


async def _next(events: AsyncGenerator[Transcribed, None], pacing: Pacing, watch: Stopwatch) -> Transcribed | None:
    try:
        return await by(pacing.deadline(watch), anext(events, None))
    except Late:
        raise pacing.overdue() from None


async def _transcript(
    events: AsyncGenerator[stt.Event, None],
) -> AsyncGenerator[Transcribed, None]:
    """Only what will not be taken back: deltas that joined are the final text."""
    told, text = "", ""
    async with aclosing(events):
        async for event in events:
            match event:
                case Started():
                    pass
                case stt.PartialTranscript(stable=known) | stt.FinalTranscript(text=known):
                    if known != told:
                        yield TranscriptDelta(text=known[len(told) :])
                    told = text = known
                case stt.Finished():
                    yield TranscriptFinished(text=text, language=event.language)
                case _:
                    assert_never(event)


def with_question(turn: Turn, transcript: TranscriptFinished | None, recording: llm.Audio | None) -> llm.Request:
    """The model's request with what was heard or recorded, and the images shown, as the user's last message."""
    parts: list[llm.Part] = [] if recording is None else [recording]
    if transcript is not None:
        parts.append(llm.Text(text=transcript.text))
    language = _language(turn, transcript)
    name = english_name(language) if language else None
    if parts and turn.ask_for_language and name:
        parts.append(llm.Text(text=f"Please reply to my message in {name}."))
    parts.extend(turn.images)
    if not parts:
        return turn.writing
    question = llm.Message(role=turn.user_role, parts=tuple(parts))
    return msgspec.structs.replace(turn.writing, messages=(*turn.writing.messages, question))


def _language(turn: Turn, transcript: TranscriptFinished | None) -> str | None:
    """The language in which the turn is asked: what was heard, else what the request says."""
    return (transcript.language if transcript is not None else None) or turn.language
