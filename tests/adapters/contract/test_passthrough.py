"""Whether requests can be passed on to a model."""

from adapters.contract.passthrough import WireProtocol, protocol_of


class Remote:
    def __init__(self, protocol: WireProtocol | None) -> None:
        self.protocol = protocol


def test_requests_are_passed_on_to_a_server_of_their_protocol_only() -> None:
    assert protocol_of(Remote("responses")) == "responses"
    assert protocol_of(Remote(None)) is None
    assert protocol_of(object()) is None
