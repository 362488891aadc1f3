"""What a session changes in a stored conversation, and what it leaves alone."""

from typing import Any

import msgspec

from adapters.contract import llm
from gateway.conversation.conversation import Conversation
from gateway.realtime.protocol.items import FunctionCallItem, InputAudio, Item, MessageItem, OutputAudio
from gateway.realtime.session.commands import Remember
from gateway.realtime.stored_items import Merged, StoredItem, answered, merged, recalled

EMPTY = Merged(conversation=Conversation(id="c"), stored={}, steps=frozenset())


def asked(id_: str, text: str | None) -> Item:
    return MessageItem(id=id_, role="user", content=[InputAudio(transcript=text)])


def told(id_: str, text: str) -> Item:
    return MessageItem(id=id_, role="assistant", content=[OutputAudio(transcript=text)])


def message(role: str, text: str) -> llm.Message:
    return llm.Message(role=role, parts=(llm.Text(text=text),))


def texts(conversation: Conversation) -> list[list[str]]:
    """What is said in each turn."""
    return [[_text(part) for each in turn.messages for part in each.parts] for turn in conversation.turns]


def _text(part: Any) -> str:
    return str(part.name if isinstance(part, llm.ToolCall) else part.text)


def after(before: Merged, *items: Item, step: str = "s", deleted: str = "") -> Merged:
    """What is stored after ``before``, with what is new as a step of the conversation."""
    now = merged(before.conversation, before.stored, Remember(items=items, deleted=frozenset(deleted)), step)
    return msgspec.structs.replace(now, conversation=now.conversation.stepped(step)) if step in now.steps else now


def test_what_is_new_is_added_once_and_its_step_changes() -> None:
    first = after(EMPTY, asked("a", "A?"), told("b", "B."))
    second = after(first, asked("a", "A?"), told("b", "B."), asked("c", "C?"), step="t")
    assert texts(second.conversation) == [["A?", "B."], ["C?"]]
    assert [(id_, item.turn, item.step) for id_, item in second.stored.items()] == [
        ("a", 0, "s"),
        ("b", 0, "s"),
        ("c", 1, "t"),
    ]
    assert [*first.steps, *second.steps] == ["s", "t"]
    assert after(second, asked("a", "A?"), told("b", "B."), asked("c", "C?")).steps == frozenset()


def test_what_has_no_words_is_stored_once_it_has() -> None:
    first = after(EMPTY, asked("a", None))
    assert (first.stored, first.steps) == ({}, frozenset())
    assert texts(after(first, asked("a", "A?")).conversation) == [["A?"]]


def test_the_text_and_the_calls_of_an_answer_are_one_message_and_change_apart() -> None:
    call = FunctionCallItem(id="c", call_id="1", name="clock", arguments="{}")
    first = after(EMPTY, asked("a", "A?"), told("b", "B."), call)
    assert [len(each.parts) for each in first.conversation.turns[0].messages] == [1, 2]
    assert texts(after(first, asked("a", "A?"), told("b", "B"), call).conversation) == [["A?", "B", "clock"]]
    assert texts(after(first, asked("a", "A?"), told("b", "B."), deleted="c").conversation) == [["A?", "B."]]


def test_what_was_not_heard_is_taken_out_where_it_is_and_others_stay() -> None:
    first = after(EMPTY, asked("a", "A?"), told("b", "B and more."))
    others = first.conversation.after((message("user", "X?"), message("assistant", "Y."))).stepped("x")
    second = after(
        Merged(conversation=others, stored=first.stored, steps=first.steps),
        asked("a", "A?"),
        told("b", "B"),
        asked("c", "C?"),
        step="t",
    )
    assert texts(second.conversation) == [["A?", "B"], ["X?", "Y."], ["C?"]]
    third = after(second, asked("a", "A?"), told("b", ""), asked("c", "C?"))
    assert texts(third.conversation) == [["A?", "X?", "Y."], ["C?"]]


def test_what_a_session_drops_stays_and_what_its_client_deletes_goes() -> None:
    first = after(EMPTY, asked("a", "A?"), told("b", "B."), asked("c", "C?"), told("d", "D."))
    second = after(first, told("d", "D."), deleted="c")
    assert texts(second.conversation) == [["A?", "B.", "D."]]
    assert list(second.stored) == ["d"]
    assert second.conversation.removed == ("c",), "a summary that is being written may tell of it"


def test_of_two_items_alike_the_one_that_changes_is_that_of_its_step() -> None:
    first = after(EMPTY, asked("a", "Yes."), told("b", "B."))
    second = after(first, asked("a", "Yes."), told("b", "B."), asked("c", "Yes."), told("d", "D."), step="t")
    third = after(second, told("b", "B."), asked("c", "Yes."), told("d", "D."), deleted="a")
    assert texts(third.conversation) == [["B."], ["Yes.", "D."]]


def test_what_was_there_before_the_session_goes_too_when_its_client_deletes_it() -> None:
    call = llm.ToolCall(call_id="1", name="f", arguments="{}")
    answer = llm.Message(role="assistant", parts=(llm.Text(text="B."), call))
    result = llm.Message(role="tool", parts=(llm.ToolResult(call_id="1", output="R"),))
    before = Conversation(id="c").after((message("user", "A?"), answer)).stepped("one")
    before = before.after((result, message("assistant", "C."))).stepped("two")
    numbers = iter("abfrc")
    items, stored = recalled(before, lambda _: next(numbers))
    begun = Merged(conversation=before, stored=stored, steps=frozenset())
    assert after(begun, *items).conversation == before
    left = after(begun, *(item for item in items if item.id != "b"), deleted="b")
    assert [part for turn in left.conversation.turns for each in turn.messages for part in each.parts] == [
        llm.Text(text="A?"),
        call,
        *result.parts,
        llm.Text(text="C."),
    ]
    assert left.steps == frozenset(), "the items of other steps are theirs"


def test_what_was_there_before_and_is_not_noted_is_not_its_to_change() -> None:
    history = (message("user", "A?"), message("assistant", "B."), message("user", "C?"))
    before = Conversation(id="c", opening=(message("system", "S."),), summary="It began.", gone=7).after(history)
    numbers = iter("sabc")
    items, stored = recalled(before, lambda _: next(numbers))
    assert [(id_, item.turn) for id_, item in stored.items()] == [("s", None), ("a", 7), ("b", 7), ("c", 8)]
    begun = Merged(conversation=before, stored=stored, steps=frozenset())
    assert after(begun, *items).conversation == before
    assert after(begun, *items[:-1], deleted="c").conversation == before


def test_what_the_model_has_not_answered_is_not_judged() -> None:
    call = FunctionCallItem(id="d", status="completed", call_id="1", name="f", arguments="{}")
    items = (asked("a", "A?"), told("b", "B."), asked("c", "C?"), call, asked("e", "E?"))
    assert [answered(items[:count]) for count in range(6)] == [(), (), items[:2], items[:2], items[:4], items[:4]]


def test_system_messages_at_the_head_belong_to_the_opening() -> None:
    system = [MessageItem(id=id_, role="system", content=[InputAudio(transcript=id_)]) for id_ in "sto"]
    first = after(EMPTY, system[0])
    second = after(first, system[0], system[1], asked("a", "A?"), system[2])
    assert second.conversation.opening == (message("system", "s"), message("system", "t"))
    assert texts(second.conversation) == [["A?", "o"]]
    assert second.stored["t"] == StoredItem(message=message("system", "t"), turn=None, step="s")
