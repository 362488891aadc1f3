"""What clients ask of items: add, show, shorten, delete; a request that cannot be met changes nothing."""

from typing import Any

import pytest

from gateway.realtime.session.commands import KeepAudio
from gateway.realtime.session.inputs import AnswerAudio, AnswerFinished, AnswerText, TranscriptFinished
from tests.support.playbook import Playbook


def text_item(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}


def test_items_have_their_place() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=text_item("two", id="b"))
    assert play.client("conversation.item.create", item=text_item("one", id="a"), previous_item_id="root") == [
        "item.added a",
        "item.done a",
    ]
    assert play.sent("conversation.item.added")["previous_item_id"] is None
    play.client("conversation.item.create", item=text_item("between"), previous_item_id="a")
    assert play.sent("conversation.item.done")["previous_item_id"] == "a"
    play.client("conversation.item.create", item=text_item("last"))
    assert play.sent("conversation.item.added")["previous_item_id"] == "b"
    assert play.client("response.create")[-1] == "Answer resp_1 to user: one | user: between | user: two | user: last"


def test_the_client_may_write_the_other_side_too() -> None:
    play = Playbook()
    for role, type_ in (("system", "input_text"), ("assistant", "output_text")):
        item = {"type": "message", "role": role, "content": [{"type": type_, "text": role}]}
        assert play.client("conversation.item.create", item=item)[-1].startswith("item.done")
    call = {"type": "function_call", "call_id": "call_1", "name": "time", "arguments": "{}"}
    play.client("conversation.item.create", item=call)
    play.client("conversation.item.create", item={"type": "function_call_output", "call_id": "call_1", "output": "1"})
    assert (
        play.client("response.create")[-1] == "Answer resp_1 to system: system | assistant: assistant | time({}) | =1"
    )


@pytest.mark.parametrize(
    ("item", "fields", "code", "param"),
    [
        (text_item("x", id="a"), {}, "item_create_duplicate_id", "item.id"),
        (text_item("x", id="root"), {}, "item_create_duplicate_id", "item.id"),
        (text_item("x", id="a" * 65), {}, "string_above_max_length", "item.id"),
        (text_item("x"), {"previous_item_id": "z"}, "item_create_invalid_previous_item_id", "previous_item_id"),
        (
            {"type": "function_call_output", "call_id": "call_9", "output": ""},
            {},
            "invalid_tool_call_id",
            "item.call_id",
        ),
        (text_item("x", role="assistant"), {}, "invalid_value", "item.content[0].type"),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}] * 2},
            {},
            "invalid_value",
            "item.content",
        ),
    ],
)
def test_items_that_cannot_be_added(item: dict[str, Any], fields: dict[str, Any], code: str, param: str) -> None:
    play = Playbook()
    play.client("conversation.item.create", item=text_item("there", id="a"))
    assert play.client("conversation.item.create", event_id="e1", item=item, **fields) == [f"error {code} e1"]
    assert play.sent("error")["error"]["param"] == param
    assert play.client("response.create")[-1] == "Answer resp_1 to user: there"


def test_a_recording_is_kept_apart_and_recognised() -> None:
    play = Playbook({"audio": {"input": {"transcription": {}}}})
    item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAEC"}]}
    assert play.client("conversation.item.create", item=item) == [
        "KeepAudio item_1",
        "item.added item_1",
        "item.done item_1",
        "FinishTranscript item_1",
    ]
    assert play.command(KeepAudio).audio == b"\0\1\2"
    assert "audio" not in play.sent("conversation.item.added")["item"]["content"][0]
    play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=0.1))
    assert play.client("conversation.item.retrieve", item_id="item_1") == ["item.retrieved item_1"]
    assert play.sent("conversation.item.retrieved")["item"]["content"] == [
        {"type": "input_audio", "transcript": "Hello."}
    ]


def test_words_are_those_of_the_part_that_was_said() -> None:
    play = Playbook({"audio": {"input": {"transcription": {}}}})
    content = [{"type": "input_text", "text": "Listen:"}, {"type": "input_audio", "audio": "AAEC"}]
    play.client("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    play(TranscriptFinished(item_id="item_1", text="Hello.", seconds=0.1))
    assert play.sent("conversation.item.input_audio_transcription.completed")["content_index"] == 1
    assert play.client("response.create")[-1] == "Answer resp_1 to user: Listen: Hello."


def test_a_recording_whose_words_the_client_knows_is_not_recognised() -> None:
    play = Playbook()
    part = {"type": "input_audio", "audio": "AAEC", "transcript": "Hello."}
    item = {"type": "message", "role": "user", "content": [part]}
    assert "FinishTranscript item_1" not in play.client("conversation.item.create", item=item)
    assert play.client("response.create")[-1] == "Answer resp_1 to user: Hello."


@pytest.mark.parametrize("what", ["retrieve", "delete", "truncate"])
def test_items_that_are_not_there(what: str) -> None:
    play = Playbook()
    fields = {"content_index": 0, "audio_end_ms": 0} if what == "truncate" else {}
    lines = play.client(f"conversation.item.{what}", event_id="e1", item_id="z", **fields)
    assert lines == [f"error item_{what}_invalid_item_id e1"]


def test_an_item_that_is_referred_to_has_to_be_there() -> None:
    play = Playbook()
    given = {"input": [{"type": "item_reference", "id": "z"}]}
    assert play.client("response.create", response=given) == ["error item_create_invalid_item_reference"]
    assert play.client("response.create")[0] == "response.created resp_1"


def test_a_deleted_item_is_forgotten() -> None:
    play = Playbook()
    play.client("conversation.item.create", item=text_item("secret"))
    assert play.client("conversation.item.delete", item_id="item_1") == ["ForgetAudio item_1", "item.deleted item_1"]
    assert play.client("response.create")[-1] == "Answer resp_1 to "


def spoken() -> Playbook:
    """A session that has spoken two sentences of a second each, all of them played."""
    play = Playbook()
    play.client("response.create")
    play(
        AnswerText(response_id="resp_1", text="One two three. Four five six."),
        AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=1000, begins="One two three. "),
        AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=1000, begins="Four five six."),
        AnswerFinished(response_id="resp_1", reason="stop"),
    )
    play.seconds += 10
    return play


@pytest.mark.parametrize(
    ("asked", "told", "kept"),
    [
        (0, 0, ""),
        (1000, 1000, "One two three. "),
        (1500, 1500, "One two three. Four"),
        (2000, 2000, "One two three. Four five six."),
        (9000, 2000, "One two three. Four five six."),
    ],
)
def test_truncation_deletes_the_words_that_were_not_heard(asked: int, told: int, kept: str) -> None:
    play = spoken()
    fields = {"item_id": "item_1", "content_index": 0, "audio_end_ms": asked}
    assert play.client("conversation.item.truncate", **fields) == [
        f"TruncateAudio item_1 {told}",
        f"item.truncated item_1 at {told}",
    ]
    assert play.client("response.create")[-1] == f"Answer resp_2 to assistant: {kept}"


def test_truncation_of_an_answer_that_is_still_sent() -> None:
    play = Playbook()
    play.client("response.create")
    play(
        AnswerText(response_id="resp_1", text="One two three."),
        AnswerAudio(response_id="resp_1", audio=b"\0\0", ms=1000, begins="One two three."),
    )
    fields = {"item_id": "item_1", "content_index": 0, "audio_end_ms": 0}
    assert play.client("conversation.item.truncate", **fields)[-1] == "item.truncated item_1 at 0"
    play.client("response.cancel")
    assert play.client("response.create")[-1] == "Answer resp_2 to assistant: "


@pytest.mark.parametrize(("item_id", "index"), [("item_1", 1), ("mine", 0), ("written", 0)])
def test_what_cannot_be_truncated(item_id: str, index: int) -> None:
    play = spoken()
    play.client("conversation.item.create", item=text_item("x", id="mine"))
    written = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}
    play.client("conversation.item.create", item={**written, "id": "written"})
    fields = {"item_id": item_id, "content_index": index, "audio_end_ms": 0}
    assert play.client("conversation.item.truncate", **fields) == ["error invalid_value"]
