import pytest

from adapters.llm.responses.item_index import ItemIndex, Key, keys_of


@pytest.mark.parametrize(
    ("item_id", "output_index", "call_id", "keys"),
    [
        ("a", 0, "c", [("call id", "c"), ("item id", "a"), ("output index", 0)]),
        ("", None, None, []),
        (None, 0, "", [("output index", 0)]),
    ],
)
def test_empty_keys_say_nothing(
    item_id: str | None, output_index: int | None, call_id: str | None, keys: list[Key]
) -> None:
    assert keys_of(item_id, output_index, call_id) == keys


def test_a_key_of_one_item_decides_over_a_shared_one() -> None:
    index: ItemIndex[str] = ItemIndex()
    for number, item in enumerate(("first", "second")):
        index.add(keys_of("shared", number), item)
        index.add(keys_of("shared", number), item)
    assert index.find(keys_of("shared", 0)) == "first"
    assert index.find(keys_of("shared", 1)) == "second"
    assert index.find(keys_of("shared", None)) == "second"  # the last one
    assert index.find(keys_of("shared", 2)) == "second"
    assert index.find(keys_of("unknown", 0)) == "first"
    assert index.find(keys_of("unknown", 2)) is None
    assert index.find([]) is None
