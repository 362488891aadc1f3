"""The audio of a session's items."""

import io
import wave

import msgspec
import pytest

from gateway.realtime import recordings
from gateway.realtime.audio_memory import AudioMemory
from gateway.realtime.hearing.audio_format import FORMATS
from gateway.realtime.hearing.input_audio import MAX_SECONDS
from gateway.realtime.hearing.input_audio import InputAudio as InputAudioBuffer
from gateway.realtime.protocol.items import InputAudio, InputText, MessageItem
from gateway.realtime.recordings import Recordings

PCM = FORMATS["audio/pcm"]
ITEM = MessageItem(id="a", role="user", content=[InputAudio(), InputText(text="and this")])


def test_an_item_is_shown_with_its_audio() -> None:
    kept = Recordings(AudioMemory(64), are_heard=True)
    kept.add("a", PCM, b"\1\2")
    kept.add("a", PCM, b"\3\4")
    item = kept.with_audio(ITEM)
    assert isinstance(item, MessageItem)
    assert item.content == [InputAudio(audio=b"\1\2\3\4"), InputText(text="and this")]
    kept.forget("a")
    assert kept.with_audio(ITEM) == ITEM


def test_audio_that_is_too_long_for_an_event_is_left_out_until_it_is_cut() -> None:
    kept = Recordings(AudioMemory(64), are_heard=True)
    kept.add("a", PCM, bytes(750_000))
    kept.add("a", PCM, bytes(2))
    assert kept.with_audio(ITEM) == ITEM
    kept.truncate("a", 15_600)
    item = kept.with_audio(ITEM)
    assert item != ITEM
    assert len(msgspec.json.encode(item)) < 1024 * 1024 - 40_000, "there is room for the words"


def test_what_was_not_heard_is_cut_off() -> None:
    kept = Recordings(AudioMemory(64), are_heard=True)
    kept.add("a", PCM, bytes(48_000))
    kept.truncate("a", 250)
    kept.truncate("unknown", 250)
    recording = kept.get("a")
    assert recording is not None
    assert len(recording.data) == 12_000


def test_a_model_that_hears_gets_a_file_whatever_the_client_sends() -> None:
    kept = Recordings(AudioMemory(64), are_heard=True)
    kept.keep("a", FORMATS["audio/pcmu"], b"\xff" * 8_000)
    recording = kept.get("a")
    assert recording is not None
    heard = recording.for_model()
    assert heard.format == "wav"
    with wave.open(io.BytesIO(heard.data)) as file:
        assert (file.getframerate(), file.getnframes()) == (16_000, 16_000)


def test_of_answers_the_oldest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_ANSWERED_BYTES", 100)
    kept = Recordings(AudioMemory(64), are_heard=True)
    for name in "abc":
        kept.add(name, PCM, bytes(40))
    assert [name for name in "abc" if kept.get(name) is not None] == ["b", "c"]
    kept.add("d", PCM, bytes(400))
    assert [name for name in "abcd" if kept.get(name) is not None] == ["b", "c"], "nothing goes for what is too large"


def test_what_the_user_said_is_kept_however_long_the_answers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_ANSWERED_BYTES", 100)
    monkeypatch.setattr(recordings, "MOST_SAID_BYTES", 100)
    kept = Recordings(AudioMemory(64), are_heard=True)
    for number in range(5):
        kept.keep(f"said {number}", PCM, bytes(20))
        for _ in range(8):
            kept.add(f"answered {number}", PCM, bytes(20))
    assert all(kept.get(f"said {number}") for number in range(5))
    kept.keep("newest", PCM, bytes(100))
    assert [name for name in (*(f"said {number}" for number in range(5)), "newest") if kept.get(name)] == ["newest"]


def test_the_longest_turn_is_kept_though_all_sessions_keep_too_much() -> None:
    memory, turn = AudioMemory(64), bytes(PCM.size(MAX_SECONDS * 1000))
    buffer = InputAudioBuffer(PCM, memory)
    for half in (turn[: len(turn) // 2], turn[len(turn) // 2 :]):
        buffer.append(half)
    memory.take(memory.free)
    utterance = buffer.commit(0, buffer.now_ms)
    kept = Recordings(memory, are_heard=True)
    kept.keep("a", PCM, utterance.data, was_buffered=True)
    recording = kept.get("a")
    assert recording is not None
    assert recording.data == turn
    assert memory.free == 0
    kept.add("b", PCM, bytes(2))
    assert kept.get("b") is None
    kept.keep("c", PCM, bytes(2), was_buffered=True)
    assert kept.get("a") is None, "what was said before takes no room that is kept for buffers"
    assert kept.get("c") is not None
    kept.end()
    assert memory.free == len(turn)


def test_a_recording_for_which_there_is_no_room_at_all_is_not_kept() -> None:
    memory = AudioMemory(64)
    memory.take(memory.free)
    kept = Recordings(memory, are_heard=True)
    kept.keep("a", PCM, bytes(2), was_buffered=True)
    assert kept.get("a") is None


@pytest.mark.parametrize(("are_heard", "was_buffered"), [(False, True), (True, False), (False, False)])
def test_what_no_model_hears_or_was_only_sent_takes_no_room_that_is_kept_for_buffers(
    *, are_heard: bool, was_buffered: bool
) -> None:
    memory = AudioMemory(64)
    memory.take(memory.spare)
    kept = Recordings(memory, are_heard=are_heard)
    kept.keep("a", PCM, bytes(2), was_buffered=was_buffered)
    assert kept.get("a") is None


def test_where_all_sessions_keep_too_much_the_oldest_of_this_one_go() -> None:
    memory = AudioMemory(2)
    memory.take(1024 * 1024 - 10)  # ten bytes are left of the half that is for recordings
    kept = Recordings(memory, are_heard=True)
    kept.keep("said", PCM, bytes(2))
    kept.add("a", PCM, bytes(4))
    kept.add("b", PCM, bytes(4))
    kept.add("b", PCM, bytes(2))
    assert kept.get("a") is None
    recording = kept.get("b")
    assert recording is not None
    assert len(recording.data) == 6
    kept.add("a", PCM, bytes(2))
    assert kept.get("a") is None, "its beginning is not there any more"
    kept.add("c", PCM, bytes(12))
    assert kept.get("c") is None, "there is no room for it at all"
    assert kept.get("b") is not None, "and nothing went for it"
    kept.keep("said later", PCM, bytes(8))
    assert kept.get("b") is None, "answers go before what the user said"
    assert kept.get("said") is not None
    kept.end()
    assert memory.spare == 10


def test_a_recording_that_was_dropped_can_begin_anew_as_another_item() -> None:
    memory = AudioMemory(2)
    memory.take(1024 * 1024 - 10)
    kept = Recordings(memory, are_heard=True)
    kept.add("a", PCM, bytes(12))
    kept.forget("a")
    kept.add("a", PCM, bytes(2))
    assert kept.get("a") is not None
