"""What an engine says of its health."""

from adapters.contract.engine import failure_of


class Broken:
    """An engine whose model died."""

    failure = "its process ended"


def test_an_engine_that_says_nothing_can_answer() -> None:
    assert failure_of(object()) is None
    assert failure_of(Broken()) == "its process ended"
