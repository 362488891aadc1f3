"""JSON that servers write although it is not quite JSON, or not quite of the expected types."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.upstream.lenient_json import LenientDecoder, UnreadableJson, decode_any, is_shallow


class Piece(msgspec.Struct):
    name: str | None = None
    size: int | None = None


class Document(msgspec.Struct):
    text: str | None = None
    count: int | None = None
    piece: Piece | None = None
    pieces: list[Piece] | None = None
    details: list[dict[str, Any]] | None = None
    anything: Any = None


decoder = LenientDecoder(Document)
NESTED = b"[" * 20_000 + b"]" * 20_000


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"text": "caf\xe9"}', {"text": "caf\ufffd"}),
        (b'{"text": "\xed\xa0\xbd"}', {"text": "\ufffd\ufffd\ufffd"}),
        (b'{"text": "\xff\xfe", "more": "\xe2\x82"}', {"text": "\ufffd\ufffd", "more": "\ufffd"}),
        (rb'{"text": "\ud83d"}', {"text": "\ufffd"}),
        (rb'{"text": "\uDE00!"}', {"text": "\ufffd!"}),
        (rb'{"text": "\ud83d\ude00 \ud83d"}', {"text": "😀 \ufffd"}),
        (rb'{"text": "\ud83d\ud83d\ude00"}', {"text": "\ufffd😀"}),
        (rb'{"text": "\ud83dA\\ud83d"}', {"text": "\ufffdA\\ud83d"}),
        (rb'{"\ud83d": 1}', {"\ufffd": 1}),
        (b'{"logprob": NaN, "low": -Infinity, "high": Infinity}', {"logprob": None, "low": None, "high": None}),
        (b'{"text": "two\nlines\x00"}', {"text": "two\nlines\x00"}),
        (b'\xef\xbb\xbf{"text": "a"}', {"text": "a"}),
        (b'{"count": 123456789012345678901234567890}', {"count": 123456789012345678901234567890}),
    ],
)
def test_data_is_repaired(data: bytes, value: Any) -> None:
    assert decode_any(data) == value


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"no json", b"<html>", b'{"a": 1} {"b": 2}', NESTED, b'{"a": ' + NESTED, b"9" * 5000, b"\xff", b"\x00"],
)
def test_what_is_not_json_is_one_error(data: bytes) -> None:
    for decode in (decode_any, decoder.decode):
        with pytest.raises(UnreadableJson):
            decode(data)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"text": "a", "count": 1}, Document(text="a", count=1)),
        ({"text": 5}, Document(text="5")),
        ({"text": 1.5}, Document(text="1.5")),
        ({"text": True}, Document()),
        ({"text": ["a"]}, Document()),
        ({"text": None, "count": None}, Document()),
        ({"count": "3"}, Document(count=3)),
        ({"count": "3.7"}, Document(count=3)),
        ({"count": 3.7}, Document(count=3)),
        ({"count": "many"}, Document()),
        ({"count": "1" * 30}, Document()),
        ({"count": "1e999"}, Document()),
        ({"count": {}}, Document()),
        ({"count": False}, Document()),
        ({"piece": "a"}, Document()),
        ({"piece": [{"name": "a"}]}, Document()),
        ({"piece": {"name": 1, "size": "x"}}, Document(piece=Piece(name="1"))),
        ({"pieces": {"name": "a"}}, Document(pieces=[Piece(name="a")])),
        ({"pieces": [None, "x", {"size": "2"}]}, Document(pieces=[Piece(size=2)])),
        ({"pieces": "a"}, Document()),
        ({"details": "a"}, Document()),
        ({"details": {"a": 1}}, Document(details=[{"a": 1}])),
        ({"details": [[1], {"a": 1}]}, Document(details=[{"a": 1}])),
        ({"text": 5, "anything": {"a": [1]}}, Document(text="5", anything={"a": [1]})),
        ([{"text": "a"}], Document(text="a")),
    ],
)
def test_fields_of_another_type_are_converted_or_ignored(given: Any, read: Document) -> None:
    assert decoder.decode(msgspec.json.encode(given)) == read


@pytest.mark.parametrize("value", ["text", 5, None, [], ["a"], [[{}]], True])
def test_what_is_not_an_object_is_not_converted(value: Any) -> None:
    with pytest.raises(UnreadableJson):
        decoder.decode(msgspec.json.encode(value))


def test_an_odd_field_that_is_not_read_does_not_matter() -> None:
    assert decoder.decode(b'{"text": "a", "unread": ["\xff", 1e999]}') == Document(text="a")


def test_nesting_is_measured() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"a": [deep]}
    assert not is_shallow(deep)
    assert is_shallow([[[1]], {"a": {"b": "c"}}, "text", None])
    assert is_shallow([[1]], 2)
    assert not is_shallow([[1]], 1)


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=30).map(str.encode))
def test_any_bytes_are_a_document_or_the_one_error(data: bytes) -> None:
    try:
        document = decoder.decode(data)
    except UnreadableJson:
        return
    msgspec.json.encode(document)  # what was read can be sent on


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(Document.__struct_fields__), inner),
    max_leaves=8,
)


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(st.sampled_from(Document.__struct_fields__), JSON))
def test_any_types_are_a_document(fields: dict[str, Any]) -> None:
    assert isinstance(decoder.decode(msgspec.json.encode(fields)), Document)
