"""A recogniser with fallbacks: another one hears the audio again from its beginning, and goes on."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from difflib import SequenceMatcher

import msgspec

from adapters.contract import stt
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, UpstreamError
from gateway.audio.resample import Resampler
from gateway.engines.candidates import Candidate, Candidates, note_failure


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
                if failure is None and not told and isinstance(error, InvalidRequest):
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
    """``text``, begun with what was ``told`` of it by another engine and cannot be taken back."""
    if text.startswith(told):
        return text
    before, words = told.split(), text.split()
    matches = SequenceMatcher(None, list(map(_plain, before)), list(map(_plain, words)), autojunk=False)
    last = max((block.b + block.size for block in matches.get_matching_blocks() if block.size), default=0)
    after = words[last or len(before) :]
    return " ".join([told.rstrip(), *after])


def _plain(word: str) -> str:
    """A word without case and punctuation."""
    return "".join(filter(str.isalnum, word)).casefold()
