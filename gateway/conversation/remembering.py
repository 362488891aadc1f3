"""One turn as a part of its conversation: it begins with what was said before, and what is said now is kept."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

import msgspec

from adapters.contract import llm, tts
from adapters.contract.errors import UpstreamError
from gateway.conversation.continuation import Conversations, Joined, Policy, Wanted
from gateway.conversation.fitting import Context, Fitting
from gateway.pipeline.answer import AnswerFinished
from gateway.pipeline.flow import Late, by
from gateway.pipeline.heard import Heard
from gateway.pipeline.stages import Engines
from gateway.pipeline.turn import Event, TranscriptFinished, Turn, take_turn
from gateway.telemetry import Stopwatch

logger = logging.getLogger(__name__)

KEEPING_SECONDS = 5.0
"""How long keeping an interrupted turn may take: less than what closing a stream is given."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn is made of, and what it is a part of.

    The messages of ``turn.writing`` are put in place here: ``instructions`` first, which are for this turn only, else
    the gateway's own ``prompt`` unless the client has set the history. With ``must_speak`` silence is a failure.
    """

    engines: Engines
    turn: Turn
    wanted: Wanted
    policy: Policy
    instructions: llm.Message | None
    prompt: llm.Message | None
    prompt_role: str
    must_speak: bool


class Remembering:
    """The turn ``call``; ``id`` is its answer's. ``joined`` is known, and ``kept`` decided, as the events come."""

    def __init__(self, conversations: Conversations, call: Call, watch: Stopwatch) -> None:
        self.id = f"resp_{uuid.uuid4().hex}"
        self.joined: Joined | None = None
        self.kept = False
        self._conversations = conversations
        self._call = call
        self._watch = watch
        self._heard = Heard()
        self._transcript: str | None = None
        self._spoken = False

    @property
    def conversation_id(self) -> str | None:
        """The conversation that the answer is to be kept in, ``None`` when it is not."""
        return self.joined.id if self.joined is not None else None

    async def events(self) -> AsyncGenerator[Event, None]:
        """The turn's events. Before ``AnswerFinished`` comes the answer is kept, so that the next turn may follow.

        When it is closed while the answer is spoken, the question is kept with what can have been heard of the answer.
        A turn that fails is not kept. Raises as ``take_turn`` and ``Conversations.join`` do.
        """
        call = self._call
        async with AsyncExitStack() as held:
            self.joined = joined = await self._joined(held)
            model = self._model(joined)
            engines = msgspec.structs.replace(call.engines, llm=model)
            writing = msgspec.structs.replace(call.turn.writing, messages=joined.asked)
            turn = take_turn(engines, msgspec.structs.replace(call.turn, writing=writing), self._watch, self._heard)
            try:
                async with aclosing(turn) as events:
                    async for event in events:
                        await self._note(event, joined, model)
                        yield event
            except (asyncio.CancelledError, GeneratorExit):
                if self._spoken and not self.kept:
                    await self._keep_heard(joined, model)
                raise

    async def _joined(self, held: AsyncExitStack) -> Joined:
        """The conversation, once earlier turns of it are over: waiting for them is a part of the turn's time."""
        call, pacing = self._call, self._call.turn.pacing
        joining = held.enter_async_context(self._conversations.join(call.wanted, call.policy))
        try:
            return await by(pacing.deadline(self._watch), joining)
        except Late:
            raise pacing.overdue() from None

    def _model(self, joined: Joined) -> Fitting:
        call = self._call
        prompt = call.instructions or (None if joined.conversation.outright else call.prompt)
        context = Context(tokens=call.policy.writer.context_tokens, bytes_per_token=joined.conversation.bytes_per_token)
        return Fitting(call.engines.llm, joined.earlier(prompt, call.prompt_role), context)

    async def _note(self, event: Event, joined: Joined, model: Fitting) -> None:
        match event:
            case TranscriptFinished():
                self._transcript = event.text
                self._conversations.give_way(self._call.engines.llm)  # a summary may have begun while it was heard
            case tts.AudioChunk():
                self._spoken = True
            case AnswerFinished():
                if self._call.must_speak and not self._spoken:
                    raise UpstreamError("The language model's answer holds nothing that can be spoken.")
                await self._keep(joined, model, event.message, event.usage)
            case _:
                pass

    async def _keep_heard(self, joined: Joined, model: Fitting) -> None:
        try:
            async with asyncio.timeout(KEEPING_SECONDS):
                await self._keep(joined, model, _said(self._heard.text()), None)
        except TimeoutError:
            logger.warning("%s was interrupted and is not kept: the store is too slow", self.id)

    async def _keep(self, joined: Joined, model: Fitting, answer: llm.Message | None, usage: llm.Usage | None) -> None:
        if joined.id is None:
            return
        question = tuple(map(self._lasting, model.question[len(joined.asked) :]))
        added = question if answer is None or not answer.parts else (*question, answer)
        conversation = joined.conversation.skipping(model.dropped)
        conversation = conversation.after(added, unheard=added == question and bool(question))
        if usage is not None:
            conversation = conversation.measured(model.size, usage.input_tokens)
        self.kept = await self._conversations.keep(joined, self.id, conversation, self._call.policy)

    def _lasting(self, question: llm.Message) -> llm.Message:
        """The user's message without what is for this turn only: any text but what was heard, which comes first."""
        parts = list(question.parts)
        texts = [part for part in parts if isinstance(part, llm.Text)]
        for part in texts[0 if self._transcript is None else 1 :]:
            parts.remove(part)
        return msgspec.structs.replace(question, parts=tuple(parts))


def _said(text: str) -> llm.Message | None:
    return llm.Message(role="assistant", parts=(llm.Text(text=text),)) if text.strip() else None
