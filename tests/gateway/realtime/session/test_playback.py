"""What a client has played is told from what it was sent, and when."""

from gateway.realtime.session.playback import PlaybackEstimate


def test_what_is_sent_is_played_at_once_and_without_a_break() -> None:
    playback = PlaybackEstimate()
    playback.sent("a", 1000, "One two. ", now=10.0)
    playback.sent("a", 1000, "Three four.", now=10.1)
    assert playback.heard_ms("a", now=10.5) == 500
    assert playback.remaining(now=10.5) == 1.5
    assert (playback.playing(now=11.9), playback.playing(now=12.0)) == ("a", None)
    assert playback.heard_ms("a", now=99.0) == 2000


def test_a_client_that_has_run_dry_waits_for_more() -> None:
    playback = PlaybackEstimate()
    playback.sent("a", 1000, "One two. ", now=10.0)
    playback.sent("a", 1000, "Three four.", now=15.0)
    assert playback.heard_ms("a", now=15.2) == 1200


def test_items_are_played_one_after_the_other() -> None:
    playback = PlaybackEstimate()
    playback.sent("a", 1000, "One.", now=10.0)
    playback.sent("b", 1000, "Two.", now=10.0)
    assert playback.playing(now=10.2) == "b"
    assert playback.heard_ms("b", now=10.2) == 0
    assert playback.heard_ms("b", now=11.5) == 500


def test_the_text_that_was_heard() -> None:
    playback = PlaybackEstimate()
    playback.sent("a", 600, "One two three four. ", now=10.0)
    playback.sent("a", 400, None, now=10.0)
    playback.sent("a", 1000, "Five six.", now=10.0)
    spoken = playback.item("a")
    assert spoken is not None
    spoken.finish()
    assert [spoken.text_within(ms) for ms in (0, 500, 1000, 2000)] == [
        "",
        "One two",
        "One two three four. ",
        "One two three four. Five six.",
    ]


def test_what_was_never_sent_was_not_heard() -> None:
    playback = PlaybackEstimate()
    assert playback.item("a") is None
    assert playback.heard_ms("a", now=1.0) == 0
    playback.sent("a", 1000, "One.", now=10.0)
    playback.forget("a")
    assert (playback.item("a"), playback.playing(now=10.1)) == (None, None)
