from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.llm.responses import wire


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("a", [("text", "a")]),
        (None, [("text", "")]),
        ([], []),
        ([{"text": "a"}, {"refusal": "b"}, {"image_url": "c"}], [("text", "a"), ("refusal", "b"), ("text", "")]),
        ({"type": "output_text", "text": {"value": "a"}}, [("text", "a")]),
        (["a", 5, True, None, []], [("text", "a"), ("text", "5"), ("text", ""), ("text", ""), ("text", "")]),
        ([{"refusal": "", "text": "a"}], [("text", "a")]),
        ([{"text": {"value": {}}}, {"text": []}], [("text", ""), ("text", "")]),
    ],
)
def test_texts_keep_their_places(content: Any, texts: list[tuple[str, str]]) -> None:
    assert wire.texts(content) == texts


@pytest.mark.parametrize(
    ("output", "items"),
    [(None, []), ("a", []), ({"type": "x"}, [{"type": "x"}]), ([None, {"a": 1}, [], 5], [{"a": 1}])],
)
def test_the_items_of_a_response_are_its_objects(output: Any, items: list[Any]) -> None:
    assert wire.decode_response(msgspec.json.encode({"output": output})).items == items


def test_an_item_is_read_field_by_field() -> None:
    assert wire.item_of({"type": "message", "id": 5, "name": []}) == wire.Item(type="message", id="5")
    assert wire.item_of(None) == wire.item_of({}) == wire.Item()


def test_usage() -> None:
    usage = {
        "input_tokens": 3,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 1},
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    decoded = wire.decode_response(msgspec.json.encode({"usage": usage})).usage
    assert decoded
    assert decoded.counted() == llm.Usage(input_tokens=3, output_tokens=5, cached_tokens=1, reasoning_tokens=2)
