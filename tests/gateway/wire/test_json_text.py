"""JSON of clients: what is decoded, and what would cost too much."""

import json

import pytest

from gateway.wire.json_text import MAX_LEVELS, MAX_VALUES, decode_json


@pytest.mark.parametrize("kind", [str, bytes])
def test_text_and_bytes_are_decoded(kind: type) -> None:
    text = '{"a": [1, 2.5, "ü", null], "b": {"c": true}}'
    assert decode_json(text if kind is str else text.encode()) == {"a": [1, 2.5, "ü", None], "b": {"c": True}}


def test_a_long_text_is_one_value() -> None:
    text = json.dumps({"data": "A" * 30_000_000})
    assert len(decode_json(text)["data"]) == 30_000_000


@pytest.mark.parametrize("value", ["{}", "[]", "1", '""'])
def test_the_number_of_values_is_bounded(value: str) -> None:
    few = f"[{','.join([value] * (MAX_VALUES // 3))}]"
    assert len(decode_json(few)) == MAX_VALUES // 3
    with pytest.raises(ValueError, match=f"more than {MAX_VALUES} values"):
        decode_json(f"[{','.join([value] * (MAX_VALUES + 1))}]")


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"a": 1} {}', b'{"a": "\xff"}', "[" * 100_000], ids=repr)
def test_what_is_no_json_is_said(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode_json(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ("[1,[],", "]")])
def test_the_number_of_levels_is_bounded(opening: str, closing: str) -> None:
    def nested(levels: int) -> str:
        return opening * levels + "0" + closing * levels

    decode_json(nested(MAX_LEVELS - 1))
    for levels in (MAX_LEVELS + 1, 900, 50_000):
        with pytest.raises(ValueError, match=f"nested more than {MAX_LEVELS} levels deep"):
            decode_json(nested(levels))


@pytest.mark.parametrize("text", ['"%s"', '["%s"]', '{"%s": "%s"}'])
def test_brackets_in_a_text_are_no_levels(text: str) -> None:
    decode_json(text.replace("%s", "[{" * 10_000))
