"""Items as clients write them, and as they are shown to clients."""

import re
from typing import Any

import msgspec
import pytest

from adapters.contract.errors import InvalidRequest
from gateway.conversation.item_ids import new_family
from gateway.wire.items import InputItems, Item, named, with_types


def read(*items: Any) -> list[Item]:
    found: list[Item] = msgspec.convert(with_types(list(items), "input"), InputItems)
    return found


def shown(*items: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = msgspec.to_builtins(list(named(read(*items), "input", new_family())))
    return listed


def test_a_message_may_lack_its_type_and_be_a_text() -> None:
    user, assistant = shown({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"})
    assert re.fullmatch(r"msg_[0-9a-f]{32}", user.pop("id"))
    assert user == {
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hi"}],
    }
    assert assistant["content"] == [{"type": "output_text", "text": "Ho", "annotations": [], "logprobs": []}]


def test_ids_of_the_client_stay_and_what_it_left_out_is_filled_in() -> None:
    image = {"type": "input_image", "image_url": "https://x/y.png", "detail": None}
    said = {"type": "output_text", "text": "a", "annotations": [{"x": 1}], "logprobs": None}
    one, two = shown(
        {"id": "msg_1", "status": "in_progress", "role": "user", "content": [image]},
        {"id": "msg_2", "role": "assistant", "content": [said]},
    )
    assert (one["id"], one["status"], one["content"][0]["detail"]) == ("msg_1", "completed", "auto")
    assert two["content"] == [{"type": "output_text", "text": "a", "annotations": [{"x": 1}], "logprobs": []}]


def test_every_kind_gets_an_id_of_its_own() -> None:
    ids = [
        item["id"].partition("_")[0]
        for item in shown(
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "x"},
            {"type": "reasoning", "summary": []},
        )
    ]
    assert ids == ["fc", "fco", "rs"]


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([{"type": "computer_call"}], "input[0].type"),
        ([{"role": "user", "content": "a"}, {"type": "x"}], "input[1].type"),
        ([{"role": "user", "content": [{"type": "input_file"}]}], "input[0].content[0].type"),
        ([{"type": "function_call_output", "call_id": "c", "output": [{"type": "audio"}]}], "input[0].output[0].type"),
    ],
)
def test_types_that_no_model_is_given_are_named(items: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        with_types(items, "input")
    assert (refused.value.param, refused.value.code) == (param, "invalid_value")


@pytest.mark.parametrize("value", ["text", None, 5, [5, None, "x"], [{"type": 5}], [{"content": 5}]])
def test_what_is_no_item_is_left_to_the_types(value: Any) -> None:
    with_types(value, "input")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(with_types(value, "input"), InputItems)
