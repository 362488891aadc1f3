"""The frames between the gateway and its workers: whole, bounded, or refused."""

import io

import pytest

from adapters.blocking import frames


def test_what_is_written_is_read_and_then_the_other_side_is_gone() -> None:
    pipe = io.BytesIO()
    replies: list[frames.Reply] = [
        frames.Ready(),
        frames.Item(payload=b"x"),
        frames.Done(payload=b"y"),
        frames.Failed(kind="E"),
    ]
    for reply in replies:
        frames.write_reply(pipe, reply)
    pipe.seek(0)
    assert [frames.read_reply(pipe) for _ in replies] == replies
    assert frames.read_reply(pipe) is None


def test_a_frame_that_is_cut_off_is_the_end() -> None:
    assert frames.read(io.BytesIO(b"\0\0\0\5abc")) is None
    assert frames.read(io.BytesIO(b"\0\0")) is None


def test_too_large_a_frame_is_refused_before_it_is_sent_or_read() -> None:
    with pytest.raises(frames.BadFrame, match="larger than"):
        frames.write(io.BytesIO(), bytes(frames.LIMIT + 1))
    with pytest.raises(frames.BadFrame, match="larger than"):
        frames.read(io.BytesIO((frames.LIMIT + 1).to_bytes(4, "big")))


def test_what_is_no_message_is_refused() -> None:
    pipe = io.BytesIO()
    frames.write(pipe, b"nonsense")
    pipe.seek(0)
    with pytest.raises(frames.BadFrame, match="invalid message"):
        frames.read_reply(pipe)
