"""Items keep their order, and no more of them are kept than may be."""

from gateway.conversation.conversation import SUMMARY
from gateway.realtime.protocol.items import (
    Content,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
)
from gateway.realtime.session.conversation_items import FRONT, ConversationItems


def message(id_: str, text: str = "") -> Item:
    return MessageItem(id=id_, role="user", content=[InputText(text=text)])


def ids(items: ConversationItems) -> list[str]:
    return [item.id for item in items.all()]


def test_order() -> None:
    items = ConversationItems((message("b"),), 10, 1000)
    assert [items.add(message("d")), items.add(message("a"), FRONT), items.add(message("c"), "b")] == ["b", None, "b"]
    assert ids(items) == ["a", "b", "c", "d"]
    assert [items.before(id_) for id_ in ids(items)] == [None, "a", "b", "c"]
    assert items.last_id() == "d"


def test_the_oldest_are_dropped_for_number_and_for_size() -> None:
    items = ConversationItems((), 3, 10)
    for id_ in "abcd":
        items.add(message(id_, "x"))
    assert items.drop_oldest() == ["a"]
    items.add(FunctionCallOutputItem(id="e", call_id="call_1", output="123456789"))
    assert items.drop_oldest() == ["b", "c"]
    assert items.drop_oldest() == []


def test_images_have_a_size_too() -> None:
    image = MessageItem(id="a", role="user", content=[InputImage(image_url="https://example.org/long")])
    items = ConversationItems((image,), 3, 10)
    items.add(message("b"))
    assert items.drop_oldest() == ["a"]


def test_the_last_item_is_kept_however_long_it_is() -> None:
    items = ConversationItems((), 3, 10)
    items.add(message("a", "x" * 50))
    assert items.drop_oldest() == []
    items.add(message("b", "y"))
    assert (items.drop_oldest(), ids(items)) == (["a"], ["b"])


def test_sizes_follow_what_is_replaced_and_removed() -> None:
    items = ConversationItems((message("a", "x" * 9),), 10, 10)
    items.replace(message("a", "x"))
    items.add(message("b", "y" * 8))
    assert items.drop_oldest() == []
    items.delete("b")
    items.delete("b")
    items.add(message("c", "z" * 9))
    assert items.drop_oldest() == []
    items.replace(message("gone", "x" * 99))
    assert ids(items) == ["a", "c"]


def test_a_model_is_given_a_summary_in_place_of_what_is_left_out() -> None:
    items = ConversationItems((message("a"), message("b")), 10, 100)
    assert items.for_model() == items.all()
    items.shorten("It began.", frozenset("a"))
    summary, *rest = items.for_model()
    assert isinstance(summary, MessageItem)
    assert (summary.role, summary.content) == ("system", [InputText(text=SUMMARY + "It began.")])
    assert rest == [message("b")]
    assert ids(items) == ["a", "b"]
    items.shorten(None, frozenset("b"))
    assert items.for_model() == (message("a"),)


def test_what_is_dropped_is_not_deleted() -> None:
    items = ConversationItems((message("a"), message("b"), message("c")), 2, 100)
    assert items.drop_oldest() == ["a"]
    items.delete("b")
    items.delete("nothing")
    assert list(items.deleted) == ["b"]


def test_a_text_is_substituted_wherever_it_is() -> None:
    image = InputImage(image_url="https://example.org/long")

    def said(text: str, silent: str | None = None) -> tuple[Item, ...]:
        asked: list[Content] = [InputText(text=text), image, InputAudio(transcript=text), InputAudio(transcript=silent)]
        return (
            MessageItem(id="a", role="user", content=asked),
            MessageItem(id="b", role="assistant", content=[OutputText(text=text), OutputAudio(transcript=text)]),
            FunctionCallItem(id="c", call_id="call_1", name="f", arguments="{}"),
            FunctionCallOutputItem(id="d", call_id="call_1", output=text),
        )

    items = ConversationItems(said("bad"), 10, 1000)
    items.substitute({"good": "[removed]"})
    assert (items.all(), items.changed) == (said("bad"), False)
    items.substitute({"bad": "[removed]"})
    assert (items.all(), items.changed) == (said("[removed]"), True)
