"""A recogniser with fallbacks: another one hears the audio again from its beginning, and goes on."""

import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import msgspec
import numpy as np
import numpy.typing as npt

from adapters.contract import stt
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, UpstreamError
from gateway.audio.resample import Resampler
from gateway.engines.candidates import Candidate, Candidates, note_failure
from gateway.text.segmentation.punctuation import UNSPACED
from gateway.text.segmentation.word_boundaries import splits_grapheme

_COMPARED = 200
"""Letters of what was told that are looked for in another engine's transcript."""

_PUNCTUATION = re.compile(r"^[^\w\s]+")


class HeardBy(stt.Finished, frozen=True, kw_only=True, tag="heard_by"):
    """``Finished``, with the name of the engine that stood in for the first."""

    engine: str


class FallbackRecogniser:
    """Asks the first engine; when it fails, the next one is given all the audio so far, and what follows."""

    def __init__(self, candidates: Sequence[Candidate[stt.Recogniser]]) -> None:
        self.candidates = Candidates(candidates)

    @property
    def info(self) -> stt.Info:
        """What the first takes."""
        return self.candidates.first.engine.info

    @property
    def alternatives(self) -> tuple[stt.Recogniser, ...]:
        """All of them, in order."""
        return self.candidates.engines

    @property
    def failure(self) -> str | None:
        """Why no engine can hear any more."""
        return self.candidates.failure

    async def stream(self, request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        """Recognise one utterance. When no engine can, raises the first one's error."""
        recording = _Recording(request.audio)
        failure: AdapterError | None = None
        told, started = "", False
        for candidate in self.candidates.usable():
            stood_in = None if candidate is self.candidates.first else candidate.name
            try:
                async with aclosing(_heard(candidate, request, recording, self.info.sample_rate)) as events:
                    async for event in events:
                        if isinstance(event, Started) and started:
                            continue
                        started = True
                        if (passed := _passed(event, told, stood_in)) is not None:
                            yield passed
                        if isinstance(passed, stt.PartialTranscript):
                            told = passed.stable
                candidate.circuit.succeeded()
                return
            except AdapterError as error:
                if candidate is self.candidates.first and not told and isinstance(error, InvalidRequest):
                    raise
                failure = failure or error
                note_failure(candidate, error)
        assert failure is not None, "there is at least one engine"
        raise failure

    async def warm_up(self) -> None:
        """The engines are warmed up one by one: other routes may share them."""

    async def aclose(self) -> None:
        """The engines are closed one by one: other routes may share them."""


def _passed(event: stt.Event, told: str, stood_in: str | None) -> stt.Event | None:
    """``event`` as it is passed on after ``told`` is known, of an engine that ``stood_in`` if it is not the first."""
    match event:
        case stt.PartialTranscript():
            return event if stood_in is None else None  # it may contradict what was told
        case stt.FinalTranscript():
            return msgspec.structs.replace(event, text=continued(told, event.text))
        case stt.Finished() if stood_in is not None:
            return HeardBy(language=event.language, seconds=event.seconds, engine=stood_in)
        case _:
            return event


class _Recording:
    """The audio of a request, which can be read again from its beginning."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._blocks: list[bytes] = []

    async def blocks(self, resampler: Resampler) -> AsyncGenerator[bytes, None]:
        """All of it, at the rate of ``resampler``."""
        index = 0
        while True:
            if index == len(self._blocks):
                block = await anext(self._source, None)
                if block is None:
                    break
                self._blocks.append(block)
            pcm = resampler.feed(self._blocks[index])
            if pcm or not self._blocks[index]:
                yield pcm  # an empty block is a pause
            index += 1
        if pcm := resampler.finish():
            yield pcm


async def _heard(
    candidate: Candidate[stt.Recogniser], request: stt.Request, recording: _Recording, rate: int
) -> AsyncGenerator[stt.Event, None]:
    """One engine's transcript of the ``recording`` at ``rate`` (Hz). Raises ``UpstreamError`` when it stops short."""
    finished = False
    async with aclosing(recording.blocks(Resampler(rate, candidate.engine.info.sample_rate))) as blocks:
        stream = candidate.engine.stream(msgspec.structs.replace(request, audio=blocks))
        async with aclosing(stream) as events:
            async for event in events:
                yield event
                finished = isinstance(event, stt.Finished)
    if not finished:
        raise UpstreamError("The recogniser's stream ended before the transcript was finished.", adapter=candidate.name)


def continued(told: str, text: str) -> str:
    """``text``, begun with what was ``told`` of it by another engine and cannot be taken back.

    What follows comes after the words or syllables at the beginning of ``text`` that are most like what was told.
    """
    if text.startswith(told):
        return text
    if not text:
        return told
    text = text if UNSPACED.match(text) else f" {text}"
    before, places = _letters(told), [place for place, character in enumerate(text) if _is_letter(character)]
    differences = _differences(before, _letters(text))
    counts = [0, *(count for count, place in enumerate(places, 1) if _may_end(text, place + 1))]
    heard = min(counts, key=lambda count: (differences[count], abs(count - len(before))))
    rest = text[places[heard - 1] + 1 :] if heard else text
    if not _is_letter(told[-1]):
        rest = _PUNCTUATION.sub("", rest)
    return told + (rest.lstrip() if told[-1].isspace() else rest)


def _letters(text: str) -> npt.NDArray[np.intp]:
    """The letters of ``text``, without capitals, as numbers."""
    return np.array([ord(character.lower()[0]) for character in text if _is_letter(character)], np.intp)


def _differences(before: npt.NDArray[np.intp], letters: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """By how many letters the ``letters`` up to each place differ from those ``before``: missing ones, and more.

    Of many before only the last ones are compared, wherever they are: a comparison of all would take too long.
    """
    counts = np.arange(len(letters) + 1)
    costs = counts if len(before) <= _COMPARED else np.zeros_like(counts)
    for letter in before[-_COMPARED:]:
        longer = costs + 1
        longer[1:] = np.where(letters == letter, costs[:-1], longer[1:])
        costs = np.minimum.accumulate(longer - counts) + counts
    return costs


def _is_letter(character: str) -> bool:
    """Whether it is a letter, a digit, or a sign that belongs to one."""
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _may_end(text: str, end: int) -> bool:
    """Whether no word goes on at ``end``; in a script without spaces, whether no character does."""
    if end == len(text):
        return True
    last, after = text[end - 1], text[end]
    one_word = _is_letter(after) and not UNSPACED.match(last) and not UNSPACED.match(after)
    return not one_word and not splits_grapheme(last, after)
