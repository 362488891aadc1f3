"""The transcript of one utterance: recognised while it is spoken where the recogniser can, else when it has ended.

    transcription = LiveTranscription(
        recogniser, listener.open(start_ms), options, in_pauses=True, heard=listener.words
    )
    async for event in transcription.events(): ...   # TranscriptDelta*, TranscriptFinished; raises AdapterError
    said = await transcription.so_far()              # in a pause: the words up to it

``events`` is read in a task of its own, from the start of the utterance or after it; closing it stops the recogniser.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec

from adapters.blocking import call
from adapters.contract import stt
from adapters.contract.errors import AdapterError, Overloaded, Unavailable, UpstreamError
from gateway.engines.queue import queues_of
from gateway.pipeline.listen import RecognitionOptions, TranscriptDelta, TranscriptFinished, blocks
from gateway.realtime.hearing.input_audio import Utterance
from gateway.tasks import race

SO_FAR_SECONDS = 30.0
"""The longest utterance that is recognised as a whole in a pause; past it that would cost more than it saves."""
MOST_PAUSES = 3
"""Of an utterance that is recognised as a whole: in later pauses of somebody who pauses a lot nothing is recognised."""

CONVERTED_MS = 3000.0
"""An utterance up to this length is converted on the event loop, in a millisecond at most."""

Transcribed = TranscriptDelta | TranscriptFinished


class WordsSoFar(msgspec.Struct, frozen=True, kw_only=True):
    """What was said up to a pause, and in which language (ISO 639-1), if that is known."""

    text: str
    language: str | None = None


class LiveTranscription:
    """Transcribes ``utterance``.

    With ``in_pauses`` it also recognises what was said when the speaker pauses, to be used if that was the end;
    ``heard`` is told of it, and of its language.
    """

    def __init__(
        self,
        recogniser: stt.Recogniser,
        utterance: Utterance,
        options: RecognitionOptions,
        *,
        in_pauses: bool,
        heard: Callable[[str, str | None], None],
    ) -> None:
        self._recogniser = recogniser
        self._utterance = utterance
        self._options = options
        self._in_pauses = in_pauses
        self._heard = heard
        self._known: tuple[int, WordsSoFar] | None = None  # a pause, and the words up to it
        self._asked_in = 0  # the pause of which the recogniser was told last
        self._converted: tuple[int, bytes] | None = None  # how long the audio was in this pause, and what it became
        self._is_over = False

    async def so_far(self) -> WordsSoFar | None:
        """The words up to the present pause, as soon as they are known; ``None`` when it is over before that.

        A failure of the recogniser is raised by ``events`` only.
        """
        pause = self._utterance.pauses
        while self._utterance.is_in(pause):
            if self._known is not None and self._known[0] == pause:
                return self._known[1]
            if self._is_over or not self._in_pauses:
                return None
            await self._utterance.change()
        return None

    async def events(self) -> AsyncGenerator[Transcribed, None]:
        """The words, as they become certain; ends with ``TranscriptFinished``. Raises ``AdapterError``."""
        try:
            if self._has_live_place():
                has_told = False
                try:
                    async with aclosing(self._recognised(self._live_audio())) as events:
                        async for event in events:
                            has_told = True
                            yield event
                    return
                except (Overloaded, Unavailable):
                    if has_told or self._utterance.has_ended:
                        raise
            async with aclosing(self._whole()) as events:
                async for event in events:
                    yield event
        finally:
            self._is_over = True
            self._utterance.changed()

    def _has_live_place(self) -> bool:
        """Whether to recognise while it is spoken: such a stream holds a place for long, so half of them stay free."""
        states = [queue.state for queue in queues_of(self._recogniser) if queue is not None]
        return self._recogniser.info.live and all(state.running < state.capacity // 2 for state in states)

    async def _live_audio(self) -> AsyncGenerator[bytes, None]:
        """The utterance as it grows; its pauses only where their words are wanted."""
        async with aclosing(self._utterance.blocks(self._recogniser.info.sample_rate)) as live:
            async for block in live:
                if not block:
                    self._asked_in = self._utterance.pauses
                if block or self._in_pauses:
                    yield block

    async def _recognised(self, audio: AsyncGenerator[bytes, None]) -> AsyncGenerator[Transcribed, None]:
        """The recogniser's words of ``audio``, as events."""
        text: str | None = None
        told = ""
        async with aclosing(audio), aclosing(self._recogniser.stream(self._options.request(audio))) as events:
            async for event in events:
                match event:
                    case stt.PartialTranscript(stable=stable, unstable=unstable, language=language):
                        if self._utterance.is_in(self._asked_in):
                            self._know(stable + unstable, language)
                        if len(stable) > len(told) and stable.strip():  # blanks alone may turn out to be silence
                            yield TranscriptDelta(text=stable[len(told) :])
                            told = stable
                    case stt.FinalTranscript(text=text):
                        if len(text) > len(told) and text.strip():
                            yield TranscriptDelta(text=text[len(told) :])
                    case stt.Finished(language=language, seconds=seconds) if text is not None:
                        if self._utterance.is_paused:
                            self._know(text, language)
                        yield TranscriptFinished(text=text, language=language, seconds=seconds)
                        return
        raise UpstreamError("The recogniser's stream ended before the transcript was finished.")

    async def _whole(self) -> AsyncGenerator[Transcribed, None]:
        """Recognise all of it when it has ended; where that is wanted in each pause, and then it may end there."""
        utterance = self._utterance
        while True:
            if not utterance.is_paused:
                self._converted = None
            if utterance.is_paused and self._is_worth_it():
                pause = utterance.pauses
                heard = await race(self._heard_in(pause), self._resumed(pause))
                if heard is not None and await self._ends_in(pause):
                    if heard.text.strip():
                        yield TranscriptDelta(text=heard.text)
                    yield heard
                    return
            elif utterance.has_ended:
                async with aclosing(self._recognised(self._audio())) as events:
                    async for event in events:
                        yield event
                return
            elif utterance.is_paused and self._converted is None and self._is_short():
                await self._pcm()  # now, while nobody waits for it
            else:
                await utterance.change()

    def _is_worth_it(self) -> bool:
        """Whether to recognise in this pause what may go on."""
        return self._in_pauses and self._is_short()

    def _is_short(self) -> bool:
        """Whether something may be done in this pause that is of no use if the speaker goes on."""
        return self._utterance.seconds <= SO_FAR_SECONDS and self._utterance.pauses <= MOST_PAUSES

    async def _heard_in(self, pause: int) -> TranscriptFinished | None:
        """What is heard up to this pause; after a failure the end of the pause, without any."""
        try:
            async with aclosing(self._recognised(self._audio())) as events:
                async for event in events:
                    if isinstance(event, TranscriptFinished):
                        return event
        except AdapterError:
            if self._utterance.has_ended:
                raise
            await self._ends_in(pause)
        return None

    async def _ends_in(self, pause: int) -> bool:
        """Wait until the speaker goes on, or has ended; whether they have ended in this pause."""
        while self._utterance.is_in(pause) and not self._utterance.has_ended:
            await self._utterance.change()
        return self._utterance.is_in(pause)

    async def _resumed(self, pause: int) -> None:
        """Wait until the speaker goes on; for ever when they do not."""
        while self._utterance.is_in(pause):
            await self._utterance.change()

    async def _audio(self) -> AsyncGenerator[bytes, None]:
        """What there is of the utterance now."""
        pcm = await self._pcm()
        if self._utterance.has_ended:
            self._converted = None
        async for block in blocks(pcm, self._recogniser.info.sample_rate):
            yield block

    async def _pcm(self) -> bytes:
        """What there is of the utterance now, at the recogniser's sample rate."""
        rate = self._recogniser.info.sample_rate
        audio_format, data = self._utterance.known()
        if self._converted is not None and self._converted[0] == len(data):
            return self._converted[1]
        # A thread takes longer than to convert what somebody says in a turn.
        short = audio_format.milliseconds(len(data)) <= CONVERTED_MS
        pcm = audio_format.pcm(data, rate) if short else await call(audio_format.pcm, data, rate)
        self._converted = (len(data), pcm)
        return pcm

    def _know(self, text: str, language: str | None) -> None:
        """The words up to the present pause are ``text``."""
        known = WordsSoFar(text=text, language=language or self._options.language)
        self._known = (self._utterance.pauses, known)
        if not self._utterance.has_ended:
            self._heard(known.text, known.language)
        self._utterance.changed()
