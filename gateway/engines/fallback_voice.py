"""A synthesiser with fallbacks: another one goes on at a clause's border, and the listener hears one answer."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import assert_never

import msgspec

from adapters.contract import audio, tts
from adapters.contract.engine import Started
from adapters.contract.errors import AdapterError, InvalidRequest, UpstreamError
from adapters.tts.openai_voices import OPENAI_VOICES
from gateway.audio.edges import falling
from gateway.audio.resample import Resampler
from gateway.engines.candidates import Candidate, Candidates, note_failure
from gateway.engines.voices import known_voice
from gateway.text.segmentation.punctuation import CLAUSES, TERMINATORS
from gateway.text.speech_duration import characters_said


class SpokenBy(tts.Finished, frozen=True, kw_only=True, tag="spoken_by"):
    """``Finished``, with the names of the engines that stood in for the first; none when it spoke everything."""

    engines: tuple[str, ...]


class FallbackSynthesiser:
    """Asks the first engine for each utterance; where it fails, the next one speaks what is left of the clause on.

    All sound has the sample rate of the first. An engine that finishes without sound for words has failed.
    """

    def __init__(self, candidates: Sequence[Candidate[tts.Synthesiser]]) -> None:
        self.candidates = Candidates(candidates)

    @property
    def info(self) -> tts.Info:
        """What the first offers; of notation only what every engine reads."""
        infos = [engine.info for engine in self.candidates.engines]
        return msgspec.structs.replace(
            infos[0],
            reads=frozenset.intersection(*(info.reads for info in infos)),
            phonemes=all(info.phonemes for info in infos),
        )

    @property
    def alternatives(self) -> tuple[tts.Synthesiser, ...]:
        """All of them, in order."""
        return self.candidates.engines

    @property
    def failure(self) -> str | None:
        """Why no engine can speak any more."""
        return self.candidates.failure

    def check(self, request: tts.Request) -> None:
        """What the first says of a request."""
        self.candidates.first.engine.check(request)

    async def stream(self, request: tts.Request) -> AsyncGenerator[tts.Event, None]:
        """Speak one utterance. When no engine can, raises the first one's error."""
        info = self.info
        rate = info.sample_rate
        failure: AdapterError | None = None
        left, seconds, started = request, 0.0, False
        stood_in: list[str] = []
        for candidate in self.candidates.usable():
            made, last, cached = 0.0, 0, False
            voiced = _voiced(candidate.engine.info, left, info)
            try:
                async with aclosing(_spoken(candidate, voiced, rate)) as events:
                    async for event in events:
                        match event:
                            case Started():
                                if not started:
                                    yield event
                                started = True
                            case tts.AudioChunk():
                                made += audio.seconds(event.pcm, rate)
                                last = int.from_bytes(event.pcm[-audio.SAMPLE_BYTES :], "little", signed=True)
                                yield event
                            case tts.Finished():
                                cached = event.cached
                            case _:
                                assert_never(event)
                candidate.circuit.succeeded()
                stood_in += [candidate.name] if candidate is not self.candidates.first else []
                yield SpokenBy(
                    seconds=seconds + made, characters=len(request.text), cached=cached, engines=tuple(stood_in)
                )
                return
            except AdapterError as error:
                if candidate is self.candidates.first and not made and isinstance(error, InvalidRequest):
                    raise
                failure = failure or error
                note_failure(candidate, error)
                if made and candidate is not self.candidates.first:
                    stood_in.append(candidate.name)
                if fall := falling(last, rate):
                    yield tts.AudioChunk(pcm=fall)
                seconds += made + audio.seconds(fall, rate)
                left = msgspec.structs.replace(left, text=rest_of(left.text, made * left.speed))
        assert failure is not None, "there is at least one engine"
        raise failure

    async def warm_up(self) -> None:
        """The engines are warmed up one by one: other routes may share them."""

    async def aclose(self) -> None:
        """The engines are closed one by one: other routes may share them."""


async def _spoken(
    candidate: Candidate[tts.Synthesiser], request: tts.Request, rate: int
) -> AsyncGenerator[tts.Event, None]:
    """One engine's utterance at ``rate`` (Hz). Raises ``UpstreamError`` for missing sound."""
    info = candidate.engine.info
    resampler = Resampler(info.sample_rate, rate)
    sounded = finished = False
    async with aclosing(candidate.engine.stream(request)) as events:
        async for event in events:
            match event:
                case tts.AudioChunk():
                    sounded = True
                    if pcm := resampler.feed(event.pcm):
                        yield tts.AudioChunk(pcm=pcm)
                case tts.Finished():
                    finished = True
                    if pcm := resampler.finish():
                        yield tts.AudioChunk(pcm=pcm)
                    yield event
                case Started():
                    yield event
                case _:
                    assert_never(event)
    if not finished:
        raise UpstreamError("The synthesiser's stream ended before the utterance was finished.", adapter=candidate.name)
    if not sounded and any(map(str.isalnum, request.text)):
        raise UpstreamError("The synthesiser finished without any sound.", adapter=candidate.name)


def _voiced(info: tts.Info, request: tts.Request, first: tts.Info) -> tts.Request:
    """``request`` in the voice of its name, or else in the engine's default voice.

    A server that does not list its voices is not asked for one that is the ``first`` engine's own.
    """
    if request.voice is None:
        return request
    foreign = bool(first.voices) and not info.voices and request.voice not in OPENAI_VOICES
    try:
        voice = info.default_voice if foreign else known_voice(info, request.voice)
    except InvalidRequest:
        voice = info.default_voice
    return msgspec.structs.replace(request, voice=voice)


def rest_of(text: str, seconds: float) -> str:
    """``text`` from the beginning of the clause in which it is after ``seconds`` at normal speed.

    How far the sound goes in the text is an estimate: some words may be heard twice, none is left out.
    """
    position = min(len(text.rstrip()) - 1, characters_said(text, seconds))
    borders = TERMINATORS | CLAUSES
    begins = (index + 1 for index in range(position - 1, -1, -1) if text[index] in borders and _divides(text, index))
    return text[next(begins, 0) :].lstrip()


def _divides(text: str, index: int) -> bool:
    """Whether the mark at ``index`` is no part of a number or an address."""
    return not text[index + 1 : index + 2].strip() or not text[index].isascii()
