"""A model gets as much of a conversation as it can take, and half as much after a refusal."""

from typing import Any

from adapters.contract import llm
from gateway.conversation.context_window import IMAGE_TOKENS, MESSAGE_BYTES, ContextWindow, Prompt, size_of
from gateway.conversation.conversation import Turn, grouped

WORDS = "w" * 84  # 100 bytes with what stands around a message


def text(role: str, words: str = WORDS) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def talk(turns: int) -> tuple[Turn, ...]:
    return grouped([text(role) for _ in range(turns) for role in ("user", "assistant")])


def window(turns: tuple[Turn, ...], **fields: Any) -> ContextWindow:
    plain: dict[str, Any] = {
        "beginning": (text("system"),),
        "question": (text("user"),),
        "user_role": "user",
        "tools": (),
        "model": llm.Info(images=True, tools=True),
        "tokens": None,
        "bytes_per_token": 1.0,
        "max_output_tokens": None,
    }
    return ContextWindow(turns=turns, **{**plain, **fields})


def skipped(turns: int = 10, **fields: Any) -> int:
    prompt = window(talk(turns), **fields).longest()
    assert len(prompt.messages) == 2 + 2 * (turns - prompt.skipped)
    assert (prompt.messages[0].role, prompt.messages[-1]) == ("system", text("user"))
    assert prompt.size == sum(map(size_of, prompt.messages)) == 100 * len(prompt.messages)
    return prompt.skipped


def test_without_a_known_context_everything_is_sent() -> None:
    assert skipped(turns=40) == 0


def test_the_oldest_turns_are_left_out_before_the_context_is_full() -> None:
    # 22 messages of 100 bytes are 2,200; the answer keeps 200 tokens free.
    assert skipped(tokens=2_400, max_output_tokens=200) == 0
    # 2,199 are too many: then three quarters are filled, 1,649.
    assert skipped(tokens=2_399, max_output_tokens=200) == 3
    assert skipped(tokens=600, bytes_per_token=4.0, max_output_tokens=50) == 0, "tokens are longer"
    assert skipped(tokens=256) == 10, "the question alone is too much: it is asked"


def test_an_answer_without_a_bound_gets_a_share_and_no_bound_takes_all() -> None:
    assert skipped(tokens=3_000) == 0
    assert skipped(tokens=2_900) == 3
    assert skipped(tokens=8_800, max_output_tokens=100_000) == 0


def test_pictures_tools_and_what_a_script_weighs_count() -> None:
    picture = llm.Message(role="user", parts=(llm.Image(url="https://example.com/a.png"),))
    shown = grouped((picture, text("assistant"), text("user"), text("assistant")))
    assert window(shown, tokens=IMAGE_TOKENS + 100).longest().skipped == 1
    assert window(shown).longest().size == 0, "what a picture costs says nothing of text"
    assert size_of(text("user", "世界")) == 6 + MESSAGE_BYTES
    assert size_of(llm.Message(role="assistant", parts=(), reasoning="世界")) == 6 + MESSAGE_BYTES
    tool = llm.Tool(name="f", description="d" * 1_000)
    assert window(talk(1), tools=(tool,)).longest().size > window(talk(1)).longest().size + 1_000


def test_after_a_refusal_half_of_the_turns_are_left() -> None:
    whole = window(talk(10))
    half = whole.shorter(whole.longest())
    assert half is not None
    assert (half.skipped, len(half.messages)) == (5, 12)
    one = window(talk(1))
    shorter = Prompt(messages=(text("system"), text("user")), skipped=1, tools_size=0)
    assert one.shorter(one.longest()) == shorter
    assert shorter.size == 200


def test_a_question_that_was_refused_alone_cannot_be_shorter() -> None:
    bare = window(talk(0))
    assert bare.shorter(bare.longest()) is None


def test_refusal_after_refusal_only_the_question_is_left() -> None:
    """One giant turn among many must not keep a conversation from ever going on."""
    long = window(talk(30))
    prompt: Prompt | None = long.longest()
    sizes = []
    while prompt is not None:
        sizes.append(len(prompt.messages))
        prompt = long.shorter(prompt)
    assert sizes == [62, 32, 16, 8, 4, 2]


def test_what_is_sent_is_in_normal_form_with_the_media_that_the_model_takes() -> None:
    picture = llm.Message(role="user", parts=(llm.Image(url="https://example.com/a.png"),))
    turns = grouped((picture, text("system", "Be kind."), llm.Message(role="assistant", parts=())))
    turns = (*turns, *grouped((llm.Message(role="user", parts=(llm.ToolResult(call_id="1", output="x"),)),)))
    messages = window(turns, model=llm.Info()).longest().messages
    assert [message.role for message in messages] == ["system", "user"]
    said = [part.text for part in messages[1].parts if isinstance(part, llm.Text)]
    assert said == ["(a picture)", "Result of a tool: x", WORDS]
    shown = window(turns, model=llm.Info(), question=(picture,)).longest().messages
    assert shown[1].parts[-1] == picture.parts[0], "the model itself refuses what it is asked now"
