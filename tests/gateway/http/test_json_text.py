"""JSON of clients is decoded within bounds, and refused in words that say why."""

import threading

import pytest

from gateway.http import json_text
from gateway.http.json_text import MAX_VALUES, decode_json
from gateway.http.offload import LARGE_BYTES


def test_values_are_what_was_sent() -> None:
    assert decode_json(b'{"a": [1, null, "\\u00e4"]}') == decode_json('{"a": [1, null, "ä"]}') == {"a": [1, None, "ä"]}


@pytest.mark.parametrize("open_value", [b"[", b"{", b","])
def test_more_values_than_the_bound_are_refused_before_they_are_made(open_value: bytes) -> None:
    with pytest.raises(ValueError, match=f"more than {MAX_VALUES} values"):
        decode_json(open_value * (MAX_VALUES + 1))


def test_nesting_that_no_decoder_follows_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        decode_json(b"[" * 200_000 + b"]" * 200_000)


@pytest.mark.parametrize("broken", [b"", b"{", b'{"a": }', b"\xff\xfe"])
def test_what_is_no_json_is_a_value_error(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_json(broken)


def test_large_texts_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()
    monkeypatch.setattr(json_text, "_decoding_large", lock)
    text = b'"' + b"a" * LARGE_BYTES + b'"'
    with lock:
        thread = threading.Thread(target=decode_json, args=(text,))
        thread.start()
        assert decode_json(b"[1]") == [1], "a small one need not wait"
        assert thread.is_alive()
    thread.join(10)
    assert not thread.is_alive()
