"""The audio of a session's items: what the user said and what was answered, within a bound."""

import msgspec

from adapters.contract import llm
from gateway.audio.encode import wav_header
from gateway.engines.route import MODEL_HEARING_RATE
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import AudioFormat
from gateway.realtime.protocol.items import InputAudio, Item, MessageItem, OutputAudio

MOST_BYTES = 8_000_000
"""Of one session, about three minutes of PCM; the oldest recordings are forgotten first."""


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Audio in the format in which the client sent it, or was sent it."""

    audio_format: AudioFormat
    data: bytes

    def for_model(self) -> llm.Audio:
        """A WAV file for a language model that hears."""
        pcm = self.audio_format.pcm(self.data, MODEL_HEARING_RATE)
        return llm.Audio(data=wav_header(MODEL_HEARING_RATE, len(pcm)) + pcm, format="wav")


class Recordings:
    """The recordings of a session by the ids of its items, in ``memory``: where that is full, the oldest go first."""

    def __init__(self, memory: AudioMemory) -> None:
        self._memory = memory
        self._kept: dict[str, tuple[AudioFormat, bytearray]] = {}
        self._size = 0
        self._dropped: set[str] = set()  # whose audio would not be whole

    def add(self, item_id: str, audio_format: AudioFormat, data: bytes) -> None:
        """``data`` is the next audio of the item ``item_id``."""
        if item_id in self._dropped:
            return
        if len(data) > min(MOST_BYTES, self._memory.spare + self._size):
            self._drop(item_id)
            return
        self._kept.setdefault(item_id, (audio_format, bytearray()))
        while self._size + len(data) > MOST_BYTES or len(data) > self._memory.spare:
            self._drop(next(iter(self._kept)))
        if item_id in self._kept:
            self._kept[item_id][1].extend(data)
            self._resize(len(data))

    def get(self, item_id: str) -> Recording | None:
        """The audio of an item, if it is kept."""
        kept = self._kept.get(item_id)
        return None if kept is None else Recording(audio_format=kept[0], data=bytes(kept[1]))

    def truncate(self, item_id: str, end_ms: float) -> None:
        """Only the first ``end_ms`` of the item's audio are kept."""
        if item_id in self._kept:
            audio_format, data = self._kept[item_id]
            before = len(data)
            del data[audio_format.size(end_ms) :]
            self._resize(len(data) - before)

    def forget(self, item_id: str) -> None:
        """The item is gone."""
        self._dropped.discard(item_id)
        if item_id in self._kept:
            self._resize(-len(self._kept.pop(item_id)[1]))

    def _drop(self, item_id: str) -> None:
        self.forget(item_id)
        self._dropped.add(item_id)

    def end(self) -> None:
        """The session is over."""
        self._kept.clear()
        self._resize(-self._size)

    def _resize(self, more: int) -> None:
        self._memory.take(more)
        self._size += more

    def with_audio(self, item: Item) -> Item:
        """``item`` with its audio, where it is kept."""
        recording = self.get(item.id)
        if recording is None or not isinstance(item, MessageItem):
            return item
        content = [
            msgspec.structs.replace(part, audio=recording.data) if isinstance(part, InputAudio | OutputAudio) else part
            for part in item.content
        ]
        return msgspec.structs.replace(item, content=content)
