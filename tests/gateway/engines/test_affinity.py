"""A conversation is known by how it begins, whichever way and in whichever words it is asked; shares go by weight."""

from typing import Any

import pytest

from adapters.contract import llm
from adapters.contract.passthrough import PassRequest
from gateway.engines import affinity
from gateway.engines.affinity import Affinity, Opening, opening_of, rank


def said(*turns: tuple[str, str]) -> llm.Request:
    return llm.Request(model="m", messages=history(*turns))


def history(*turns: tuple[str, str]) -> tuple[llm.Message, ...]:
    return tuple(llm.Message(role=role, parts=(llm.Text(text=text),)) for role, text in turns)


def passed(history: tuple[llm.Message | dict[str, Any], ...] = (), **body: Any) -> PassRequest:
    return PassRequest(model="m", body=body, history=history)


FIRST = [("system", "Be brief."), ("user", "Hi")]
LATER = [*FIRST, ("assistant", "Hello."), ("user", "How are you?")]


def test_a_conversation_that_goes_on_has_the_opening_that_it_began_with() -> None:
    first, later = opening_of(said(*FIRST)), opening_of(said(*LATER))
    last = opening_of(said(*LATER, ("assistant", "Fine."), ("user", "Good.")))
    assert first.answered is None
    assert later.asked == first.asked
    assert later.answered == last.answered is not None


@pytest.mark.parametrize("other", [[("user", "Ho"), *LATER[2:]], [*FIRST, ("assistant", "No."), ("user", "Hm?")]])
def test_conversations_that_began_otherwise_differ(other: list[tuple[str, str]]) -> None:
    assert opening_of(said(*other)).answered != opening_of(said(*LATER)).answered


def test_instructions_are_what_many_have_in_common() -> None:
    assert opening_of(said(("developer", "Be long."), *FIRST[1:])) == opening_of(said(*FIRST))


@pytest.mark.parametrize(
    "request_",
    [
        passed(messages=[{"role": role, "content": text} for role, text in LATER]),
        passed(messages=[{"role": role, "content": [{"type": "text", "text": text}]} for role, text in LATER]),
        passed(
            input=[
                {"role": "user", "content": "Hi"},
                {"type": "reasoning", "summary": []},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
                {"role": "user", "content": "How are you?"},
            ]
        ),
        passed(history(*LATER[1:3]), input="How are you?"),
        passed(({"role": "user", "content": "Hi"}, *history(LATER[2])), input="How are you?"),
    ],
    ids=["chat", "parts", "responses", "kept here", "items kept here"],
)
def test_both_protocols_say_the_same(request_: PassRequest) -> None:
    assert opening_of(request_) == opening_of(said(*LATER))


def test_a_call_is_an_answer() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}
    assert opening_of(passed(input=[{"role": "user", "content": "Hi"}, call])).answered is not None


@pytest.mark.parametrize("body", [{}, {"messages": 5}, {"messages": ["x", {"role": 5, "content": {"a": 1}}]}])
def test_what_cannot_be_read_is_a_new_conversation(body: dict[str, Any]) -> None:
    assert opening_of(passed(**body)) == opening_of(said())


def test_one_that_continues_is_known_by_its_question_until_it_was_answered() -> None:
    known = Affinity()
    first, later = opening_of(said(*FIRST)), opening_of(said(*LATER))
    known.remember(first, "a")
    assert (known.server(first), known.server(later)) == (None, "a")  # the first request may be anybody's
    known.remember(later, "b")
    known.remember(first, "a")  # another conversation that was asked the same
    assert known.server(later) == "b"


def test_the_least_recently_used_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "MOST_KEPT", 2)
    known = Affinity()
    for number in (1, 2, 1, 3):
        known.remember(Opening(asked=b"", answered=bytes([number])), str(number))
    kept = [known.server(Opening(asked=b"", answered=bytes([number]))) for number in (1, 2, 3)]
    assert kept == ["1", None, "3"]


def test_each_server_is_the_first_for_its_share_of_all() -> None:
    weights = {"a": 6.0, "b": 3.0, "canary": 1.0}
    taken = [
        max(weights, key=lambda name: rank(key, name, weights[name])) for key in map(str.encode, map(str, range(2000)))
    ]
    assert {name: pytest.approx(taken.count(name) / 2000, abs=0.03) for name in weights} == {
        "a": 0.6,
        "b": 0.3,
        "canary": 0.1,
    }
