"""Stop texts in both forms; an empty list is not the same as none said."""

from gateway.wire.sampling import stops_of


def test_stop_texts() -> None:
    assert stops_of("END") == ("END",)
    assert stops_of(["a", "b"]) == ("a", "b")
    assert stops_of([]) == ()
    assert stops_of(None) is None
