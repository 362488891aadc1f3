"""What the server says of itself when it starts: where, who answers, and what is worth knowing."""

import pytest

from gateway.serve import announcement
from gateway.settings.load import load


def said(*flags: str, port: int = 8765) -> list[str]:
    return announcement(load(flags, {}), port).split("\n")


def test_one_line_says_where_and_with_which_backend_model_and_voice() -> None:
    flags = ("--llm_backend", "chat-completions", "--model_name", "qwen", "--voice", "nova")
    base_url = ("--responses_api_base_url", "http://localhost:8000/v1")
    assert said(*flags, *base_url) == [
        "speech-to-speech listens on http://127.0.0.1:8765/v1 with chat-completions model qwen voice nova."
    ]


def test_echo_is_named_for_what_it_is() -> None:
    assert said()[1].startswith("No model is set: answers repeat what was heard.")


@pytest.mark.parametrize(
    ("host", "open_to_others"),
    [("127.0.0.1", False), ("localhost", False), ("::1", False), ("0.0.0.0", True), ("::", True), ("10.1.2.3", True)],
)
def test_a_port_that_others_can_reach_is_warned_of(host: str, open_to_others: bool) -> None:
    assert any("no authentication" in line for line in said("--host", host)) is open_to_others


def test_an_ipv6_address_is_written_as_urls_are() -> None:
    assert "http://[::1]:80/v1" in said("--host", "::1", port=80)[0]
