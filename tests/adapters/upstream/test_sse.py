import pytest

from adapters.contract.checks import check_any_split
from adapters.upstream.sse import EventSplitter, EventTooLarge, ServerSentEvent, SseParser, event_in, split_events

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


MIXED = b"data: a\n\ndata: b\r\n\r\n: c\r\rdata: d\r\n\ndata: e\n\n\ndata: f"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
def test_a_splitter_gives_whole_events_however_their_bytes_are_cut(size: int) -> None:
    splitter = EventSplitter(100)
    given = [splitter.feed(MIXED[start : start + size]) for start in range(0, len(MIXED), size)]
    assert b"".join(given) + splitter.rest == MIXED
    assert splitter.rest.strip() == b"data: f"
    parsed = [event.data for piece in given for raw in split_events(piece) if (event := event_in(raw))]
    assert parsed == [b"a", b"b", b"d", b"e"]


@pytest.mark.parametrize(
    "event",
    [
        b"data: a\n\n",
        b"data:  a\n\n",
        b"data:a\n\n",
        b"data: \n\n",
        b"data: \xc3\xa9\n\n",
        b"data: a\r\n\r\n",
        b"data: a\r\r",
        b"data: a\rdata: b\n\n",
        b"data: a\ndata: b\n\n",
        b"event: x\ndata: a\n\n",
        b"data: a\nevent: x\n\n",
        b": data: a\n\n",
        b"\n\n",
    ],
)
def test_one_event_is_read_as_in_a_stream(event: bytes) -> None:
    assert event_in(event) == next(iter(SseParser(100).feed(event)), None)


def test_a_splitter_refuses_an_event_that_is_too_large() -> None:
    splitter = EventSplitter(10)
    assert splitter.feed(b"data: 123\n\nda") == b"data: 123\n\n"
    with pytest.raises(EventTooLarge):
        splitter.feed(b"ta: 1234567")


def test_many_small_pieces_of_a_large_event_take_linear_time() -> None:
    splitter = EventSplitter(1 << 30)  # joining 2 MB at each piece would take minutes
    for _ in range(200_000):
        splitter.feed(b"0123456789")
    assert splitter.feed(b"\n\n") == b"0123456789" * 200_000 + b"\n\n"
