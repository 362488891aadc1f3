"""A conversation grows, is cut and joined without losing or inventing anything."""

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


def steps(count: int, conversation: Conversation | None = None) -> Conversation:
    """The talk of ``count`` steps r0, r1, …"""
    conversation = conversation or Conversation(id="c")
    for number in range(count):
        conversation = conversation.after((user("q"), answer(f"a{number}"))).stepped(f"r{number}")
    return conversation


def said(conversation: Conversation) -> list[str]:
    parts = [part for turn in conversation.turns for message in turn.messages for part in message.parts]
    return [part.text for part in parts if isinstance(part, llm.Text)]


def test_an_item_is_taken_out_of_its_own_step_and_of_no_other() -> None:
    taken = steps(3).with_step("r1", lambda _: (answer("a1"),))
    assert said(taken) == ["q", "a0", "a1", "q", "a2"]
    assert taken.with_step("r9", lambda _: ()) == taken
    assert said(taken.with_step("r2", lambda messages: messages[:1])) == ["q", "a0", "a1", "q"]
    assert said(taken.after((user("q"), answer("a3"))).stepped("r3").with_step("r1", lambda _: ())) == [
        *("q", "a0", "q", "a2", "q", "a3")
    ]


def test_a_step_goes_over_several_turns_and_may_be_a_part_of_one() -> None:
    conversation = Conversation(id="c").after((user("q"), calls("1"))).stepped("r0")
    conversation = conversation.with_added((result("1"), answer("a"), user("p"))).after((answer("b"),)).stepped("r1")
    taken = conversation.with_step("r1", lambda _: (answer("a"), user("p")))
    assert (lengths(taken), said(taken)) == ([3, 1], ["q", "a", "p"])


def test_system_messages_of_a_step_stay_in_the_opening() -> None:
    conversation = opened(Conversation(id="c"), (text("system", "s"), user("q"), text("system", "t"))).stepped("r0")
    conversation = conversation.opened_with((text("system", "u"),)).after((user("p"),)).stepped("r1")
    assert conversation.added_by("r0") == (text("system", "s"), user("q"), text("system", "t"))
    taken = conversation.with_step("r0", lambda messages: messages[1:])
    assert (taken.opening, said(taken)) == ((text("system", "u"),), ["q", "t", "p"])
    taken = conversation.within(0).with_step("r0", lambda messages: messages)
    assert (taken.opening, said(taken)) == ((text("system", "s"), text("system", "u")), [])


def test_where_turns_are_skipped_or_gone_an_item_is_still_found() -> None:
    for skipped, left in ((1, 1), (2, 1), (3, 2)):
        taken = steps(4).skipping(skipped).with_step("r1", lambda _: ())
        assert (said(taken), taken.skipped) == (["q", "a0", "q", "a2", "q", "a3"], left)
    taken = steps(4).without(2).with_step("r3", lambda _: (user("q"),))
    assert said(taken) == ["q", "a2", "q"]
    assert said(taken.with_step("r0", lambda _: (user("q"),))) == ["q", "a2", "q"], "what is gone does not come back"


def test_a_summary_goes_when_it_may_tell_of_an_item_that_is_taken_out() -> None:
    summarised = msgspec.structs.replace(steps(3).without(1), summary="s")
    assert summarised.with_step("r1", lambda _: ()).summary == "s"
    assert summarised.with_step("r0", lambda _: ()).summary is None


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
