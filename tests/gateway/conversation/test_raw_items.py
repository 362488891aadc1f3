"""Items stand in for messages that cannot say all of them, at the route that they were passed on at."""

from typing import Any

import pytest

from adapters.contract import llm
from gateway.conversation.item_ids import id_in, new_family
from gateway.conversation.raw_items import MADE_UP, is_plain, is_raw, raw, raw_output, with_raw

SAID: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": None}],
    "phase": None,
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "look", "arguments": "{}"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
OTHER = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "run", "input": "1"}


def message(*parts: llm.Part) -> llm.Message:
    return llm.Message(role="assistant", parts=parts)


@pytest.mark.parametrize(
    "item",
    [
        SAID,
        CALL,
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:x", "detail": "low"}]},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "noon"}]},
    ],
)
def test_a_message_can_say_all_of_it(item: dict[str, Any]) -> None:
    assert is_plain(item)


@pytest.mark.parametrize(
    "item",
    [
        OTHER,
        THOUGHT,
        SAID | {"phase": "commentary"},
        CALL | {"namespace": "mine"},
        {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]},
        {"role": "user", "content": [{"type": "input_image", "file_id": "f"}]},
        {"type": ["odd"]},
        {"role": "user", "content": ["odd"]},
    ],
)
def test_a_message_cannot_say_all_of_it(item: dict[str, Any]) -> None:
    assert not is_plain(item)


def test_an_answer_is_kept_whole_or_not_at_all() -> None:
    assert not list(raw_output([SAID, CALL, THOUGHT, 5], "r"))
    assert [part.data for part in raw_output([THOUGHT, SAID, OTHER], "r")] == [THOUGHT, SAID, OTHER]
    assert not list(raw_output(None, "r"))


def test_items_are_for_their_own_route() -> None:
    plain, whole = message(llm.Text(text="Hi")), message(llm.Text(text="Hi"), raw(SAID, "r"), raw(OTHER, "r"))
    assert list(with_raw([plain, whole], "r")) == [plain, SAID, OTHER]
    assert list(with_raw([whole], "another")) == [whole]
    assert [is_raw(part) for part in whole.parts] == [False, True, True]


def test_reasoning_that_says_nothing_is_left_out() -> None:
    empty = {"type": "reasoning", "id": "rs_2", "summary": []}
    kept = message(*(raw(item, "r") for item in (THOUGHT, empty, OTHER)))
    assert list(with_raw([kept], "r")) == [THOUGHT, OTHER]


def test_an_id_that_was_made_up_is_not_sent() -> None:
    kept = message(raw(OTHER | {"id": id_in(new_family(), MADE_UP, 3)}, "r"))
    assert list(with_raw([kept], "r")) == [{name: value for name, value in OTHER.items() if name != "id"}]
