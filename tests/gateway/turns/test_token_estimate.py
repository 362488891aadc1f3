"""Estimates of tokens: text and calls count, media do not."""

from adapters.contract import llm
from gateway.turns.token_estimate import body_characters, estimated_tokens, message_characters


def test_tokens_are_rounded_up() -> None:
    assert [estimated_tokens(characters) for characters in (0, 1, 4, 5)] == [0, 1, 1, 2]


def test_media_in_messages_do_not_count() -> None:
    parts = (
        llm.Text(text="four"),
        llm.Image(url="data:image/png;base64," + "A" * 999),
        llm.ToolCall(call_id="c", name="look", arguments='{"a": 1}'),
        llm.ToolResult(call_id="c", output="nothing"),
    )
    assert message_characters([llm.Message(role="user", parts=parts, reasoning="hm")]) == 4 + 4 + 8 + 7 + 2


def test_media_in_a_body_do_not_count() -> None:
    body = {
        "model": "m",
        "temperature": 1,
        "messages": [
            {"role": "user", "content": "hello"},
            {
                "role": "user",
                "content": [
                    {"type": "input_audio", "input_audio": {"data": "A" * 999, "format": "wav"}},
                    {"image_url": {"url": "data:image/png;base64,AAAA"}},
                ],
            },
        ],
    }
    assert body_characters(body) == len("muserhellouserinput_audiowav")
