"""A conversation grows, is cut and joined without losing or inventing anything."""

import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.conversation.conversation import NOT_ANSWERED, SUMMARY, Conversation, Earlier, grouped, opened


def text(role: str, words: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=words),))


def user(words: str) -> llm.Message:
    return text("user", words)


def answer(words: str) -> llm.Message:
    return text("assistant", words)


def calls(*names: str) -> llm.Message:
    parts = tuple(llm.ToolCall(call_id=name, name="f", arguments="{}") for name in names)
    return llm.Message(role="assistant", parts=parts)


def result(name: str, output: str = "x") -> llm.Message:
    return llm.Message(role="tool", parts=(llm.ToolResult(call_id=name, output=output),))


def talk(count: int) -> Conversation:
    conversation = Conversation(id="c")
    for number in range(count):
        conversation = conversation.after((user(f"q{number}"), answer(f"a{number}")))
    return conversation


def lengths(conversation: Conversation) -> list[int]:
    return [len(turn.messages) for turn in conversation.turns]


def test_a_turn_goes_from_one_question_to_the_next_with_all_its_calls() -> None:
    conversation = Conversation(id="c").after((user("q"), calls("1", "2")))
    conversation = conversation.after((result("1"), result("2"))).after((calls("3"),)).after((result("3"), answer("a")))
    assert lengths(conversation) == [7]
    assert lengths(conversation.after((user("again"), answer("b")))) == [7, 2]


def test_it_is_a_value() -> None:
    before = talk(1)
    before.after((user("q"),))
    assert before == talk(1)


def test_a_history_is_cut_into_turns_and_its_head_is_kept_for_good() -> None:
    history = (
        text("system", "s"),
        text("developer", "d"),
        user("a"),
        user("b"),
        answer("c"),
        text("system", "e"),
        user("f"),
    )
    conversation = opened("c", history)
    assert conversation.outright
    assert conversation.opening == history[:2]
    assert lengths(conversation) == [4, 1]
    assert conversation.within(1).opening == history[:2]
    assert grouped(()) == ()
    assert lengths(opened("c", (answer("hello"), user("a")))) == [1, 1]


def test_the_oldest_turns_go_first() -> None:
    conversation = talk(5)
    assert conversation.within(2).turns == conversation.turns[3:]
    assert conversation.within(9) == conversation
    assert conversation.skipping(3).without(2).skipped == 1
    assert conversation.skipping(1).without(2).skipped == 0
    assert conversation.skipping(9).skipped == 5


def test_calls_without_results_get_one_and_results_without_calls_are_refused() -> None:
    conversation = talk(1).after((user("q"), calls("1", "2", "3")))
    given = (result("2"),)
    assert conversation.results(given) == (result("2"), result("1", NOT_ANSWERED), result("3", NOT_ANSWERED))
    assert conversation.after(conversation.results(given)).results(()) == ()
    assert talk(2).results(()) == Conversation(id="c").results(()) == ()
    for wrong in ((result("9"),), (result("2"), result("2"))):
        with pytest.raises(InvalidRequest, match="No tool call found"):
            conversation.results(wrong)
    with pytest.raises(InvalidRequest):
        talk(1).results((result("1"),))


def test_a_summary_stands_in_the_last_message_of_the_beginning() -> None:
    prompt, part = text("system", "p"), llm.Text(text=f"{SUMMARY}s")
    conversation = Conversation(id="c", summary="s")
    assert Conversation(id="c").beginning(prompt, "system") == (prompt,)
    assert Conversation(id="c").beginning(None, "system") == ()
    assert conversation.beginning(None, "developer") == (llm.Message(role="developer", parts=(part,)),)
    assert conversation.beginning(prompt, "x") == (llm.Message(role="system", parts=(*prompt.parts, part)),)
    own = Conversation(id="c", summary="s", opening=(text("system", "o"),)).beginning(prompt, "x")
    assert own == (prompt, llm.Message(role="system", parts=(llm.Text(text="o"), part)))


def test_what_follows_an_answer_that_nobody_heard_is_one_message() -> None:
    conversation = talk(1).after((user("what"),), unheard=True)
    assert conversation.unheard
    both = llm.Message(role="user", parts=(llm.Text(text="what"), llm.Text(text="ever")))
    earlier = Earlier(turns=conversation.turns, unheard=True)
    assert earlier.before((user("ever"),), 0)[-1] == both
    assert earlier.before((user("ever"),), 2) == (user("ever"),)
    assert earlier.before((), 0) == tuple(message for turn in conversation.turns for message in turn.messages)
    after = conversation.after((user("ever"), answer("yes")))
    assert not after.unheard
    assert after.turns[1:] == grouped((both, answer("yes")))
    told = Earlier(turns=grouped((user("a"),)), unheard=False)
    assert told.before((user("b"),), 0) == (user("a"), user("b")), "what the client sends stays as it is"


@pytest.mark.parametrize(("size", "tokens", "expected"), [(400, 100, 4.0), (1, 100, 1.0), (9_000, 100, 8.0)])
def test_the_last_answer_says_how_long_tokens_are(size: int, tokens: int, expected: float) -> None:
    assert talk(1).measured(size, tokens).bytes_per_token == expected


def test_a_count_that_says_nothing_changes_nothing() -> None:
    assert talk(1).measured(0, 5) == talk(1).measured(5, 0) == talk(1)


def test_a_history_of_very_many_messages_takes_no_longer_for_each() -> None:
    """With work that grows with the square of them, this takes minutes; and one request can hold so many."""
    one_turn = grouped([user("a")] * 300_000)
    assert [len(turn.messages) for turn in one_turn] == [300_000]
    assert len(grouped([user("a"), answer("b")] * 50_000)) == 50_000
