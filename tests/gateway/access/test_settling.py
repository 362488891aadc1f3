"""What is sent to be settled, and what is read back of it."""

from gateway.access.settling import Batch, booked
from gateway.access.usage import Place, Use

HERE = Place(day="2026-01-31", key='a"nn', route="m")


def test_a_batch_holds_sums() -> None:
    batch = Batch()
    assert batch.empty
    batch.count("one", {"tokens": 2})
    batch.count("one", {"tokens": 3, "requests": 1})
    batch.book(HERE, Use(turns=1, input_tokens=2))
    batch.book(HERE, Use(turns=1))
    batch.leave(("a", "b"), "place")
    assert not batch.empty
    message = batch.message("usage:")
    assert message["counts"] == {"one": {"tokens": 5, "requests": 1}}
    assert {(key, amount) for key, _, amount in message["usage"]} == {("usage:2026-01-31", 2)}
    assert len(message["usage"]) == 2, "what was not used is not sent"
    assert message["left"] == [(("a", "b"), "place")]


def test_what_was_sent_is_read_back() -> None:
    batch, use = Batch(), Use(turns=3, audio_seconds=1.25, input_tokens=7)
    batch.book(HERE, use)
    kept = {field.encode(): str(amount).encode() for _, field, amount in batch.message("")["usage"]}
    assert booked([("2026-01-31", kept)]) == {HERE: use}


def test_what_no_gateway_wrote_is_left_out() -> None:
    foreign = {
        b"x": b"1",
        b'["a","m",false]': b"1",
        b'["a","m",false,"turns"]': b"many",
        b'["b","m",false,"turns"]': b"inf",
    }
    assert booked([("2026-01-31", foreign)]) == {}
