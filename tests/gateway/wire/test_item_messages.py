"""Items as messages to a model, and what was said by voice as items."""

from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest, Unsupported
from gateway.wire.item_messages import items_of, messages_of, substituted
from gateway.wire.items import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    Refusal,
    SummaryText,
)
from gateway.wire.messages import MOST_IMAGES, MOST_PARTS

REASONING = ReasoningItem(id="rs_1")


def said(text: str) -> MessageItem:
    return MessageItem(role="assistant", content=text)


def called(call_id: str) -> FunctionCallItem:
    return FunctionCallItem(call_id=call_id, name="f", arguments="{}")


def returned(call_id: str) -> FunctionCallOutputItem:
    return FunctionCallOutputItem(call_id=call_id, output="x")


def shapes(*items: Item) -> list[tuple[str, int]]:
    """The role and the number of parts of each message."""
    return [(message.role, len(message.parts)) for message in messages_of(items)]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([said("a"), called("1"), called("2")], [("assistant", 3)]),
        ([called("1"), REASONING, called("2")], [("assistant", 2)]),
        ([called("1"), said("a"), returned("1")], [("assistant", 2), ("tool", 1)]),
        ([said("a"), said("b")], [("assistant", 1), ("assistant", 1)]),
        ([called("1"), returned("1"), called("2"), returned("2")], [("assistant", 1), ("tool", 1)] * 2),
        ([REASONING], []),
    ],
)
def test_an_answer_and_its_calls_are_one_message(items: list[Item], expected: list[tuple[str, int]]) -> None:
    assert shapes(*items) == expected


def thought(text: str) -> ReasoningItem:
    return ReasoningItem(content=[ReasoningText(text=text)])


SUMMARY = ReasoningItem(summary=[SummaryText(text="so"), SummaryText(text=" on")])


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([thought("a"), called("1"), returned("1"), thought("b"), said("x")], ["a", None, "b"]),
        ([thought("a"), said("x"), thought("b"), called("1")], ["ab"]),
        ([SUMMARY, called("1")], ["so on"]),
        ([thought("a"), MessageItem(role="user", content="x"), said("y")], [None, None]),
        ([REASONING, called("1")], [None]),
    ],
)
def test_reasoning_belongs_to_the_answer_that_follows(items: list[Item], expected: list[str | None]) -> None:
    assert [message.reasoning for message in messages_of(items)] == expected


def test_content_of_every_kind() -> None:
    image = InputImage(image_url="https://x/y.png", detail="original")
    user = MessageItem(role="user", content=[InputText(text="a"), OutputText(text="b"), Refusal(refusal="c"), image])
    (message,) = messages_of([user])
    assert message.parts == (
        *(llm.Text(text=text) for text in "abc"),
        llm.Image(url="https://x/y.png", detail="high"),
    )


IMAGE = InputImage(image_url="https://x/y.png")


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (MessageItem(role="system", content=[IMAGE]), InvalidRequest),
        (MessageItem(role="user", content=[InputImage(file_id="file-1")]), Unsupported),
        (MessageItem(role="user", content=[InputImage(image_url="ftp://x")]), InvalidRequest),
        (FunctionCallOutputItem(call_id="c", output=[InputText(text="a"), IMAGE]), Unsupported),
        (MessageItem(role="user", content=[IMAGE] * (MOST_IMAGES + 1)), InvalidRequest),
        (MessageItem(role="user", content=[InputText(text="a")] * (MOST_PARTS + 1)), InvalidRequest),
    ],
)
def test_what_a_model_is_not_given_is_refused(item: Item, error: type[Exception]) -> None:
    with pytest.raises(error):
        messages_of([item])


def test_a_text_is_substituted_as_a_model_gets_it() -> None:
    def items(text: str, output: Any) -> tuple[Item, ...]:
        return (
            MessageItem(role="user", content=[InputText(text=text), IMAGE]),
            MessageItem(role="assistant", content=[OutputText(text=text), Refusal(refusal=text)]),
            FunctionCallItem(call_id="c", name="f", arguments="{}"),
            FunctionCallOutputItem(call_id="c", output=output),
        )

    given = items("bad", [InputText(text="b"), InputText(text="ad")])
    assert tuple(substituted(item, {"bad": "[removed]"}) for item in given) == items("[removed]", "[removed]")
    assert tuple(substituted(item, {"b": "[removed]"}) for item in given) == given


def test_reasoning_that_was_flagged_is_substituted_too() -> None:
    thoughts = [
        ReasoningItem(content=[ReasoningText(text="very ")], encrypted_content="sealed"),
        ReasoningItem(summary=[SummaryText(text="bad")]),
        ReasoningItem(content=[ReasoningText(text="fine")]),
        ReasoningItem(encrypted_content="sealed"),
    ]
    removed = ReasoningItem(content=[ReasoningText(text="[removed]")])
    texts = {"very bad": "[removed]"}  # as a model gets the first two
    assert [substituted(item, texts) for item in thoughts] == [removed, removed, *thoughts[2:]]


def test_what_was_said_by_voice_is_shown_as_items_with_ids_that_stay() -> None:
    parts: tuple[llm.Part, ...] = (
        llm.Text(text="Wait."),
        llm.ToolCall(call_id="c", name="f", arguments="{}"),
        llm.Opaque(route="r", data={}),
    )
    messages = (
        llm.Message(role="human", parts=(llm.Audio(data=b"x", format="wav"), llm.Image(url="https://x/y.png"))),
        llm.Message(role="assistant", parts=parts),
        llm.Message(role="tool", parts=(llm.ToolResult(call_id="c", output="noon"),)),
    )
    items: tuple[Any, ...] = items_of(messages, "resp_1")
    assert [(item.id.partition("_")[0], item.status) for item in items] == [
        (prefix, "completed") for prefix in ("msg", "msg", "fc", "fco")
    ]
    assert (items[0].role, items[0].content[0].text) == ("user", "(a recording)")
    assert items == items_of(messages, "resp_1")
    assert {item.id for item in items}.isdisjoint(item.id for item in items_of(messages, "resp_2"))
