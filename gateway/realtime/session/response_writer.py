"""Tells a client of one answer, in the order that the Realtime API documents."""

from typing import Any

import msgspec

from gateway.realtime.protocol.client_events import Metadata
from gateway.realtime.protocol.items import FunctionCallItem, Item, MessageItem, OutputAudio, OutputText
from gateway.realtime.protocol.response_events import (
    ArgumentsDelta,
    ArgumentsDone,
    AudioPart,
    ContentPartAdded,
    ContentPartDone,
    FailureBody,
    OutputAudioDelta,
    OutputAudioDone,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDelta,
    OutputTextDone,
    OutputTranscriptDelta,
    OutputTranscriptDone,
    Response,
    ResponseAudio,
    ResponseCreated,
    ResponseDone,
    ResponseOutput,
    ResponseStatus,
    StatusDetails,
    StopReason,
    TextPart,
    Usage,
)
from gateway.realtime.protocol.server_events import ItemAdded, ItemDone
from gateway.realtime.protocol.session_config import AudioOutput, Modality, OutputTokens
from gateway.realtime.session.conversation_items import FRONT
from gateway.realtime.session.session_state import SessionState
from gateway.wire.items import Status


class ResponseHead(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an answer before it begins; ``in_conversation``: its items become part of the conversation."""

    id: str
    in_conversation: bool
    modality: Modality
    max_output_tokens: OutputTokens
    output: AudioOutput
    metadata: Metadata | None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer ended."""

    status: ResponseStatus
    reason: StopReason | None = None
    error: FailureBody | None = None
    usage: Usage | None = None


class _Draft:
    """An item that is being written."""

    def __init__(self, item: MessageItem | FunctionCallItem, index: int) -> None:
        self.item = item
        self.index = index
        self.pieces: list[str] = []
        self.arguments: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class ResponseWriter:
    """One answer: told of its pieces, it sends the events. One message at most, and any number of function calls.

    Calls are told complete at the end of the answer: a client that acts on one and asks for the next answer at once
    finds this one over.
    """

    def __init__(self, state: SessionState, head: ResponseHead) -> None:
        self.head = head
        self._state = state
        self._drafts: list[_Draft] = []
        self._message: _Draft | None = None
        self._calls: dict[str, _Draft] = {}
        self._after = FRONT
        self.goes_last()
        state.send(ResponseCreated(event_id=state.event_id(), response=self._response("in_progress", [])))

    @property
    def message_id(self) -> str | None:
        """The id of the message, once there is one."""
        return None if self._message is None else self._message.item.id

    @property
    def written(self) -> str:
        """The text of the message so far."""
        return "" if self._message is None else self._message.text

    def goes_last(self) -> None:
        """The answer is one to all items that there are now: what is said before it has begun comes after it."""
        self._after = self._state.items.last_id() or FRONT

    def text(self, text: str) -> None:
        """The next text of the message."""
        draft = self._open_message()
        draft.pieces.append(text)
        where = self._where(draft)
        delta = OutputTranscriptDelta if self.head.modality == "audio" else OutputTextDelta
        self._state.send(delta(**where, delta=text))

    def audio(self, audio: bytes) -> None:
        """The next audio of the message."""
        self._state.send(OutputAudioDelta(**self._where(self._open_message()), delta=audio))

    def call_started(self, call_id: str, name: str) -> None:
        """A function call begins."""
        if call_id not in self._calls:
            item = FunctionCallItem(
                id=self._state.new_id("item"), status="in_progress", call_id=call_id, name=name, arguments=""
            )
            self._calls[call_id] = self._added(item)

    def call_delta(self, call_id: str, arguments: str) -> None:
        """The next piece of a call's arguments."""
        if (draft := self._calls.get(call_id)) is not None:
            self._state.send(ArgumentsDelta(**self._of_call(draft), delta=arguments))
            draft.pieces.append(arguments)

    def call_finished(self, call_id: str, arguments: str) -> None:
        """A call is complete."""
        if (draft := self._calls.get(call_id)) is not None:
            draft.arguments = arguments

    def finish(self, ending: Ending) -> None:
        """The answer is over."""
        status: Status = "completed" if ending.status == "completed" else "incomplete"
        output = [self._done(draft, status) for draft in self._drafts]
        response = self._response(ending.status, output, ending)
        self._state.send(ResponseDone(event_id=self._state.event_id(), response=response))

    def _done(self, draft: _Draft, status: Status) -> Item:
        item = self._call_done(draft, status) if draft is not self._message else self._message_done(draft, status)
        state = self._state
        if self.head.in_conversation and item.id in state.items:  # a client may have deleted it
            state.items.replace(item)
            state.send(ItemDone(event_id=state.event_id(), previous_item_id=state.items.before(item.id), item=item))
        state.send(
            OutputItemDone(event_id=state.event_id(), response_id=self.head.id, output_index=draft.index, item=item)
        )
        return item

    def _message_done(self, draft: _Draft, status: Status) -> Item:
        text, send = draft.text, self._state.send
        if self.head.modality == "audio":
            send(OutputAudioDone(**self._where(draft)))
            send(OutputTranscriptDone(**self._where(draft), transcript=text))
            send(ContentPartDone(**self._where(draft), part=AudioPart(transcript=text)))
            return msgspec.structs.replace(draft.item, status=status, content=[OutputAudio(transcript=text)])
        send(OutputTextDone(**self._where(draft), text=text))
        send(ContentPartDone(**self._where(draft), part=TextPart(text=text)))
        return msgspec.structs.replace(draft.item, status=status, content=[OutputText(text=text)])

    def _call_done(self, draft: _Draft, status: Status) -> Item:
        """A call of an answer that was broken off is not told as complete: it must not be made."""
        item = draft.item
        assert isinstance(item, FunctionCallItem), "what is no message is a call"
        if draft.arguments is None or status != "completed":
            return msgspec.structs.replace(item, status="incomplete", arguments=draft.text)
        self._state.send(ArgumentsDone(**self._of_call(draft), name=item.name, arguments=draft.arguments))
        return msgspec.structs.replace(item, status="completed", arguments=draft.arguments)

    def _open_message(self) -> _Draft:
        if self._message is None:
            item = MessageItem(id=self._state.new_id("item"), status="in_progress", role="assistant", content=[])
            self._message = self._added(item)
            part = AudioPart(transcript="") if self.head.modality == "audio" else TextPart(text="")
            self._state.send(ContentPartAdded(**self._where(self._message), part=part))
        return self._message

    def _added(self, item: MessageItem | FunctionCallItem) -> _Draft:
        draft = _Draft(item, len(self._drafts))
        self._drafts.append(draft)
        state = self._state
        state.send(
            OutputItemAdded(event_id=state.event_id(), response_id=self.head.id, output_index=draft.index, item=item)
        )
        if self.head.in_conversation:
            is_there = self._after == FRONT or self._after in state.items  # a client may have deleted it
            previous = state.items.add(item, self._after if is_there else None)
            self._after = item.id
            state.send(ItemAdded(event_id=state.event_id(), previous_item_id=previous, item=item))
        return draft

    def _where(self, draft: _Draft) -> dict[str, Any]:
        return {
            "event_id": self._state.event_id(),
            "response_id": self.head.id,
            "item_id": draft.item.id,
            "output_index": draft.index,
        }

    def _of_call(self, draft: _Draft) -> dict[str, Any]:
        assert isinstance(draft.item, FunctionCallItem), "what is no message is a call"
        return {**self._where(draft), "call_id": draft.item.call_id}

    def _response(self, status: ResponseStatus, output: list[Item], ending: Ending | None = None) -> Response:
        head = self.head
        details = None
        if ending is not None and (ending.reason or ending.error):
            details = StatusDetails(type=status, reason=ending.reason, error=ending.error)
        return Response(
            id=head.id,
            status=status,
            status_details=details,
            output=output,
            conversation_id=self._state.conversation_id if head.in_conversation else None,
            output_modalities=[head.modality],
            max_output_tokens=head.max_output_tokens,
            audio=ResponseAudio(output=ResponseOutput(format=head.output.format, voice=head.output.voice)),
            usage=None if ending is None else ending.usage,
            metadata=head.metadata,
        )
