"""A model gets as much of a conversation as it can take, and half as much after a refusal."""

from typing import Any

from adapters.contract import llm
from gateway.conversation.context_window import IMAGE_TOKENS, MESSAGE_BYTES, ContextWindow, Prompt, size_of
from gateway.conversation.conversation import Earlier, grouped

WORDS = "w" * 84  # 100 bytes with what stands around a message


def text(role: str, words: str = WORDS) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def earlier(turns: int, beginning: int = 1, answer: str = WORDS) -> Earlier:
    messages = [text(role, answer) for _ in range(turns) for role in ("user", "assistant")]
    return Earlier(beginning=(text("system"),) * beginning, turns=grouped(messages))


def window(before: Earlier, **fields: Any) -> ContextWindow:
    plain: dict[str, Any] = {"tools": (), "tokens": None, "bytes_per_token": 1.0, "max_output_tokens": None}
    return ContextWindow(earlier=before, question=(text("user"),), **{**plain, **fields})


def skipped(turns: int = 10, **fields: Any) -> int:
    prompt = window(earlier(turns), **fields).longest()
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
    shown = Earlier(turns=grouped((picture, text("assistant"), text("user"), text("assistant"))))
    assert window(shown, tokens=IMAGE_TOKENS + 100).longest().skipped == 1
    assert window(shown).longest().size == 0, "what a picture costs says nothing of text"
    assert size_of(text("user", "世界")) == 6 + MESSAGE_BYTES
    tool = llm.Tool(name="f", description="d" * 1_000)
    assert window(earlier(1), tools=(tool,)).longest().size > window(earlier(1)).longest().size + 1_000


def test_after_a_refusal_half_of_the_turns_are_left() -> None:
    whole = window(earlier(10))
    half = whole.shorter(whole.longest())
    assert half is not None
    assert (half.skipped, len(half.messages)) == (5, 12)
    one = window(earlier(1))
    assert one.shorter(one.longest()) == Prompt(messages=(text("system"), text("user")), skipped=1, size=200)


def test_a_question_that_was_refused_alone_cannot_be_shorter() -> None:
    bare = window(earlier(0))
    assert bare.shorter(bare.longest()) is None
