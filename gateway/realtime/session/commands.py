"""Commands of the realtime session: everything that is to be done, one struct each; the driver runs them in order.

No command waits: what takes time (recognition, an answer) runs in the background, and tells of itself by inputs.
Positions (``…_ms``) are milliseconds of the session's input audio since its start, unless a docstring says otherwise.
``Close``, and the commands about the input ``Closed``, are the last: nothing is to be told any more.
"""

from typing import Literal

import msgspec

from gateway.realtime.protocol.items import Item
from gateway.realtime.protocol.server_events import ItemRetrieved, ServerEvent
from gateway.realtime.protocol.session_config import (
    AudioFormat,
    AudioOutput,
    FunctionTool,
    Reasoning,
    ToolChoice,
    TurnDetection,
)

TimerName = Literal["idle_timeout"]
Reach = Literal["off", "stt", "llm", "tts"]
"""How far work ahead goes: not at all, to recognition, the language model, the first clause's speech."""


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send an event. Events are sent in the order of their commands.

    A transport that plays audio itself (WebRTC) plays an ``OutputAudioDelta`` in place of sending it.
    """

    event: ServerEvent


class SendItem(msgspec.Struct, frozen=True, kw_only=True):
    """Send an item with its audio (``InputAudio.audio``, ``OutputAudio.audio``), put in from what is kept of it."""

    event: ItemRetrieved


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """How audio is read from now on: its format, and how the end of a turn is found.

    Without ``turn_detection`` no voice is told of. A turn that goes on is judged by the new settings.
    """

    format: AudioFormat
    turn_detection: TurnDetection | None


class CommitAudio(msgspec.Struct, frozen=True, kw_only=True):
    """The audio from ``start_ms`` to ``end_ms`` belongs to the item ``item_id`` from now on; older audio is dropped.

    The ears begin anew at ``end_ms``: a voice that goes on there is a new ``VoiceStarted``.
    """

    item_id: str
    start_ms: int
    end_ms: int


class ClearAudio(msgspec.Struct, frozen=True, kw_only=True):
    """Drop the audio before ``end_ms``; the ears begin anew there."""

    end_ms: int


class KeepAudio(msgspec.Struct, frozen=True, kw_only=True):
    """``audio``, in the session's input format, is that of the item ``item_id``: a client added it with the item."""

    item_id: str
    audio: bytes


class TruncateAudio(msgspec.Struct, frozen=True, kw_only=True):
    """Of the answer's item ``item_id`` only the first ``end_ms`` of its audio are kept."""

    item_id: str
    end_ms: int


class ForgetAudio(msgspec.Struct, frozen=True, kw_only=True):
    """The item ``item_id`` is gone, and with it its audio and its transcript, if one is being made."""

    item_id: str


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """How speech is recognised; ``None`` leaves a choice to the settings. ``keywords`` may occur in it.

    ``in_pauses``: also what was said up to each pause, which may be the end.
    """

    language: str | None = None
    prompt: str | None = None
    keywords: tuple[str, ...] = ()
    in_pauses: bool = False


class StartTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """Recognise the audio from ``start_ms`` on while it comes in: it is to be that of the item ``item_id``."""

    item_id: str
    start_ms: int
    recognition: Recognition


class FinishTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """The audio of ``item_id`` is complete (``CommitAudio``, ``KeepAudio``): tell all its words.

    A transcript that was started goes on to the end of the audio; where none was, all of it is recognised. Where no
    voice came after a pause up to which the words are known, those are told at once.
    """

    item_id: str
    recognition: Recognition


class DropTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody wants to know the words of ``item_id``."""

    item_id: str


class AnswerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the model is asked: ``items``, oldest first, and how it answers.

    A recording in ``items`` has its transcript, or ``None`` where the model is to hear the audio of that item itself.
    ``language`` (ISO 639-1) is the one that was heard last, if any was. ``max_output_tokens`` is ``None`` without a
    limit; ``output`` is ``None`` for an answer in text.
    """

    items: tuple[Item, ...]
    language: str | None
    instructions: str
    tools: tuple[FunctionTool, ...]
    tool_choice: ToolChoice
    parallel_tool_calls: bool | None
    reasoning: Reasoning | None
    max_output_tokens: int | None
    output: AudioOutput | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the model, and speak what it says; several answers may run at once.

    Those ``in_conversation`` are heard one after the other; each other one has a pace of its own.
    """

    response_id: str
    plan: AnswerPlan
    in_conversation: bool


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """Answer with ``text``, without asking the model: the rest of an answer that was interrupted by mistake.

    ``language`` (ISO 639-1) is the one that was heard last, if any was.
    """

    response_id: str
    text: str
    language: str | None
    output: AudioOutput


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Stop an answer: model and speech at once, and drop what was not handed over yet."""

    response_id: str


class Prepare(msgspec.Struct, frozen=True, kw_only=True):
    """Work ahead, as far as ``reach``, without any effect that could be seen or heard; at most one attempt at a time.

    The audio from ``start_ms`` to ``end_ms``, the pause, is recognised: the words, ``Prepared``, are the transcript of
    the item ``item_id``, which stands without one at the end of ``plan.items``; without words the attempt stops. Then
    the model is asked, and the first utterance is synthesised; no more. ``plan`` is ``None`` where ``reach`` is "stt".
    """

    response_id: str
    item_id: str
    start_ms: int
    end_ms: int
    reach: Reach
    plan: AnswerPlan | None


class Adopt(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt ``response_id`` is the answer: tell what it has made so far, and let it go on like any other.

    It is counted as a request of its caller now; past a limit it fails, and ``PreparationLost`` tells what it cost.
    """

    response_id: str


class Discard(msgspec.Struct, frozen=True, kw_only=True):
    """Throw the attempt ``response_id`` away, close the model's connection, and tell ``PreparationLost``."""

    response_id: str


class ClearPlayback(msgspec.Struct, frozen=True, kw_only=True):
    """Stop playing what was sent, where the transport plays it itself (WebRTC)."""


class SetTimer(msgspec.Struct, frozen=True, kw_only=True):
    """Tell ``TimerFired`` after ``seconds``; a timer of the same name begins anew."""

    name: TimerName
    seconds: float


class CancelTimer(msgspec.Struct, frozen=True, kw_only=True):
    """Do not tell."""

    name: TimerName


class Remember(msgspec.Struct, frozen=True, kw_only=True):
    """The conversation is ``items`` now: what a client finds that connects again with its id.

    Of what is not there any more, a client ``deleted`` some; the rest was dropped, as there was too much for a session.
    """

    items: tuple[Item, ...]
    deleted: frozenset[str] = frozenset()


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """Close the transport once all was sent; last of all commands."""

    code: int
    reason: str


Command = (
    Send
    | SendItem
    | Listen
    | CommitAudio
    | ClearAudio
    | KeepAudio
    | TruncateAudio
    | ForgetAudio
    | StartTranscript
    | FinishTranscript
    | DropTranscript
    | Answer
    | Say
    | Cancel
    | Prepare
    | Adopt
    | Discard
    | ClearPlayback
    | SetTimer
    | CancelTimer
    | Remember
    | Close
)
