"""Items reach a model as messages, and messages that were kept come back as items."""

from adapters.contract import llm
from gateway.realtime.item_messages import items_of, messages_of
from gateway.realtime.protocol.items import (
    Content,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
)

IMAGE = "data:image/png;base64,iVBORw0KGgo="


def said(role: str, *content: Content) -> MessageItem:
    return MessageItem(id="item_1", role=role, content=list(content))  # type: ignore[arg-type]


def test_items_become_messages() -> None:
    recordings = {"item_1": llm.Audio(data=b"sound", format="wav")}
    items: list[Item] = [
        said("system", InputText(text="Be kind.")),
        said("user", InputText(text="Look:"), InputImage(image_url=IMAGE)),
        said("user", InputAudio()),
        said("assistant", OutputAudio(transcript="Let me see.")),
        FunctionCallItem(id="item_2", call_id="call_1", name="time", arguments="{}"),
        FunctionCallOutputItem(id="item_3", call_id="call_1", output="noon"),
        said("assistant", OutputText(text="It is noon.")),
        said("user", InputAudio(transcript="Thanks.")),
    ]
    call = llm.ToolCall(call_id="call_1", name="time", arguments="{}")
    assert messages_of(items, recordings.get) == (
        llm.Message(role="system", parts=(llm.Text(text="Be kind."),)),
        llm.Message(role="user", parts=(llm.Text(text="Look:"), llm.Image(url=IMAGE, detail="auto"))),
        llm.Message(role="user", parts=(recordings["item_1"],)),
        llm.Message(role="assistant", parts=(llm.Text(text="Let me see."), call)),
        llm.Message(role="tool", parts=(llm.ToolResult(call_id="call_1", output="noon"),)),
        llm.Message(role="assistant", parts=(llm.Text(text="It is noon."),)),
        llm.Message(role="user", parts=(llm.Text(text="Thanks."),)),
    )


def test_what_has_no_words_or_was_broken_off_is_left_out() -> None:
    items: list[Item] = [
        said("user", InputAudio(transcript="")),
        said("assistant", OutputAudio(transcript="")),
        said("assistant"),
        FunctionCallItem(id="item_2", status="incomplete", call_id="call_1", name="time", arguments="{"),
    ]
    assert messages_of(items, lambda _: None) == ()


def test_messages_come_back() -> None:
    messages = (
        llm.Message(role="user", parts=(llm.Text(text="Look:"), llm.Image(url=IMAGE, detail="auto"))),
        llm.Message(
            role="assistant",
            parts=(llm.Text(text="Let me see."), llm.ToolCall(call_id="call_1", name="time", arguments="{}")),
        ),
        llm.Message(role="tool", parts=(llm.ToolResult(call_id="call_1", output="noon"),)),
        llm.Message(role="system", parts=(llm.Text(text="Be kind."),)),
    )
    numbers = iter(range(10))
    items = items_of(messages, lambda prefix: f"{prefix}_{next(numbers)}")
    assert [item.id for item in items] == ["item_0", "item_1", "item_2", "item_3", "item_4"]
    assert messages_of(items, lambda _: None) == messages
