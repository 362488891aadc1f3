"""The audio of a session's items: what the user said and what was answered, within bounds."""

import msgspec

from adapters.contract import llm
from gateway.audio.encode import wav_header
from gateway.engines.route import MODEL_HEARING_RATE
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import FORMATS, AudioFormat
from gateway.realtime.hearing.input_audio import MAX_SECONDS
from gateway.realtime.protocol.items import InputAudio, Item, MessageItem, OutputAudio

MOST_SAID_BYTES = FORMATS["audio/pcm"].size(MAX_SECONDS * 1000)
"""Of what the user of one session said: what they may say in one turn, which a model that hears is to hear whole."""

NOT_KEPT = llm.Text(text="(a recording that is not kept any more)")
"""What a model reads in place of a recording that it was to hear, and for which there was no room any more."""

MOST_ANSWERED_BYTES = 8_000_000
"""Of a session's answers, about three minutes of PCM; no model hears them."""

MOST_SHOWN_BYTES = 750_000
"""Of a recording that a client is shown, 15 s of PCM: some clients take events of less than 1 MiB only."""


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Audio in the format in which the client sent it, or was sent it."""

    audio_format: AudioFormat
    data: bytes

    def for_model(self) -> llm.Audio:
        """A WAV file for a language model that hears."""
        pcm = self.audio_format.pcm(self.data, MODEL_HEARING_RATE)
        return llm.Audio(data=wav_header(MODEL_HEARING_RATE, len(pcm)) + pcm, format="wav")


class Recordings:
    """The recordings of a session by the ids of its items, in ``memory``: where that is full, the oldest go first.

    Answers take no room from what the user said. ``are_heard``: a model hears what the user said.
    """

    def __init__(self, memory: AudioMemory, *, are_heard: bool) -> None:
        self._memory = memory
        self._are_heard = are_heard
        self._said = _Shelf(memory)
        self._answered = _Shelf(memory)
        self._dropped: set[str] = set()  # answers whose audio would not be whole

    def keep(self, item_id: str, audio_format: AudioFormat, data: bytes, *, was_buffered: bool = False) -> None:
        """``data`` is what the user said as the item ``item_id``, all of it.

        What ``was_buffered`` by the session until now and a model is to hear always finds room, also that which is kept
        for buffers.
        """
        while self._said.size + len(data) > MOST_SAID_BYTES and self._said.items:
            self._said.forget(self._said.oldest)
        for shelf in (self._answered, self._said):
            while len(data) > self._memory.spare and shelf.items:
                shelf.forget(shelf.oldest)
        if len(data) <= (self._memory.free if was_buffered and self._are_heard else self._memory.spare):
            self._said.add(item_id, audio_format, data)

    def add(self, item_id: str, audio_format: AudioFormat, data: bytes) -> None:
        """``data`` is the next audio of the answer ``item_id``."""
        shelf = self._answered
        if len(data) > min(MOST_ANSWERED_BYTES, self._memory.spare + shelf.size):
            self._drop(item_id)
        while item_id not in self._dropped and (
            shelf.size + len(data) > MOST_ANSWERED_BYTES or len(data) > self._memory.spare
        ):
            self._drop(shelf.oldest)
        if item_id not in self._dropped:
            shelf.add(item_id, audio_format, data)

    def get(self, item_id: str) -> Recording | None:
        """The audio of an item, if it is kept."""
        kept = self._find(item_id)
        return None if kept is None else Recording(audio_format=kept[0], data=bytes(kept[1]))

    def truncate(self, item_id: str, end_ms: float) -> None:
        """Only the first ``end_ms`` of the item's audio are kept."""
        for shelf in (self._said, self._answered):
            shelf.truncate(item_id, end_ms)

    def forget(self, item_id: str) -> None:
        """The item is gone."""
        self._dropped.discard(item_id)
        for shelf in (self._said, self._answered):
            shelf.forget(item_id)

    def _find(self, item_id: str) -> tuple[AudioFormat, bytearray] | None:
        return self._said.items.get(item_id) or self._answered.items.get(item_id)

    def _drop(self, item_id: str) -> None:
        self._answered.forget(item_id)
        self._dropped.add(item_id)

    def end(self) -> None:
        """The session is over."""
        for shelf in (self._said, self._answered):
            for item_id in list(shelf.items):
                shelf.forget(item_id)

    def with_audio(self, item: Item) -> Item:
        """``item`` with its audio, where that is kept and is not too long to be shown."""
        kept = self._find(item.id)
        if kept is None or len(kept[1]) > MOST_SHOWN_BYTES or not isinstance(item, MessageItem):
            return item
        audio = bytes(kept[1])
        content = [
            msgspec.structs.replace(part, audio=audio) if isinstance(part, InputAudio | OutputAudio) else part
            for part in item.content
        ]
        return msgspec.structs.replace(item, content=content)


class _Shelf:
    """Recordings by item, oldest first, of ``size`` bytes in all."""

    def __init__(self, memory: AudioMemory) -> None:
        self._memory = memory
        self.items: dict[str, tuple[AudioFormat, bytearray]] = {}
        self.size = 0

    @property
    def oldest(self) -> str:
        return next(iter(self.items))

    def add(self, item_id: str, audio_format: AudioFormat, data: bytes) -> None:
        self.items.setdefault(item_id, (audio_format, bytearray()))[1].extend(data)
        self._resize(len(data))

    def truncate(self, item_id: str, end_ms: float) -> None:
        if item_id in self.items:
            audio_format, data = self.items[item_id]
            before = len(data)
            del data[audio_format.size(end_ms) :]
            self._resize(len(data) - before)

    def forget(self, item_id: str) -> None:
        if item_id in self.items:
            self._resize(-len(self.items.pop(item_id)[1]))

    def _resize(self, more: int) -> None:
        self._memory.take(more)
        self.size += more
