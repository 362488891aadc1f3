"""Runs the answers of a session as turns: asked, prepared ahead, cancelled, and told of to the session."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any, assert_never

import msgspec

from adapters.blocking import call
from adapters.contract import llm
from adapters.contract.errors import AdapterError
from gateway.access.caller import Caller
from gateway.access.meter import Meter
from gateway.conversation.history import ConversationRef
from gateway.engines.route import STAGES, ServedRoute, Stage
from gateway.realtime.answer_run import AnswerRun
from gateway.realtime.hearing.live_transcription import WordsSoFar
from gateway.realtime.item_messages import Recordings as RecordingOf
from gateway.realtime.item_messages import messages_of
from gateway.realtime.pacing import Playback
from gateway.realtime.protocol.items import InputAudio, Item, MessageItem
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.protocol.server_events import RateLimit
from gateway.realtime.protocol.session_config import AudioOutput, FunctionTool, NamedFunction, ToolChoice
from gateway.realtime.session import commands, inputs
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import Turns
from gateway.turns.request import TurnRequest
from gateway.turns.result import TurnFinished
from gateway.turns.speech_turn import SpeechTurnRequest, SpeechTurns
from gateway.turns.turn_place import turn_place

logger = logging.getLogger(__name__)

STOPPING_SECONDS = 1.0
"""How long an answer waits for the end of one that is being stopped."""

Words = Callable[[], Awaitable[WordsSoFar | None]]
"""Waits for what was said up to a pause; ``None`` when that cannot be known any more."""


class AnswerService(msgspec.Struct, frozen=True, kw_only=True):
    """What the answers of a session to ``caller`` are made with; ``failure`` words what went wrong for clients."""

    caller: Caller
    served: ServedRoute
    turns: Turns
    speech_turns: SpeechTurns
    meter: Meter
    failure: Callable[[Exception], FailureBody]


class Answers:
    """The answers of one session; ``start`` runs each in a task, ``recording`` is the audio of an item."""

    def __init__(
        self,
        service: AnswerService,
        playback: Playback,
        tell: Callable[[inputs.AnswerInput | inputs.PreparationInput], None],
        start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        recording: RecordingOf,
    ) -> None:
        self._service = service
        self._playback = playback
        self._tell = tell
        self._start = start
        self._recording = recording
        self._runs: dict[str, AnswerRun] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    def run_of(self, response_id: str) -> AnswerRun | None:
        """The answer ``response_id``, while it runs."""
        return self._runs.get(response_id)

    def run(
        self, command: commands.Answer | commands.Say | commands.Cancel | commands.Adopt | commands.Discard
    ) -> None:
        """Begin an answer, or do something about one that runs."""
        match command:
            case commands.Answer():
                playback = self._playback if command.in_conversation else self._playback.beside()
                run = AnswerRun(command.response_id, command.plan.output, playback, self._tell)
                self._begin(run, lambda: self._answered(run, command.plan, self._recording))
            case commands.Say():
                run = AnswerRun(command.response_id, command.output, self._playback, self._tell)
                self._begin(run, lambda: self._said(run, command))
            case commands.Cancel():
                self._cancel(command.response_id)
            case commands.Adopt():
                self._adopt(command.response_id)
            case commands.Discard():
                self._discard(command.response_id)
            case _:
                assert_never(command)

    def prepare(self, command: commands.Prepare, words: Words, heard: llm.Audio | None) -> None:
        """Answer what was said up to a pause, without effect: ``words``, or ``heard`` where the model hears itself."""
        output = None if command.plan is None else command.plan.output
        ahead = 1 if command.reach == "tts" else 0
        run = AnswerRun(command.response_id, output, self._playback, self._tell, ahead=ahead)
        self._begin(run, lambda: self._prepared(run, command, words, heard))

    def _adopt(self, response_id: str) -> None:
        """The attempt is the answer, if the caller may have one."""
        if (run := self._runs.get(response_id)) is not None:
            run.is_adopted = True
            self._start(self._adopted(run))

    async def _adopted(self, run: AnswerRun) -> None:
        """An attempt becomes a request of the caller; past a limit it fails like any answer, and is thrown away."""
        taken = await self._service.meter.take(self._service.caller, None)
        if self._runs.get(run.response_id) is not run:
            return
        if taken.refusal is None:
            run.release(taken.standing)
        else:
            run.is_adopted = False
            self._discard(run.response_id)
            error = self._service.failure(taken.refusal)
            self._tell(inputs.AnswerFailed(response_id=run.response_id, error=error))

    def _cancel(self, response_id: str) -> None:
        """Stop an answer; nothing is told of it any more."""
        if (run := self._runs.pop(response_id, None)) is not None and run.task is not None:
            run.playback.stop()
            self._stop(run, run.task)

    def _discard(self, response_id: str) -> None:
        """Throw an attempt away; what it cost is told once its engines are closed."""
        run = self._runs.get(response_id)
        if run is None or run.task is None:
            self._tell(inputs.PreparationLost(response_id=response_id))
        else:
            self._stop(run, run.task)

    def _stop(self, run: AnswerRun, task: asyncio.Task[None]) -> None:
        run.stop()
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        task.cancel()

    def _begin(self, run: AnswerRun, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._runs[run.response_id] = run
        run.task = self._start(self._guarded(run, work))
        run.task.add_done_callback(lambda _: self._ended(run))

    async def _guarded(self, run: AnswerRun, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have ``work`` done, and tell of its failure.

        What is being stopped gives its place back first: the caller may have one turn at once.
        """
        try:
            if self._stopping:
                await asyncio.wait(tuple(self._stopping), timeout=STOPPING_SECONDS)
            await work()
        except Exception as error:  # noqa: BLE001  whatever it is, the session goes on
            if not isinstance(error, AdapterError):
                logger.error("an answer failed unexpectedly: %s", type(error).__name__)
            if not run.is_adopted:
                self._ended(run)  # now: nobody may adopt it before its task is done
            elif run.response_id in self._runs:
                failed = inputs.AnswerFailed(response_id=run.response_id, error=self._service.failure(error))
                self._end(run, failed)

    def _ended(self, run: AnswerRun) -> None:
        """An attempt that ends without being adopted is lost."""
        if not run.is_adopted and run.response_id in self._runs:
            self._end(run, inputs.PreparationLost(response_id=run.response_id, tokens=run.tokens))

    def _end(self, run: AnswerRun, end: inputs.AnswerInput | inputs.PreparationInput) -> None:
        del self._runs[run.response_id]
        self._tell(end)

    async def _answered(
        self,
        run: AnswerRun,
        plan: commands.AnswerPlan,
        recording: RecordingOf,
        prepared: inputs.Prepared | None = None,
    ) -> None:
        """Answer ``plan``; of an attempt, the session learns that it is ``prepared`` once it has its place."""
        service = self._service
        stages: tuple[Stage, ...] = STAGES if plan.output is not None else ("stt", "llm")
        requests = 1 if prepared is None else 0
        async with turn_place(service.meter, service.caller, service.served, stages, requests) as standing:
            if prepared is None:
                run.release(standing)
            else:
                self._tell(prepared)  # the session may adopt the attempt at once
            make = partial(self._request, run, plan, recording)
            # Recordings for a model that hears are converted, which takes some 15 ms for a minute.
            request = await call(make) if service.served.engines.stt is None else make()
            turn = service.turns.begin(request, service.served, Stopwatch())
            run.speak(turn.sample_rate)
            outcome: tuple[llm.FinishReason, TurnOutcome] | None = None
            async with aclosing(turn.events()) as events:
                async for event in events:
                    if isinstance(event, TurnFinished):
                        outcome = event.reason, event.outcome
                        await run.released()  # before the turn is charged for: it may still be thrown away
                    else:
                        await run.take(event)
        await self._finished(run, outcome)

    async def _said(self, run: AnswerRun, command: commands.Say) -> None:
        service = self._service
        async with turn_place(service.meter, service.caller, service.served, ("tts",)) as standing:
            run.release(standing)
            request = SpeechTurnRequest(
                caller=service.caller,
                text=command.text,
                voice=self._voice(command.output),
                speed=command.output.speed,
                heard_language=command.language,
            )
            turn = service.speech_turns.begin(request, service.served, Stopwatch())
            run.speak(turn.sample_rate)
            await run.take(llm.TextDelta(text=command.text))
            async with aclosing(turn.events()) as events:
                async for event in events:
                    await run.take(event)
        await self._finished(run, None)

    async def _prepared(self, run: AnswerRun, command: commands.Prepare, words: Words, heard: llm.Audio | None) -> None:
        """Work ahead as far as ``command`` says; without words there is nothing to answer."""
        said = WordsSoFar(text="") if heard is not None else await words()
        if said is None or (heard is None and not said.text.strip()):
            return
        if command.plan is None:
            self._tell(inputs.Prepared(response_id=run.response_id, transcript=said.text))
            return
        items = (*command.plan.items[:-1], _with_words(command.plan.items[-1], said.text or None))
        plan = msgspec.structs.replace(command.plan, items=items, language=said.language or command.plan.language)
        prepared = inputs.Prepared(response_id=run.response_id, transcript=said.text, language=plan.language)

        def recording(item_id: str) -> llm.Part | None:
            return heard if item_id == command.item_id else self._recording(item_id)

        await self._answered(run, plan, recording, prepared)

    async def _finished(self, run: AnswerRun, end: tuple[llm.FinishReason, TurnOutcome] | None) -> None:
        """Tell of the end once all audio was handed over."""
        await run.finish()
        if run.response_id in self._runs:
            reason, usage = ("stop", None) if end is None else (end[0], end[1].usage or end[1].estimate)
            limits = tuple(
                RateLimit(name=each.name, limit=each.limit, remaining=each.remaining, reset_seconds=each.reset)
                for each in run.standing.shown()
            )
            finished = inputs.AnswerFinished(
                response_id=run.response_id, reason=reason, usage=usage, rate_limits=limits
            )
            self._end(run, finished)

    def _request(self, run: AnswerRun, plan: commands.AnswerPlan, recording: RecordingOf) -> TurnRequest:
        tools = tuple(map(_tool, plan.tools))
        return TurnRequest(
            caller=self._service.caller,
            id=run.response_id,
            heard_language=plan.language,
            conversation=ConversationRef(keep=False, history=messages_of(plan.items, recording)),
            instructions=plan.instructions,
            tools=tools,
            tool_choice=_tool_choice(plan.tool_choice) if tools else None,
            parallel_tool_calls=plan.parallel_tool_calls if tools else None,
            max_output_tokens=plan.max_output_tokens,
            reasoning_effort=None if plan.reasoning is None else plan.reasoning.effort,
            spoken=plan.output is not None,
            voice=None if plan.output is None else self._voice(plan.output),
            speed=None if plan.output is None else plan.output.speed,
            speculation=run.speculation,
        )

    def _voice(self, output: AudioOutput) -> str | None:
        """The voice that the client chose; ``None`` for the route's own, which may differ from language to language."""
        name = output.voice if isinstance(output.voice, str) else output.voice.id
        return None if name == self._service.served.route.settings.voice else name


def _tool(tool: FunctionTool) -> llm.Tool:
    return llm.Tool(name=tool.name, description=tool.description, parameters=tool.parameters)


def _tool_choice(choice: ToolChoice) -> llm.ToolChoice:
    return llm.NamedTool(name=choice.name) if isinstance(choice, NamedFunction) else choice


def _with_words(item: Item, words: str | None) -> Item:
    """What the user said, with its transcript."""
    assert isinstance(item, MessageItem), "an attempt answers what was said"
    content = [
        msgspec.structs.replace(part, transcript=words) if isinstance(part, InputAudio) else part
        for part in item.content
    ]
    return msgspec.structs.replace(item, content=content)
