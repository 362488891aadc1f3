from typing import Any

from adapters.llm.chat_completions.reasoning_details import ReasoningDetails


def joined(*pieces: dict[str, Any]) -> list[dict[str, Any]]:
    details = ReasoningDetails()
    for piece in pieces:
        details.add(piece)
    return details.joined()


def test_the_texts_of_one_detail_are_joined_and_its_last_signature_kept() -> None:
    text = {"type": "reasoning.text", "index": 0}
    assert joined(
        text | {"text": "a", "signature": None}, text | {"text": "b"}, text | {"text": None, "signature": "s"}
    ) == [text | {"text": "ab", "signature": "s"}]


def test_details_of_another_type_or_index_are_kept_apart() -> None:
    details = [
        {"type": "reasoning.summary", "index": 0, "summary": "a"},
        {"type": "reasoning.summary", "index": 1, "summary": "b"},
        {"type": "reasoning.encrypted", "index": 1, "data": "c"},
        {"type": "reasoning.encrypted", "index": 1, "data": "d"},
    ]
    assert joined(*details) == details


def test_fields_of_other_types_do_no_harm() -> None:
    assert joined({"type": ["x"], "text": 5}, {}, {"type": "reasoning.text", "text": {}}) == [
        {"type": ["x"], "text": 5},
        {},
        {"type": "reasoning.text", "text": {}},
    ]


def test_what_cannot_be_sent_back_is_left_out() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"a": deep}
    assert joined(deep, {"type": "x"}) == [{"type": "x"}]
