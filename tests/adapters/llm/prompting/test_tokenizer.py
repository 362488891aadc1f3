from typing import Any, ClassVar

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from adapters.llm.prompting.tokenizer import ChatTokenizer


class Added:
    def __init__(self, content: str, *, special: bool) -> None:
        self.content = content
        self.special = special


class Tokenizer:
    """As far as it is used, a tokenizer of Hugging Face; it renders the arguments that it gets."""

    all_special_tokens = ("</s>", "a", "  ", "user")
    added_tokens_decoder: ClassVar = {1: Added("<|im_end|>", special=True), 2: Added("<tool_call>", special=False)}

    def apply_chat_template(self, messages: list[dict[str, Any]], **options: Any) -> str:
        if messages[0]["role"] == "nobody" or any(len(message.get("tool_calls", ())) > 1 for message in messages):
            raise ValueError("what was said")
        return repr((messages, options))

    def decode(self, tokens: list[int], **options: bool) -> str:
        return repr((tokens, options))


def asked(role: str, text: str) -> llm.Request:
    return llm.Request(model="m", messages=(llm.Message(role=role, parts=(llm.Text(text=text),)),))


def test_special_tokens_that_are_words_are_text() -> None:
    assert ChatTokenizer(Tokenizer(), "test", ends=(0,)).special == {"</s>", "<|im_end|>"}


def test_a_request_is_rendered_by_the_template_and_nobody_writes_special_tokens() -> None:
    rendered = ChatTokenizer(Tokenizer(), "test", ends=(0,), template="T").render(asked("user", "a</s>"))
    messages = [{"role": "user", "content": "a< /s>"}]
    options = {"chat_template": "T", "tools": None, "add_generation_prompt": True, "tokenize": False}
    assert rendered == repr((messages, options | {"enable_thinking": True}))


def test_a_template_that_fails_makes_an_invalid_request_without_its_text() -> None:
    with pytest.raises(InvalidRequest, match="refuses these messages: ValueError") as raised:
        ChatTokenizer(Tokenizer(), "test", ends=(0,)).render(asked("nobody", "x"))
    assert raised.value.adapter == "test"


def test_a_template_that_takes_one_call_a_message_gets_several_one_after_the_other() -> None:
    names = ("a", "b")
    calls = tuple(llm.ToolCall(call_id=name, name=name, arguments="{}") for name in names)
    results = [
        llm.Message(role="tool", parts=(llm.ToolResult(call_id=name, output=f"result {name}"),)) for name in names
    ]
    said = llm.Message(role="assistant", parts=(llm.Text(text="One moment."), *calls))
    request = llm.Request(model="m", messages=(*asked("user", "Go.").messages, said, *results))
    rendered = ChatTokenizer(Tokenizer(), "test", ends=(0,)).render(request)
    order = ["Go.", "One moment.", "'name': 'a', 'arguments'", "result a", "'name': 'b', 'arguments'", "result b"]
    places = [rendered.index(piece) for piece in order]
    assert places == sorted(places)
    assert rendered.count("'role'") == 5


def test_tokens_are_decoded_with_all_that_is_in_them() -> None:
    decoded = ChatTokenizer(Tokenizer(), "test", ends=(0,)).decode([1, 2])
    assert decoded == repr(([1, 2], {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}))
