import pytest

from adapters.contract.checks import check_any_split
from adapters.upstream.sse import EventTooLarge, ServerSentEvent, SseParser

LIMIT = 1000


def parse(chunks: list[bytes]) -> list[ServerSentEvent]:
    parser = SseParser(LIMIT)
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


def data(text: str) -> list[bytes]:
    return [event.data for event in parse([text.encode()])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_split_of_any_line_ending_gives_the_same_events(end: str) -> None:
    lines = [
        "\ufeffevent: näme",
        "data: grüße 🎉",
        "data:two",
        "",
        ": ping",
        "",
        "id: 7",
        "data: [DONE]",
        "",
        "data: tail",
    ]
    payload = end.join(lines).encode()
    assert [(event.name, event.data.decode()) for event in parse([payload])] == [
        ("näme", "grüße 🎉\ntwo"),
        (None, "[DONE]"),
        (None, "tail"),
    ]
    check_any_split(lambda chunks: parse(list(chunks)), payload)


def test_only_one_space_after_the_colon_belongs_to_the_format() -> None:
    assert data("data:  a\n\ndata:b:c\n\n") == [b" a", b"b:c"]


def test_events_without_data_are_left_out() -> None:
    assert data("event: ping\n\nretry: 5\n\n: comment\n\ndata:\n\ndata: x\n\n") == [b"x"]


def test_the_name_of_an_event_without_data_is_not_given_to_the_next() -> None:
    assert [event.name for event in parse([b"event: ping\n\ndata: x\n\n"])] == [None]


def test_other_line_separators_are_part_of_the_text() -> None:
    assert data("data: a\x0b\x0c\x1c\x85\u2028b\n\n") == ["a\x0b\x0c\x1c\x85\u2028b".encode()]


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 50 + b"\n", b"x" * 50])
def test_an_event_that_never_ends_is_refused(piece: bytes) -> None:
    with pytest.raises(EventTooLarge):
        parse([piece] * LIMIT)


def test_the_limit_is_for_one_event_not_for_the_stream() -> None:
    assert len(parse([b"data: x\n\n"] * LIMIT)) == LIMIT
