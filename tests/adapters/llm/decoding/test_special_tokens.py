import pytest

from adapters.llm.decoding.special_tokens import Found, finder

_PLAIN = finder(frozenset())


def found(text: str, more: frozenset[str] = frozenset()) -> list[str]:
    """The tokens of ``text``; one that is not complete has a trailing dot."""
    return [text[token.start : token.end] + "." * (not token.complete) for token in finder(more).find(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("no token, a < b, [1], x<y>", []),
        ("<think>a</think>", ["<think>", "</think>"]),
        ("a<|im_end|>b<｜end▁of▁sentence｜>", ["<|im_end|>", "<｜end▁of▁sentence｜>"]),
        ("<s><s>", ["<s>", "<s>"]),
        ("<s>a<|im_", ["<s>", "<|im_."]),
        ("a<th", ["<th."]),
    ],
)
def test_tokens_are_found_in_order_and_an_incomplete_one_is_the_last(text: str, tokens: list[str]) -> None:
    assert found(text) == tokens


def test_a_short_token_waits_where_a_longer_one_may_follow() -> None:
    names = frozenset(["<a", "<ab>"])
    assert found("<a", names) == ["<a."]
    assert found("<ac", names) == ["<a"]
    assert found("<ab>", names) == ["<ab>"]


def test_where_they_are() -> None:
    assert list(_PLAIN.find("ab</s>c")) == [Found(start=2, end=6, complete=True)]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("hello</s>\n<|im_end|> ", "hello"),
        ("<|im_end|>", ""),
        ("</s></s>", ""),
        ("s></s>", "s>"),
        ("", ""),
        (" ", " "),
        ("a <b> ", "a <b> "),
        ("</s> hello", "</s> hello"),
    ],
)
def test_the_tokens_at_the_end_are_removed(text: str, rest: str) -> None:
    assert _PLAIN.without_last(text) == rest
