"""What chat clients write becomes what models read; what cannot be one is refused with the field's name."""

from typing import Any

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.wire.messages import ChatMessage, image_of, message_of, messages_of, spoken_answers


def read(**message: Any) -> llm.Message:
    return message_of(msgspec.convert(message, ChatMessage), {"audio_1": "It is noon."}, "messages[3]")


def test_text_stays_text_in_every_role() -> None:
    for role in ("system", "developer", "user", "assistant"):
        assert read(role=role, content="hi") == llm.Message(role=role, parts=(llm.Text(text="hi"),))


def test_parts_keep_their_order() -> None:
    url = "https://example.com/cat.png"
    content = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "text", "text": "What is it?"},
    ]
    assert read(role="user", content=content).parts == (
        llm.Text(text="Look:"),
        llm.Image(url=url, detail="low"),
        llm.Text(text="What is it?"),
    )


def test_an_assistant_that_spoke_and_called() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
        {"id": "c2", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}},
    ]
    assert read(role="assistant", content="One moment.", tool_calls=calls).parts == (
        llm.Text(text="One moment."),
        llm.ToolCall(call_id="c1", name="clock", arguments="{}"),
        llm.ToolCall(call_id="c2", name="weather", arguments='{"city": "Ulm"}'),
    )
    assert len(read(role="assistant", content=None, tool_calls=calls).parts) == 2


def test_what_the_assistant_refused_is_its_text() -> None:
    refused = llm.Message(role="assistant", parts=(llm.Text(text="I cannot help with that."),))
    assert read(role="assistant", content=[{"type": "refusal", "refusal": "I cannot help with that."}]) == refused
    assert read(role="assistant", content=None, refusal="I cannot help with that.") == refused
    assert read(role="assistant", content="Hello.", refusal=None).parts == (llm.Text(text="Hello."),)


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("noon", "noon"),
        ([{"type": "text", "text": "no"}, {"type": "text", "text": "on"}], "noon"),
        (None, ""),
    ],
)
def test_a_tool_result_names_its_call(content: Any, output: str) -> None:
    message = read(role="tool", tool_call_id="c1", content=content)
    assert message == llm.Message(role="tool", parts=(llm.ToolResult(call_id="c1", output=output),))


def test_a_tool_result_of_no_call_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="tool_call_id") as refusal:
        read(role="tool", content="noon")
    assert refusal.value.param == "messages"


IMAGE = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
RECORDING = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "mp3"}}


def test_a_recording_keeps_its_place() -> None:
    content = [{"type": "text", "text": "Listen:"}, RECORDING, {"type": "text", "text": "What is it?"}]
    assert read(role="user", content=content).parts == (
        llm.Text(text="Listen:"),
        llm.Audio(data=b"RIFF", format="mp3"),
        llm.Text(text="What is it?"),
    )


def test_the_assistants_reasoning_comes_back_and_nobody_elses() -> None:
    assert read(role="assistant", content="a", reasoning_content="hm").reasoning == "hm"
    assert read(role="assistant", content="a", reasoning_content="").reasoning is None
    assert read(role="user", content="a", reasoning_content="hm").reasoning is None


def test_an_earlier_spoken_answer_is_its_words_unless_those_are_there() -> None:
    assert read(role="assistant", audio={"id": "audio_1"}).parts == (llm.Text(text="It is noon."),)
    assert read(role="assistant", content="Noon.", audio={"id": "audio_1"}).parts == (llm.Text(text="Noon."),)
    given = [{"role": "user", "content": "hi"}, {"role": "assistant", "audio": {"id": "audio_2"}}]
    assert spoken_answers(msgspec.convert(given, list[ChatMessage])) == {"audio_2": "messages[1].audio.id"}


def test_function_calls_and_their_results_are_those_of_tools() -> None:
    call = {"name": "clock", "arguments": "{}"}
    given = [
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "clock", "content": "noon"},
    ]
    assert messages_of(msgspec.convert(given, list[ChatMessage])) == (
        llm.Message(role="assistant", parts=(llm.ToolCall(call_id="call_0", name="clock", arguments="{}"),)),
        llm.Message(role="tool", parts=(llm.ToolResult(call_id="call_0", output="noon"),)),
    )
    with pytest.raises(InvalidRequest, match="tool_call_id"):
        messages_of(msgspec.convert(given[1:], list[ChatMessage]))


@pytest.mark.parametrize("part", [IMAGE, RECORDING])
@pytest.mark.parametrize("role", ["tool", "assistant", "system", "developer"])
def test_only_users_show_images_and_speak(role: str, part: dict[str, Any]) -> None:
    content = [{"type": "text", "text": "noon"}, part]
    with pytest.raises(InvalidRequest, match="text only") as refusal:
        read(role=role, tool_call_id="c1", content=content)
    assert refusal.value.param == "messages"


def test_an_image_that_is_none_is_named_by_its_place() -> None:
    text = {"type": "text", "text": "noon"}
    with pytest.raises(InvalidRequest, match="Invalid image") as refusal:
        read(role="user", content=[text, {"type": "image_url", "image_url": {"url": "/etc/passwd"}}])
    assert refusal.value.param == "messages[3].content[1].image_url.url"


def test_a_recording_that_is_none_is_named_by_its_place() -> None:
    part = {"type": "input_audio", "input_audio": {"data": "not base64", "format": "wav"}}
    with pytest.raises(InvalidRequest, match="not valid base64") as refusal:
        messages_of(msgspec.convert([{"role": "user"}, {"role": "user", "content": [part]}], list[ChatMessage]))
    assert refusal.value.param == "messages[1].content[0].input_audio.data"


@pytest.mark.parametrize("url", ["https://x/y.png", "http://x/y.png", "data:image/png;base64,AAAA"])
def test_images_are_web_addresses_or_data(url: str) -> None:
    assert image_of(url, "high") == llm.Image(url=url, detail="high")


@pytest.mark.parametrize("url", ["", "cat.png", "file:///etc/passwd", "data:text/html;base64,AAAA", "ftp://x/y.png"])
def test_anything_else_is_no_image(url: str) -> None:
    with pytest.raises(InvalidRequest, match="Invalid image") as refusal:
        image_of(url)
    assert refusal.value.param == "image"


def test_a_refused_image_is_not_repeated_at_length() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        image_of("A" * 100_000)
    assert len(refusal.value.message) < 300
