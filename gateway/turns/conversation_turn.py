"""The one turn: listen, answer, speak, as a part of its conversation, which remembers what was said."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from functools import partial

import msgspec

from adapters.contract import llm, tts
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TooLong
from gateway.access.caller import Caller
from gateway.conversation.context_window import ContextWindow, LiteralWindow, Prompt
from gateway.conversation.history import ConversationLease, History
from gateway.conversation.normal_form import has_content
from gateway.engines.route import ServedRoute
from gateway.pipeline.answer import Answered, AnswerFinished, Speech, answer, written_answer
from gateway.pipeline.answer_limit import limited_answer
from gateway.pipeline.deadline import Deadline
from gateway.pipeline.guarded_answer import Guarded, Written, guarded_answer, sentence_instead
from gateway.pipeline.listen import (
    Listened,
    RecognitionOptions,
    RecordingFinished,
    TranscriptFinished,
    blocks,
    listen,
    record,
)
from gateway.pipeline.playhead import Playhead
from gateway.pipeline.screening import NOTHING_FLAGGED, Screening, rejected
from gateway.telemetry.observer import Observer
from gateway.telemetry.timings import Stopwatch
from gateway.turns.build import TurnPlan, build_turn
from gateway.turns.passed_turn import PassedRequest, PassedTurn
from gateway.turns.question import Question
from gateway.turns.request import AudioSource, TurnRequest
from gateway.turns.result import ConversationJoined, ConversationKept, TurnEvent, TurnFinished
from gateway.turns.tally import Tally
from gateway.turns.transcript_cache import TranscriptCache
from gateway.turns.window import screened, window_of

logger = logging.getLogger(__name__)

KEEPING_SECONDS = 5.0
"""How long storing an interrupted turn may take: less than closing a stream may."""


class Turns:
    """Begins turns in conversations of ``history``; ``observer`` is told of each."""

    def __init__(self, history: History, observer: Observer) -> None:
        self._history = history
        self._observer = observer
        self._transcripts = TranscriptCache()

    async def spoken_words(self, caller: Caller, places: Mapping[str, str]) -> dict[str, str]:
        """The words of earlier spoken answers to ``caller`` by their ids, given the place of each in the request.

        Raises ``InvalidRequest`` for one that is not kept, or not any more.
        """
        return await self._history.of(caller.name).spoken_words(places)

    def begin(self, request: TurnRequest, served: ServedRoute, watch: Stopwatch) -> "ConversationTurn":
        """The turn ``request`` at the route ``served``; nothing happens until it is read. Raises ``InvalidRequest``."""
        history = self._history.of(request.caller.name)
        return ConversationTurn(history, self._transcripts, build_turn(request, served), watch, self._observer)

    def pass_on(self, request: PassedRequest, served: ServedRoute, watch: Stopwatch) -> PassedTurn:
        """The text turn ``request``, passed on to the model of ``served``; ``passes`` says whether that can be done."""
        return PassedTurn(self._history.of(request.caller.name), served, request, watch, self._observer)


class ConversationTurn:
    """The turn ``plan``; ``id`` is that of its answer."""

    def __init__(
        self, history: History, transcripts: TranscriptCache, plan: TurnPlan, watch: Stopwatch, observer: Observer
    ) -> None:
        self.id = plan.id or f"resp_{uuid.uuid4().hex}"
        self._history = history
        self._transcripts = transcripts
        self._plan = plan
        self._watch = watch
        self._observer = observer if plan.speculation is None else plan.speculation.observed_by(observer)

    @property
    def sample_rate(self) -> int:
        """The rate in Hz of the audio in its events."""
        return self._plan.engines.tts.info.sample_rate

    async def events(self) -> AsyncGenerator[TurnEvent, None]:
        """Take the turn; ends with ``TurnFinished``. Closing it at any point releases every engine.

        A turn that is closed while its answer is spoken is kept with what can have been heard of it; a turn that fails
        is not kept. Raises ``NoSpeech``, ``AdapterError``, and what ``History.lease`` raises.
        """
        tally = Tally(self.id, self._plan.caller.name, self._plan.route, self._watch, self.sample_rate)
        reason: llm.FinishReason = "stop"
        with tally.observed_by(self._observer):
            async with aclosing(self._run(tally)) as events:
                async for event in events:
                    tally.note(event)
                    if isinstance(event, AnswerFinished):
                        reason = event.reason
                    yield event
                    tally.delivered(event)
            yield TurnFinished(reason=reason, outcome=tally.outcome())

    async def _run(
        self, tally: Tally
    ) -> AsyncGenerator[ConversationJoined | Listened | Screening | Answered | ConversationKept, None]:
        plan = self._plan
        deadline = Deadline.of(plan.turn_seconds, self._watch.elapsed)
        async with AsyncExitStack() as held:
            listened: TranscriptFinished | RecordingFinished | None = None
            words: list[str] = []
            async with aclosing(self._written_words(deadline, tally)) as hearing:
                async for event in hearing:
                    if isinstance(event, TranscriptFinished):
                        listened = event
                        words.append(event.text)
                    yield event
            ref = plan.conversation.with_words(words) if words else plan.conversation
            # Waiting for earlier turns of the conversation is a part of the turn's time.
            leasing = held.enter_async_context(self._history.lease(ref, plan.policy))
            lease = await deadline.limit(leasing)
            yield ConversationJoined(conversation_id=lease.id)
            if plan.audio is not None:
                async with aclosing(deadline.limited(self._listen(plan.audio, tally))) as hearing:
                    async for event in hearing:
                        if isinstance(event, TranscriptFinished | RecordingFinished):
                            listened = event
                        yield event
            self._history.give_way(plan.engines.llm)  # a summary may have begun meanwhile
            async with aclosing(self._answer(lease, listened, deadline, tally)) as answering:
                async for answered in answering:
                    yield answered

    async def _written_words(self, deadline: Deadline, tally: Tally) -> AsyncGenerator[Listened, None]:
        """Hear the recordings in the request's messages, unless the model does so itself."""
        plan = self._plan
        if plan.source_of is None:
            return
        for recording in plan.conversation.recordings:
            key = await self._transcripts.key(recording.data, plan.route, plan.language or plan.usual_language)
            if (known := self._transcripts.get(key)) is not None:
                yield known
                continue
            try:
                async with aclosing(deadline.limited(self._listen(plan.source_of(recording), tally))) as hearing:
                    async for event in hearing:
                        if isinstance(event, TranscriptFinished):
                            self._transcripts.put(key, event)
                        yield event
            except InvalidRequest as error:
                error.param = "messages"  # that is where this recording is
                raise

    async def _listen(self, source: AudioSource, tally: Tally) -> AsyncGenerator[Listened, None]:
        """Hear a recording of the user."""
        plan, engines = self._plan, self._plan.engines
        detector = engines.vad.detector() if engines.vad else None
        # Decoded before the recogniser is asked: a recording that is slow to decode must not hold a place in its queue.
        recording = blocks(await source(engines.hearing_rate), engines.hearing_rate)
        pcm = tally.listening(recording, engines.hearing_rate)
        hearing: AsyncGenerator[Listened, None] = (
            record(detector, pcm, engines.hearing_rate)
            if engines.stt is None
            else listen(engines.stt, detector, pcm, RecognitionOptions(language=plan.language or plan.usual_language))
        )
        async with aclosing(hearing) as events:
            async for event in events:
                if isinstance(event, TranscriptFinished):
                    self._watch.mark("stt_done")
                yield event

    async def _answer(
        self,
        lease: ConversationLease,
        listened: TranscriptFinished | RecordingFinished | None,
        deadline: Deadline,
        tally: Tally,
    ) -> AsyncGenerator[Screening | Answered | ConversationKept, None]:
        """The answer, stored before its end is told; when closed while it is spoken, what was played is stored."""
        plan = self._plan
        question, playhead = plan.question(listened, lease.conversation.languages), Playhead()
        speech = plan.speech(question.languages, playhead)
        screening = NOTHING_FLAGGED
        if plan.guards.transcript:
            screening = await deadline.limit(screened(plan, lease, question))
        for name in screening.guards:
            yield Guarded(guard=name)
        if screening.substitutes:  # what is stored is what the model was given
            yield screening
            lease, question = lease.with_changed(screening.applied), question.with_heard(screening.part)
        if screening.refused:
            raise rejected()
        prompt: Prompt | None = None
        spoken = finished = False
        try:
            attempts = self._attempts(window_of(plan, lease, question), screening, speech, deadline)
            async with aclosing(attempts) as answering:
                async for prompt, event in answering:
                    tally.estimated_by(partial(tally.usage_of, prompt.messages))
                    spoken = spoken or isinstance(event, tts.AudioChunk)
                    if isinstance(event, AnswerFinished):
                        kept = await self._keep(lease, question, prompt, event.message, event.usage)
                        finished = True
                        yield ConversationKept(conversation_id=lease.id if kept else None, compaction=lease.compaction)
                    yield event
        except (asyncio.CancelledError, GeneratorExit):
            if prompt is not None and spoken and not finished:
                await self._keep_played(lease, question, prompt, playhead)
            raise

    async def _attempts(
        self,
        window: ContextWindow | LiteralWindow,
        screening: Screening,
        speech: Speech | None,
        deadline: Deadline,
    ) -> AsyncGenerator[tuple[Prompt, Answered], None]:
        """The answer to what fits into ``window``; a model that refuses it as too long is asked again with half.

        Each event comes with the prompt that it answers.
        """
        prompt: Prompt | None = window.longest()
        while prompt is not None:
            started: Started | None = None
            begun = False
            writing = self._writing(prompt, screening)
            try:
                answered = (
                    written_answer(writing, deadline, self._watch)
                    if speech is None
                    else answer(writing, speech, deadline, self._watch)
                )
                async with aclosing(answered) as events:
                    async for event in events:
                        if not begun and isinstance(event, Started):
                            started = event  # a second attempt may follow, and there is one Started only
                            continue
                        if not begun and started is not None:
                            yield prompt, started
                        begun = True
                        yield prompt, event
                return
            except TooLong:
                shorter = window.shorter(prompt)
                if begun or shorter is None:
                    raise
                prompt = shorter
                logger.warning("the model refused a conversation as too long: %d turns are left out", prompt.skipped)

    def _writing(self, prompt: Prompt, screening: Screening) -> AsyncGenerator[Written, None]:
        """The model's answer to ``prompt``, or what a guard has said in its place."""
        plan = self._plan
        if screening.answer is not None:
            return sentence_instead(screening.answer)
        messages = screening.applied(prompt.messages)
        limited = limited_answer(plan.engines.llm.stream(plan.generation.request(messages)), plan.most_characters)
        return guarded_answer(limited, plan.guards.answer, self._watch) if plan.guards.answer else limited

    async def _keep(
        self,
        lease: ConversationLease,
        question: Question,
        prompt: Prompt,
        answered: llm.Message,
        usage: llm.Usage | None,
    ) -> bool:
        """Store the question with its answer. Returns whether that was done."""
        if self._plan.audio_id is not None:
            words = "".join(part.text for part in answered.parts if isinstance(part, llm.Text))
            await self._history.keep_spoken(self._plan.audio_id, words)
        if not lease.kept:
            return False
        said = (answered,) if has_content(answered) else ()
        conversation = lease.conversation.skipping(prompt.skipped).after((*question.message, *said))
        conversation = msgspec.structs.replace(conversation, languages=question.languages)
        conversation = conversation.stepped(self.id, self._plan.route)
        if usage is not None:
            conversation = conversation.measured(prompt.size, usage.input_tokens)
        return await self._history.keep(lease, self.id, conversation, self._plan.policy) is not None

    async def _keep_played(
        self, lease: ConversationLease, question: Question, prompt: Prompt, playhead: Playhead
    ) -> None:
        """Store the question with what can have been heard of the answer."""
        played = llm.Message(role="assistant", parts=(llm.Text(text=playhead.text()),))
        try:
            async with asyncio.timeout(KEEPING_SECONDS):
                await self._keep(lease, question, prompt, played, None)
        except TimeoutError:
            logger.warning("%s was interrupted and is not kept: the store is too slow", self.id)
