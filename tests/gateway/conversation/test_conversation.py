"""A conversation grows, is cut and joined without losing or inventing anything."""

from collections.abc import Callable

import msgspec
import pytest

from adapters.contract import llm
from adapters.contract.errors import InvalidRequest
from gateway.conversation.conversation import MOST_STEPS, SUMMARY, Conversation, begun, grouped, opened


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
    conversation = opened(Conversation(id="c"), history)
    assert conversation.outright
    assert conversation.opening == history[:2]
    assert lengths(conversation) == [4, 1]
    assert conversation.within(1).opening == history[:2]
    assert grouped(()) == ()
    assert lengths(opened(Conversation(id="c"), (answer("hello"), user("a")))) == [1, 1]


def test_the_oldest_turns_go_first() -> None:
    conversation = talk(5)
    assert conversation.within(2).turns == conversation.turns[3:]
    assert conversation.within(9) == conversation
    assert conversation.skipping(3).without(2).skipped == 1
    assert conversation.skipping(1).without(2).skipped == 0
    assert conversation.skipping(9).skipped == 5


def test_results_are_taken_for_calls_of_the_newest_answer_alone() -> None:
    conversation = talk(1).after((user("q"), calls("1", "2", "3")))
    assert conversation.with_results((result("2"), result("1"))).turns[-1].messages[-2:] == (result("2"), result("1"))
    for wrong in ((result("9"),), (result("2"), result("2"))):
        with pytest.raises(InvalidRequest, match="No tool call found"):
            conversation.with_results(wrong)
    answered = conversation.with_results((result("2"),)).after((answer("a"),))
    for later in (answered, conversation.after((user("never mind"), answer("a"))), talk(1), Conversation(id="c")):
        with pytest.raises(InvalidRequest, match="No tool call found"):
            later.with_results((result("1"),))


def test_calls_that_a_client_wrote_in_several_messages_are_of_one_answer() -> None:
    conversation = opened(Conversation(id="c"), (user("q"), calls("1"), calls("2")))
    assert len(conversation.with_results((result("1"), result("2"))).turns[-1].messages) == 5


def test_the_prompt_the_clients_own_system_messages_and_the_summary_precede_the_turns() -> None:
    prompt, own = text("system", "p"), text("developer", "o")
    conversation = Conversation(id="c", summary="s", opening=(own,))
    assert conversation.beginning(prompt, "system") == (prompt, own, text("system", f"{SUMMARY}s"))
    assert Conversation(id="c").beginning(None, "system") == ()


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


def test_what_is_added_goes_on_with_the_last_turn_or_begins_one() -> None:
    conversation = talk(1).with_added((user("And then?"), answer("Then this."), user("Really?")))
    assert lengths(conversation) == [2, 2, 1]
    called = talk(1).with_added((calls("a"),)).with_added((result("a"), user("Well?")))
    assert lengths(called) == [4, 1]
    assert talk(1).with_added(()) == talk(1)


def test_an_added_result_needs_a_call_before_it() -> None:
    assert lengths(talk(1).with_added((calls("a"), result("a")))) == [4]
    for wrong in ((result("a"),), (result("a"), calls("a"))):
        with pytest.raises(InvalidRequest, match="No tool call found for function call output with call_id a"):
            talk(1).with_added(wrong)


def test_an_item_is_taken_out_wherever_it_is_and_the_newest_of_two_alike() -> None:
    conversation = Conversation(id="c").after((user("a"), answer("b"), user("a"), answer("b"), user("c")))
    taken = msgspec.structs.replace(conversation, skipped=3).without_item("i", [of("user", "a"), of("assistant", "b")])
    assert [message.role for turn in taken.turns for message in turn.messages] == ["user", "assistant", "user"]
    assert (lengths(taken), taken.skipped, taken.removed) == ([2, 1], 2, ("i",))
    assert conversation.without_item("i", [of("user", "x")]).turns == conversation.turns


def test_what_was_said_is_replaced_where_it_is_or_goes() -> None:
    told = llm.Message(role="assistant", parts=(llm.Text(text="b"), *calls("1").parts))
    conversation = Conversation(id="c", opening=(text("system", "s"),), skipped=2)
    conversation = conversation.after((user("a"), told, user("b"), answer("c")))
    shorter = conversation.with_replaced(answer("b"), (llm.Text(text="B"),))
    assert [message.parts for turn in shorter.turns for message in turn.messages] == [
        user("a").parts,
        (llm.Text(text="B"), *calls("1").parts),
        user("b").parts,
        answer("c").parts,
    ]
    without = conversation.with_replaced(user("b"), ()).with_replaced(answer("c"), ())
    assert (lengths(without), without.skipped) == ([2], 1)
    assert conversation.with_replaced(text("system", "s"), ()).opening == ()
    assert conversation.with_replaced(user("x"), (llm.Text(text="y"),)) == conversation


def test_what_led_to_the_rest_of_a_message_stays() -> None:
    thinking = msgspec.structs.replace(answer("b"), parts=(llm.Text(text="b"), *calls("1").parts), reasoning="hm")
    taken = Conversation(id="c").after((user("a"), thinking)).without_item("i", [of("assistant", "b")])
    assert taken.turns[0].messages[1] == msgspec.structs.replace(calls("1"), reasoning="hm")


def of(role: str, text: str) -> Callable[[str, llm.Part], bool]:
    return lambda said_by, part: said_by == role and part == llm.Text(text=text)


def test_the_way_of_a_conversation_is_remembered_as_far_as_it_may_be_long() -> None:
    conversation = Conversation(id="c")
    for number in range(MOST_STEPS + 1):
        conversation = conversation.stepped(f"r{number}", "route")
    assert len(conversation.steps) == MOST_STEPS
    assert (conversation.steps[0].id, conversation.steps[-1].id) == ("r1", f"r{MOST_STEPS}")
    assert conversation.steps[-1].route == "route"


def test_a_history_that_is_set_outright_begins_a_way_of_its_own() -> None:
    before = begun("c", {"k": "v"}).stepped("r1")
    outright = opened(before, (user("a"),))
    assert (outright.metadata, outright.created_at, outright.steps) == ({"k": "v"}, before.created_at, ())
    assert before.branch("d").metadata == {}
