"""The chunks of an answer: what clients put together, each part as often as they need it."""

import base64
from typing import Any

import msgspec

from adapters.contract import llm, tts
from gateway.api.chat_completions.chunks import ChunkWriter
from gateway.api.chat_completions.translate import CompletionId
from gateway.pipeline.answer import AnswerFinished
from gateway.turns.result import TurnEvent
from tests.support.chat_client import strict_chunk

NAMES = CompletionId(id="chatcmpl-1", created=1, model="m", audio_id="audio_1", expires_at=3601)
ANSWER = llm.Message(role="assistant", parts=())
USAGE = llm.Usage(input_tokens=3, output_tokens=4, cached_tokens=2, reasoning_tokens=1)
FIRST = {"role": "assistant", "content": "", "refusal": None}
FIRST_OF_NO_TEXT = {"role": "assistant", "content": None, "refusal": None}
SOUND = tts.AudioChunk(pcm=b"xx")


def end(reason: llm.FinishReason = "stop", usage: llm.Usage | None = USAGE) -> AnswerFinished:
    return AnswerFinished(text="", message=ANSWER, reason=reason, usage=usage)


def written(*events: TurnEvent | tuple[TurnEvent, bytes], **options: bool) -> list[dict[str, Any]]:
    writer = ChunkWriter(NAMES, **{"spoken": False, "include_usage": False, **options})
    pairs = [event if isinstance(event, tuple) else (event, b"") for event in events]
    found = [msgspec.to_builtins(chunk) for event, audio in pairs for chunk in writer.chunks(event, audio)]
    for chunk in found:
        strict_chunk(chunk)
    return found


def deltas(*events: TurnEvent | tuple[TurnEvent, bytes], **options: bool) -> list[dict[str, Any]]:
    return [choice["delta"] for chunk in written(*events, **options) for choice in chunk["choices"]]


def test_text_follows_the_role_and_ends_with_its_reason() -> None:
    found = written(llm.TextDelta(text="I'm"), llm.TextDelta(text=" here."), end("length"))
    assert [chunk["choices"][0]["delta"] for chunk in found] == [FIRST, {"content": "I'm"}, {"content": " here."}, {}]
    assert [chunk["choices"][0]["finish_reason"] for chunk in found] == [None, None, None, "length"]
    assert all("usage" not in chunk for chunk in found)


def test_usage_comes_last_and_is_null_before() -> None:
    *before, last = written(llm.TextDelta(text="x"), end(), include_usage=True)
    assert [chunk["usage"] for chunk in before] == [None] * 3
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 7)
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] == 2
    assert last["usage"]["completion_tokens_details"]["reasoning_tokens"] == 1
    assert written(end(usage=None), include_usage=True)[-1]["choices"][0]["finish_reason"] == "stop"


def test_calls_are_numbered_and_named_once() -> None:
    found = deltas(
        llm.ToolCallStarted(call_id="c1", name="f"),
        llm.ToolCallDelta(call_id="c1", arguments="{"),
        llm.ToolCallStarted(call_id="c2", name="g"),
        llm.ToolCallDelta(call_id="c2", arguments="{}"),
        llm.ToolCallDelta(call_id="c1", arguments="}"),
        end("tool_calls"),
    )
    assert found == [
        FIRST_OF_NO_TEXT,
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
        {},
    ]


def test_thought_is_a_field_of_its_own() -> None:
    thought = llm.ReasoningDelta(text="hm")
    text = llm.TextDelta(text="So.")
    assert deltas(thought, text, end()) == [
        FIRST_OF_NO_TEXT,
        {"reasoning_content": "hm"},
        {"content": "So."},
        {},
    ]
    assert deltas(thought, end(), spoken=True) == [FIRST_OF_NO_TEXT, {"reasoning_content": "hm"}, {}]


def test_calls_that_follow_a_thought_leave_the_content_null() -> None:
    first, *others = deltas(llm.ReasoningDelta(text="hm"), llm.ToolCallStarted(call_id="c1", name="f"), end())
    assert first == FIRST_OF_NO_TEXT
    assert not any("content" in delta for delta in others)


def test_audio_has_its_id_and_its_time_once_and_slices_that_can_be_joined() -> None:
    pcm = bytes(range(251)) * 5
    pieces = [pcm[:2], pcm[2:3], pcm[3:1000], pcm[1000:]]
    found = deltas(
        llm.TextDelta(text="Hel"),
        *((SOUND, piece) for piece in pieces[:-1]),
        llm.TextDelta(text="lo."),
        (end(), pieces[-1]),
        spoken=True,
    )
    audio = [delta["audio"] for delta in found if "audio" in delta]
    assert found[0] == FIRST_OF_NO_TEXT
    assert (audio[0], audio[-1], found[-1]) == ({"id": "audio_1"}, {"expires_at": 3601}, {})
    assert "".join(each.get("transcript", "") for each in audio) == "Hello."
    slices = [each["data"] for each in audio if "data" in each]
    assert all(len(base64.b64decode(each)) % 3 == 0 for each in slices[:-1])
    assert base64.b64decode("".join(slices)) == pcm
    assert sum("id" in each for each in audio) == sum("expires_at" in each for each in audio) == 1


def test_an_answer_of_calls_has_no_audio() -> None:
    found = deltas(llm.ToolCallStarted(call_id="c1", name="f"), end("tool_calls"), spoken=True)
    assert not any("audio" in delta for delta in found)


def test_an_empty_answer_is_an_answer() -> None:
    assert deltas(end()) == [FIRST, {}]


def test_a_refusal_comes_in_its_own_field_but_is_spoken_as_any_text() -> None:
    pieces = [llm.TextDelta(text=text, refusal=True) for text in ("I can't ", "help.")]
    assert deltas(*pieces, end()) == [FIRST_OF_NO_TEXT, {"refusal": "I can't "}, {"refusal": "help."}, {}]
    assert {"audio": {"transcript": "help."}} in deltas(*pieces, end(), spoken=True)
