"""Whatever happens in whatever order: the order rules of the Realtime API hold, and nothing follows the end."""

from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.contract import llm
from gateway.realtime.protocol.response_events import FailureBody
from gateway.realtime.session import inputs
from gateway.realtime.session.commands import Remember
from tests.support.playbook import Playbook
from tests.support.realtime_rules import Rules

WORDS = strategies.sampled_from(["", "yes", "no no no", "What time is it?", "你好"])
NUMBERS = strategies.integers(min_value=1, max_value=6)
MILLISECONDS = strategies.integers(min_value=0, max_value=3000)
FAILURE = FailureBody(type="server_error", message="It failed.")
DETECTIONS = strategies.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "server_vad", "interrupt_response": False, "idle_timeout_ms": 5000},
        {"type": "server_vad", "create_response": False},
        {"type": "semantic_vad"},
    ]
)
POLICIES = strategies.fixed_dictionaries(
    {
        "reach": strategies.sampled_from(["off", "stt", "llm", "tts"]),
        "recognises": strategies.booleans(),
        "least_speech_ms": strategies.sampled_from([0, 300]),
        "least_speech_words": strategies.sampled_from([0, 2]),
        "resumes": strategies.booleans(),
        "remembers": strategies.booleans(),
        "most_items": strategies.sampled_from([4, 1000]),
    }
)


class RandomSession(RuleBasedStateMachine):
    """A driver, ears and a client that do anything, also what makes no sense any more."""

    def __init__(self) -> None:
        super().__init__()
        self.checker = Rules()
        self.ms = 0

    @initialize(
        policy=POLICIES,
        detection=DETECTIONS,
        shown=strategies.booleans(),
        modality=strategies.sampled_from(["audio", "text"]),
    )
    def begin(self, policy: dict[str, Any], detection: Any, shown: bool, modality: str) -> None:
        self.most_items = policy["most_items"]
        transcription = {"model": "whisper-1"} if shown else None
        audio = {"input": {"turn_detection": detection, "transcription": transcription}}
        self.play = Playbook({"output_modalities": [modality], "audio": audio}, **policy)
        self.see()

    def see(self) -> None:
        for command in self.play.commands:
            self.checker.see(command)
            if isinstance(command, Remember):
                assert len(command.items) <= self.most_items
        self.checker.settled()

    def put(self, event: inputs.Input) -> None:
        self.play(event)
        self.see()

    def client(self, type_: str, **fields: Any) -> None:
        self.play.client(type_, **fields)
        self.see()

    def some(self, ids: Any, number: int, otherwise: str) -> str:
        known = sorted(ids)
        return known[number % len(known)] if known else f"{otherwise}_{number}"

    @rule(ms=MILLISECONDS)
    def audio(self, ms: int) -> None:
        self.ms += ms
        self.play.seconds += ms / 1000
        self.put(inputs.AudioAppended(total_ms=self.ms))

    @rule(
        kind=strategies.sampled_from([inputs.VoiceStarted, inputs.VoicePaused, inputs.VoiceResumed, inputs.TurnEnded])
    )
    def voice(self, kind: type[inputs.VoiceStarted]) -> None:
        self.put(kind(at_ms=self.ms))

    @rule(pause=strategies.booleans(), resume=strategies.booleans())
    def turn(self, pause: bool, resume: bool) -> None:
        self.voice(inputs.VoiceStarted)
        self.audio(700)
        if pause:
            self.put(inputs.VoicePaused(at_ms=self.ms))
        if pause and resume:
            self.put(inputs.VoiceResumed(at_ms=self.ms))
        self.audio(500)
        self.put(inputs.TurnEnded(at_ms=self.ms))

    @rule(number=NUMBERS, words=WORDS)
    def words_so_far(self, number: int, words: str) -> None:
        ids = {*self.checker.open_transcripts, *self.checker.speech}
        if words:
            self.put(inputs.TranscriptDelta(item_id=self.some(ids, number, "item"), text=words))

    @rule(number=NUMBERS, words=WORDS, fails=strategies.booleans())
    def all_words(self, number: int, words: str, fails: bool) -> None:
        item_id = self.some(self.checker.open_transcripts, number, "item")
        self.checker.open_transcripts.discard(item_id)
        if fails and number == 1:
            self.put(inputs.TranscriptFailed(item_id=item_id, error=FAILURE))
        else:
            self.put(inputs.TranscriptFinished(item_id=item_id, text=words, seconds=1.0))

    @rule(words=WORDS)
    def words_of_the_attempt(self, words: str) -> None:
        self.put(inputs.Prepared(response_id=self.checker.attempt or "resp_1", transcript=words))

    @rule()
    def attempt_is_lost(self) -> None:
        self.put(inputs.PreparationLost(response_id=self.checker.attempt or "resp_1", tokens=3))
        self.checker.attempt = None

    @rule(number=NUMBERS, words=WORDS)
    def prepared_turn(self, number: int, words: str) -> None:
        """The whole way of work ahead, so that it is often gone to the end."""
        self.voice(inputs.VoiceStarted)
        self.audio(700)
        self.put(inputs.VoicePaused(at_ms=self.ms))
        self.words_of_the_attempt(words)
        self.put(inputs.TurnEnded(at_ms=self.ms))
        for item_id in sorted(self.checker.open_transcripts):
            self.checker.open_transcripts.discard(item_id)
            self.put(inputs.TranscriptFinished(item_id=item_id, text=words, seconds=1.0))

    @rule(number=NUMBERS, words=WORDS.filter(bool), audible=strategies.booleans())
    def answer(self, number: int, words: str, audible: bool) -> None:
        response_id = self.some(self.checker.running, number, "resp")
        self.put(inputs.AnswerText(response_id=response_id, text=words))
        if audible:
            audio = inputs.AnswerAudio(response_id=response_id, audio=b"\0\0", ms=400, begins=words)
            self.put(audio)

    @rule(number=NUMBERS, part=strategies.sampled_from(["start", "delta", "finish", "all"]))
    def call(self, number: int, part: str) -> None:
        response_id, call_id = self.some(self.checker.running, number, "resp"), f"call_{number}"
        if part in ("start", "all"):
            self.put(inputs.ToolCallStarted(response_id=response_id, call_id=call_id, name="time"))
        if part in ("delta", "all"):
            self.put(inputs.ToolCallDelta(response_id=response_id, call_id=call_id, arguments="{}"))
        if part in ("finish", "all"):
            self.put(inputs.ToolCallFinished(response_id=response_id, call_id=call_id, arguments="{}"))

    @rule(number=NUMBERS, reason=strategies.sampled_from(["stop", "length", "content_filter", "tool_calls", None]))
    def answer_ends(self, number: int, reason: llm.FinishReason | None) -> None:
        response_id = self.some(self.checker.running, number, "resp")
        if reason is None:
            self.put(inputs.AnswerFailed(response_id=response_id, error=FAILURE))
        else:
            usage = llm.Usage(input_tokens=3, output_tokens=4)
            self.put(inputs.AnswerFinished(response_id=response_id, reason=reason, usage=usage))

    @rule(type_=strategies.sampled_from(["commit", "clear"]))
    def buffer(self, type_: str) -> None:
        self.client(f"input_audio_buffer.{type_}")

    @rule(number=NUMBERS, text=WORDS, spoken=strategies.booleans(), after=strategies.sampled_from([None, "root", "x"]))
    def item(self, number: int, text: str, spoken: bool, after: str | None) -> None:
        part = {"type": "input_audio", "audio": "AAAA"} if spoken else {"type": "input_text", "text": text}
        item = {"type": "message", "role": "user", "content": [part]}
        previous = self.some(self.checker.items, number, "item") if after == "x" else after
        self.client("conversation.item.create", item=item, previous_item_id=previous)

    @rule(number=NUMBERS, type_=strategies.sampled_from(["retrieve", "delete"]))
    def about_an_item(self, number: int, type_: str) -> None:
        self.client(f"conversation.item.{type_}", item_id=self.some(self.checker.items, number, "item"))

    @rule(number=NUMBERS, ms=MILLISECONDS)
    def truncation(self, number: int, ms: int) -> None:
        item_id = self.some(self.checker.items, number, "item")
        self.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=ms)

    @rule(number=NUMBERS, beside=strategies.booleans(), own=strategies.booleans())
    def response(self, number: int, beside: bool, own: bool) -> None:
        spoken = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}]}
        given = [spoken, {"type": "item_reference", "id": self.some(self.checker.items, number, "item")}]
        fields = {"conversation": "none"} if beside else {}
        self.client("response.create", response={**fields, **({"input": given} if own else {})})

    @rule(number=NUMBERS, named=strategies.booleans())
    def cancelling(self, number: int, named: bool) -> None:
        fields = {"response_id": self.some(self.checker.responses, number, "resp")} if named else {}
        self.client("response.cancel", **fields)

    @rule(detection=DETECTIONS, form=strategies.sampled_from(["audio/pcm", "audio/pcmu"]))
    def update(self, detection: Any, form: str) -> None:
        heard = {"turn_detection": detection, "format": {"type": form}}
        self.client("session.update", session={"type": "realtime", "audio": {"input": heard}})

    @rule()
    def timeout(self) -> None:
        self.put(inputs.TimerFired(name="idle_timeout"))

    @precondition(lambda self: self.checker.started and not self.checker.over)
    @rule(number=NUMBERS, told=strategies.booleans())
    def end(self, number: int, told: bool) -> None:
        if number > 1:  # rarely: what comes after is of little interest
            return
        if told:
            self.put(inputs.Expired(message="Too old.", code="session_expired", close_code=1001))
        else:
            for command in self.play.session.handle(inputs.Closed(), self.play.seconds):
                self.checker.see(command)
        self.checker.ended()

    @invariant()
    def at_most_one_answer_in_the_conversation(self) -> None:
        responses = self.checker.responses.values()
        assert sum(each.in_conversation and each.stage == "created" for each in responses) <= 1


TestRandomSession = RandomSession.TestCase
TestRandomSession.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
