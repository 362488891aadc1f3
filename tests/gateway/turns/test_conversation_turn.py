"""The turn: heard, answered and spoken as a part of its conversation; what it waits for, keeps and reports."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adapters import scripted
from adapters.contract import llm, stt, tts
from adapters.contract.engine import Started
from adapters.contract.errors import InvalidRequest, TimedOut, TooLong, Unavailable, UpstreamError
from adapters.upstream.breaker import CircuitBreaker
from adapters.vad.energy import Energy
from gateway.access.caller import ANYONE
from gateway.conversation.compaction import INSTRUCTION
from gateway.conversation.history import ConversationRef, History
from gateway.conversation.memory_store import MemoryStore
from gateway.engines.candidates import Candidate
from gateway.engines.fallback import Choice, FallbackModel
from gateway.engines.fallback_recogniser import FallbackRecogniser
from gateway.engines.fallback_voice import FallbackSynthesiser
from gateway.engines.queue import QueuedEngine, QueueLimits
from gateway.engines.route import ServedRoute
from gateway.engines.speech_cache import CachedSynthesiser, MemorySpeechStore
from gateway.pipeline.answer import AnswerFinished, TextFinished
from gateway.pipeline.listen import NoSpeech, RecordingFinished, TranscriptDelta, TranscriptFinished
from gateway.settings.load import load
from gateway.tasks import background
from gateway.telemetry.outcome import TurnOutcome
from gateway.telemetry.timings import Stopwatch
from gateway.turns.conversation_turn import ConversationTurn, Turns
from gateway.turns.request import AudioSource, TurnRequest
from gateway.turns.result import ConversationJoined, ConversationKept, TurnFinished
from tests.support.server import scripted_engines
from tests.support.streams import read


class Failing(MemoryStore):
    """A store that keeps nothing once it is told to fail, or that never comes back."""

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)
        self.hangs = hangs
        self.failing = False

    async def put(self, key: str, value: bytes) -> None:
        """Keep it, or do not."""
        if self.failing and self.hangs:
            await asyncio.Event().wait()
        if self.failing:
            raise Unavailable("gone")
        await super().put(key, value)


def store() -> MemoryStore:
    return MemoryStore(ttl_seconds=60, max_bytes=1_000_000, max_waiting=1)


class Microphone:
    """A second of sound at any rate."""

    def __init__(self, sample: bytes = b"\x00\x20\x00\xe0") -> None:
        self.sample = sample
        self.rate = 0

    async def source(self, rate: int) -> bytes:
        self.rate = rate
        return self.sample * (rate // 2)


TYPED = ConversationRef(conversation="c", history=(llm.Message(role="user", parts=(llm.Text(text="Hello?"),)),))
SPOKEN = ConversationRef(conversation="c")


class Room:
    """Where turns are taken: engines, a history, and what was reported of every turn."""

    def __init__(
        self, *flags: str, kept_in: MemoryStore | None = None, max_bytes: int = 100_000, **engines: Any
    ) -> None:
        self.engines: Any = scripted_engines(**engines)
        self.served = ServedRoute(route=load(flags, {}).routes[0], engines=self.engines)
        self.history = History(kept_in or store(), max_bytes)
        self.outcomes: list[TurnOutcome] = []
        self.turns = Turns(self.history, lambda _turn: self.outcomes.append)

    def turn(self, ref: ConversationRef = TYPED, audio: AudioSource | None = None, **fields: Any) -> ConversationTurn:
        request = TurnRequest(caller=ANYONE, audio=audio, conversation=ref, **fields)
        return self.turns.begin(request, self.served, Stopwatch())

    async def taken(self, ref: ConversationRef = TYPED, audio: AudioSource | None = None, **fields: Any) -> list[Any]:
        events = await read(self.turn(ref, audio, **fields).events())
        assert (self.engines.llm.open, self.engines.tts.open) == (0, 0)
        return events

    @property
    def asked(self) -> tuple[llm.Message, ...]:
        messages: tuple[llm.Message, ...] = self.engines.llm.requests[-1].messages
        return messages


def text_of(message: llm.Message) -> str:
    return " + ".join(part.text for part in message.parts if isinstance(part, llm.Text))


def kept(events: list[Any]) -> str | None:
    """The conversation in which a turn was kept."""
    (event,) = [event for event in events if isinstance(event, ConversationKept)]
    return event.conversation_id


async def test_it_is_heard_then_written_then_spoken_and_kept() -> None:
    room, microphone = Room("--init_chat_prompt", "Be brief."), Microphone()
    events = await room.taken(SPOKEN, microphone.source)
    assert events[:3] == [
        ConversationJoined(conversation_id="c"),
        TranscriptDelta(text="what did you say"),
        TranscriptFinished(text="what did you say", language="en", seconds=1.0),
    ]
    assert isinstance(events[3], Started)
    assert [type(event) for event in events[-3:]] == [ConversationKept, AnswerFinished, TurnFinished]
    assert microphone.rate == 16_000
    assert room.asked == (
        llm.Message(role="system", parts=(llm.Text(text="Be brief."),)),
        llm.Message(role="user", parts=(llm.Text(text="what did you say"),)),
    )


async def test_without_a_recording_the_history_is_answered() -> None:
    room = Room()
    events = await room.taken()
    assert not any(isinstance(event, TranscriptDelta | TranscriptFinished) for event in events)
    assert room.asked == TYPED.history
    assert room.engines.stt.opened == 0


async def test_silence_never_reaches_the_recogniser_or_the_model() -> None:
    room, microphone = Room(vad=Energy(Energy.Options())), Microphone(sample=bytes(4))
    with pytest.raises(NoSpeech):
        await room.taken(SPOKEN, microphone.source)
    assert (room.engines.stt.open, room.engines.llm.opened) == (0, 0)
    assert [outcome.reason for outcome in room.outcomes] == ["NoSpeech param=audio code=no_speech"]


async def test_a_model_that_listens_itself_gets_the_recording() -> None:
    room, microphone = Room(stt=None), Microphone()
    events = await room.taken(SPOKEN, microphone.source)
    (recording,) = [event for event in events if isinstance(event, RecordingFinished)]
    assert room.asked[-1].parts == (recording.recording,)
    assert not any(isinstance(event, TranscriptFinished) for event in events)
    assert room.outcomes[0].heard_seconds == 1.0


async def test_a_recording_is_decoded_before_the_recogniser_is_asked() -> None:
    room, microphone = Room(), Microphone()
    opened: list[int] = []

    async def slow(rate: int) -> bytes:
        opened.append(room.engines.stt.opened)
        return await microphone.source(rate)

    await room.taken(SPOKEN, slow)
    assert (opened, room.engines.stt.opened) == ([0], 1)


async def test_leaving_while_it_is_decoded_ends_the_decoding() -> None:
    room = Room()
    decoding, ended = asyncio.Event(), asyncio.Event()

    async def endless(_rate: int) -> bytes:
        decoding.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return b""

    reader = asyncio.create_task(room.taken(SPOKEN, endless))
    await decoding.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert ended.is_set()
    assert [outcome.reason for outcome in room.outcomes] == ["left"]


async def test_leaving_while_it_is_heard_closes_the_recogniser() -> None:
    async def endless(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        await anext(request.audio)
        yield stt.PartialTranscript(stable="hello")
        await asyncio.Event().wait()

    room, microphone = Room(stt=scripted.Scripted(stt.Info(sample_rate=16_000), endless)), Microphone()
    async with aclosing(room.turn(SPOKEN, microphone.source).events()) as events:
        assert await anext(events) == ConversationJoined(conversation_id="c")
        assert await anext(events) == TranscriptDelta(text="hello")
    assert (room.engines.stt.open, room.engines.llm.opened) == (0, 0)
    assert [outcome.reason for outcome in room.outcomes] == ["left"]


async def test_the_recogniser_is_free_again_before_the_model_is_asked() -> None:
    room = Room()
    open_then: list[int] = []

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        open_then.append(room.engines.stt.open)
        yield llm.Finished(reason="stop", usage=None)

    room.engines.llm.script = script
    await room.taken(SPOKEN, Microphone().source)
    assert open_then == [0]


async def test_the_next_turn_follows_on_what_was_said() -> None:
    room = Room("--init_chat_prompt", "")
    await room.taken(SPOKEN, Microphone().source)
    await room.taken(SPOKEN, Microphone().source)
    assert [message.role for message in room.asked] == ["user", "assistant", "user"]
    assert room.asked[1].parts == (llm.Text(text="Hello there. How are you?"),)


async def test_what_a_turn_used_is_reported_once() -> None:
    room = Room()
    (*_, finished) = await room.taken(SPOKEN, Microphone().source)
    (outcome,) = room.outcomes
    assert (outcome.reason, finished.reason) == ("stop", "stop")
    assert (outcome.route, outcome.answered_by) == ("echo", "echo")
    assert (outcome.response_id.partition("_")[0], outcome.conversation_id) == ("resp", "c")
    assert (outcome.heard_seconds, outcome.characters) == (1.0, len("Hello there.How are you?"))
    assert outcome.spoken_seconds == outcome.delivered_seconds > 0.4
    assert outcome.usage == llm.Usage(input_tokens=1, output_tokens=2)
    assert outcome.timings.stt is not None
    assert outcome.timings.first_audio is not None
    assert (finished.outcome.response_id, finished.outcome.usage) == (outcome.response_id, outcome.usage)


async def test_who_answered_in_place_of_another_is_reported() -> None:
    async def failing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        raise Unavailable("It is away.")
        yield llm.TextDelta(text="")

    first, second = scripted.language_model(failing), scripted.language_model(scripted.answering("Here."))
    model = FallbackModel(
        [Choice(route=name, model=name, engine=engine) for name, engine in (("one", first), ("two", second))]
    )
    room = Room()
    room.served.engines = scripted_engines(llm=model)
    await read(room.turn().events())
    assert [outcome.answered_by for outcome in room.outcomes] == ["two"]


async def test_a_turn_that_is_kept_can_be_followed_before_its_end_is_read() -> None:
    room = Room()
    first = room.turn()
    async with aclosing(first.events()) as events:
        async for event in events:
            if isinstance(event, ConversationKept):
                break
        following = await room.taken(ConversationRef(previous_response=first.id), Microphone().source)
    assert kept(following) == "c"


async def test_a_failure_is_reported_without_what_was_said_and_nothing_is_kept() -> None:
    async def failing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="My secret is ")
        raise RuntimeError("my secret is 1234")

    room = Room(llm=scripted.language_model(failing))
    with pytest.raises(RuntimeError):
        await room.taken()
    assert [(outcome.reason, outcome.conversation_id) for outcome in room.outcomes] == [("RuntimeError", None)]
    room.engines.llm.script = scripted.answering("Yes.")
    await room.taken(SPOKEN, Microphone().source)
    assert [message.role for message in room.asked] == ["system", "user"]


async def test_audio_that_nobody_took_is_not_delivered() -> None:
    room = Room()
    async with aclosing(room.turn().events()) as events:
        async for event in events:
            if isinstance(event, tts.AudioChunk):
                break
    (outcome,) = room.outcomes
    assert (outcome.reason, outcome.spoken_seconds, outcome.delivered_seconds) == ("left", 0.04, 0.0)


def refusing(more_than: int) -> Any:
    """A model that takes so many messages."""

    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if len(request.messages) > more_than:
            raise TooLong("too long")
        yield llm.TextDelta(text="Yes.")
        yield llm.Finished(reason="stop", usage=None)

    return scripted.language_model(script)


def long_history(turns: int) -> ConversationRef:
    roles = ("user", "assistant") * turns
    messages = tuple(llm.Message(role=role, parts=(llm.Text(text="words"),)) for role in (*roles, "user"))
    return ConversationRef(conversation="c", history=messages)


async def test_a_model_that_refuses_is_asked_once_more_with_half(caplog: pytest.LogCaptureFixture) -> None:
    room = Room(llm=refusing(12))
    events = await room.taken(long_history(10))
    assert [len(request.messages) for request in room.engines.llm.requests] == [21, 11]
    assert sum(isinstance(event, Started) for event in events) == 2, "one of the model, one of the voice"
    assert "5 turns are left out" in caplog.text


async def test_a_model_that_refuses_again_is_asked_again_until_it_takes_what_is_left() -> None:
    room = Room(llm=refusing(4))
    await room.taken(long_history(10))
    assert [len(request.messages) for request in room.engines.llm.requests] == [21, 11, 5, 3]


async def test_a_conversation_whose_question_was_too_long_goes_on() -> None:
    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        if "long" in str(request.messages):
            raise TooLong("too long")
        yield llm.TextDelta(text="Yes.")
        yield llm.Finished(reason="stop", usage=None)

    room = Room("--init_chat_prompt", "", llm=scripted.language_model(script))
    await room.taken(SPOKEN, Microphone().source)
    room.engines.stt.script = scripted.recogniser("a long question").script
    with pytest.raises(TooLong):
        await room.taken(SPOKEN, Microphone().source)
    room.engines.stt.script = scripted.recogniser("a short one").script
    await room.taken(SPOKEN, Microphone().source)
    assert [text_of(message) for message in room.asked] == ["what did you say", "Yes.", "a short one"]


async def test_an_answer_of_white_space_alone_is_not_remembered() -> None:
    room = Room("--init_chat_prompt", "")
    room.engines.llm.script = scripted.answering(" \n\n")
    await room.taken(SPOKEN, Microphone().source)
    await room.taken(SPOKEN, Microphone().source)
    assert [text_of(message) for message in room.asked] == ["what did you say + what did you say"]


async def test_a_question_that_is_too_long_alone_is_refused_at_once() -> None:
    room = Room(llm=refusing(0))
    with pytest.raises(TooLong):
        await room.taken()
    assert room.engines.llm.opened == 1


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="I")
        raise TooLong("now")

    room = Room(llm=scripted.language_model(script))
    with pytest.raises(TooLong):
        await room.taken(long_history(4))
    assert room.engines.llm.opened == 1


async def test_an_endless_answer_is_cut_spoken_and_kept() -> None:
    async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while True:
            yield llm.TextDelta(text="On and on. ")

    room = Room("--max_answer_characters", "25", llm=scripted.language_model(endless))
    (*_, finished) = await room.taken(SPOKEN, Microphone().source)
    assert (finished.reason, finished.outcome.usage) == ("length", None)
    room.engines.llm.script = scripted.answering("Yes.")
    await room.taken(SPOKEN, Microphone().source)
    assert text_of(room.asked[2]) == "On and on. On and on. On "


async def test_waiting_for_another_turn_is_a_part_of_the_time_a_turn_may_take() -> None:
    kept_in = store()
    room = Room("--max_turn_seconds", "0.05", kept_in=kept_in)
    async with kept_in.turn("c"):
        with pytest.raises(TimedOut, match="max_turn_seconds"):
            await room.taken()
    async with asyncio.timeout(10), kept_in.turn("c"):
        pass  # it does not wait any more


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    kept_in = Failing()
    kept_in.failing = True
    assert kept(await Room(kept_in=kept_in).taken()) is None
    assert "is not kept" in caplog.text
    assert kept(await Room(max_bytes=10).taken()) is None
    assert kept(await Room().taken()) == "c"


@pytest.mark.parametrize("data", [2**70, "\ud800", "deep"])
async def test_an_answer_that_cannot_be_stored_is_given_all_the_same(data: Any) -> None:
    if data == "deep":
        data = []
        for _ in range(50_000):
            data = [data]

    async def script(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Yes.")
        yield llm.Finished(reason="stop", usage=None, extra={"opaque": (llm.Opaque(route="r", data=data),)})

    assert kept(await Room(llm=scripted.language_model(script)).taken()) is None


async def test_a_summary_that_begins_while_a_turn_is_heard_gives_way_to_it() -> None:
    async def script(request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while any(INSTRUCTION in str(message) for message in request.messages):
            yield llm.ReasoningDelta(text="Where to begin?")
            await asyncio.sleep(0)
        yield llm.TextDelta(text="Well.")
        yield llm.Finished(reason="stop", usage=None)

    async def hearing(_request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        for _ in range(2):
            assert await read(other.turn(ConversationRef(conversation="other"), Microphone().source).events())
        while not model.open:  # the summary
            await asyncio.sleep(0)
        yield stt.FinalTranscript(text="And now?")
        yield stt.Finished(language="en", seconds=1)

    model = scripted.Scripted(llm.Info(max_parallel=1), script)
    queued = QueuedEngine("scripted", model, QueueLimits(length=4, seconds=30))
    kept_in = store()
    other = Room("--chat_size", "1", kept_in=kept_in, llm=queued)
    room = Room(stt=scripted.Scripted(stt.Info(sample_rate=16_000), hearing), llm=queued)
    room.turns = Turns(other.history, lambda _turn: room.outcomes.append)
    async with asyncio.timeout(10), background() as start:
        other.history.start_maintenance(start)
        events = await read(room.turn(SPOKEN, Microphone().source).events())
    assert isinstance(events[-1], TurnFinished)


async def test_a_slow_store_does_not_hold_who_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        while True:
            yield llm.TextDelta(text="On and on. ")
            await asyncio.sleep(0)

    monkeypatch.setattr("gateway.turns.conversation_turn.KEEPING_SECONDS", 0.05)
    kept_in = Failing(hangs=True)
    kept_in.failing = True
    room = Room(kept_in=kept_in, llm=scripted.language_model(endless))
    async with asyncio.timeout(10):
        async with aclosing(room.turn().events()) as events:
            async for event in events:
                if isinstance(event, tts.AudioChunk):
                    break
        assert room.engines.llm.open == 0
        async with kept_in.turn("c"):
            assert [outcome.conversation_id for outcome in room.outcomes] == [None]


async def test_an_answer_that_is_not_spoken_needs_no_synthesiser() -> None:
    room = Room()
    events = await room.taken(spoken=False, voice="no such voice")
    assert [type(event) for event in events[-4:]] == [TextFinished, ConversationKept, AnswerFinished, TurnFinished]
    assert room.engines.tts.opened == 0
    assert not any(isinstance(event, tts.AudioChunk) for event in events)
    (outcome,) = room.outcomes
    assert (outcome.reason, outcome.spoken_seconds, outcome.timings.llm_first is not None) == ("stop", 0.0, True)


async def test_a_model_that_stops_short_fails_a_text_turn_too() -> None:
    async def cut(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        yield llm.TextDelta(text="Once upon")

    room = Room(llm=scripted.language_model(cut))
    with pytest.raises(UpstreamError, match="ended before the answer was finished"):
        await room.taken(spoken=False)


ODD = (
    llm.Message(role="assistant", parts=(llm.Text(text="Hi."),)),
    llm.Message(role="assistant", parts=(llm.Text(text=" "),)),
    llm.Message(role="system", parts=(llm.Text(text="Be brief."),)),
)


async def test_a_literal_request_reaches_the_model_as_it_is() -> None:
    room = Room("--init_chat_prompt", "Be kind.", "--enable_lang_prompt", "--language", "de")
    await room.taken(ConversationRef(history=ODD), literal=True, spoken=False)
    request = room.engines.llm.requests[-1]
    assert request.messages == ODD
    assert request.reasoning == llm.Reasoning(shown=True)


async def test_a_literal_request_that_is_too_long_is_refused_and_not_cut() -> None:
    async def refusing(_request: llm.Request) -> AsyncGenerator[llm.Event, None]:
        raise TooLong("too long")
        yield

    room = Room(llm=scripted.language_model(refusing))
    history = (*ODD, *(TYPED.history or ()), *ODD, *(TYPED.history or ()))
    with pytest.raises(TooLong):
        await room.taken(ConversationRef(history=history), literal=True)
    assert room.engines.llm.opened == 1


async def test_the_recordings_in_messages_are_heard_in_their_order_and_their_words_are_asked_and_kept() -> None:
    said = iter(["first question", "second question"])

    async def hearing(request: stt.Request) -> AsyncGenerator[stt.Event, None]:
        seconds = sum([len(block) async for block in request.audio]) / 32_000
        yield stt.FinalTranscript(text=next(said))
        yield stt.Finished(language="fr", seconds=seconds)

    ears = scripted.Scripted(stt.Info(sample_rate=16_000), hearing)
    room, microphone = Room(stt=ears), Microphone()
    messages = (
        llm.Message(role="user", parts=(llm.Audio(data=b"RIFF 1", format="wav"),)),
        llm.Message(role="assistant", parts=(llm.Text(text="An answer."),)),
        llm.Message(role="user", parts=(llm.Text(text="Listen:"), llm.Audio(data=b"RIFF 2", format="wav"))),
    )
    ref = ConversationRef(conversation="c", added=messages)
    events = await room.taken(ref, source_of=lambda _audio: microphone.source, literal=True)
    assert [text_of(message) for message in room.asked] == ["first question", "An answer.", "Listen: + second question"]
    assert [event.text for event in events if isinstance(event, TranscriptFinished)] == [
        "first question",
        "second question",
    ]
    assert room.outcomes[0].heard_seconds == 2.0
    await room.taken(ConversationRef(conversation="c", added=TYPED.history or ()), literal=True)
    assert [text_of(message) for message in room.asked][:3] == [
        "first question",
        "An answer.",
        "Listen: + second question",
    ]


async def test_a_recording_that_was_heard_before_is_not_recognised_again() -> None:
    room = Room()
    ref = ConversationRef(history=(llm.Message(role="user", parts=(llm.Audio(data=b"RIFF", format="wav"),)),))
    for _ in range(2):
        await room.taken(ref, source_of=lambda _audio: Microphone().source, literal=True)
    assert room.engines.stt.opened == 1
    assert text_of(room.asked[0]) == "what did you say"
    assert [outcome.heard_seconds for outcome in room.outcomes] == [1.0, 0.0]
    await room.taken(ref, source_of=lambda _audio: Microphone().source, literal=True, language="de")
    assert room.engines.stt.opened == 2


async def test_a_recording_in_messages_that_cannot_be_heard_is_blamed_on_the_messages() -> None:
    async def broken(_sample_rate: int) -> bytes:
        raise InvalidRequest("no sound", param="audio")

    ref = ConversationRef(history=(llm.Message(role="user", parts=(llm.Audio(data=b"RIFF", format="wav"),)),))
    with pytest.raises(InvalidRequest) as refusal:
        await Room().taken(ref, source_of=lambda _audio: broken)
    assert refusal.value.param == "messages"


async def test_the_words_of_a_spoken_answer_are_kept_under_its_id() -> None:
    room = Room()
    await room.taken(ConversationRef(keep=False, history=TYPED.history), audio_id="audio_1")
    words = await room.turns.spoken_words(ANYONE, {"audio_1": "messages[1].audio.id"})
    assert words == {"audio_1": "Hello there. How are you?"}
    for unknown in ("audio_2", "nothing like an id"):
        with pytest.raises(InvalidRequest, match="not found") as refusal:
            await room.turns.spoken_words(ANYONE, {unknown: "messages[1].audio.id"})
        assert refusal.value.param == "messages[1].audio.id"


async def test_a_model_that_listens_gets_the_recordings_in_messages_themselves() -> None:
    room = Room("--stt", "none", "--llm_backend", "chat-completions", "--model_name", "m", stt=None)
    recording = llm.Audio(data=b"RIFF", format="wav")
    ref = ConversationRef(history=(llm.Message(role="user", parts=(recording,)),))
    await room.taken(ref, source_of=lambda _audio: Microphone().source, literal=True)
    assert room.asked[0].parts == (recording,)


async def test_the_outcome_names_the_engines_that_stood_in() -> None:
    async def broken(_request: Any) -> AsyncGenerator[Any, None]:
        raise Unavailable("down")
        yield

    ears: Any = scripted.Scripted(stt.Info(sample_rate=16_000), broken)
    voice: Any = scripted.Scripted(tts.Info(sample_rate=24_000, voices=("hum",), default_voice="hum"), broken)

    def candidates(first: Any, second: Any) -> list[Candidate[Any]]:
        both = (("first", first), ("second", second))
        return [Candidate(name=name, engine=engine, circuit=CircuitBreaker()) for name, engine in both]

    engines = {
        "stt": FallbackRecogniser(candidates(ears, scripted.recogniser("hello"))),
        "tts": FallbackSynthesiser(candidates(voice, scripted.synthesiser())),
    }
    room = Room()
    room.engines = scripted_engines(**engines)
    room.served = ServedRoute(route=load([], {}).routes[0], engines=room.engines)
    await read(room.turn(SPOKEN, Microphone().source).events())
    (outcome,) = room.outcomes
    assert (outcome.reason, outcome.heard_by, outcome.spoken_by) == ("stop", ("second",), ("second",))


async def test_the_outcome_says_how_much_speech_was_cached_and_a_turn_that_is_not_kept_is_private() -> None:
    voice = scripted.synthesiser()
    room = Room(tts=CachedSynthesiser("e", voice, MemorySpeechStore(1_000_000)))
    for ref in (TYPED, TYPED, ConversationRef(keep=False, history=TYPED.history)):
        await read(room.turn(ref).events())
    first, second, private = room.outcomes
    assert (first.cached_characters, second.cached_characters, private.cached_characters) == (0, second.characters, 0)
    assert voice.requests[-1].private
