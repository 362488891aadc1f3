"""What the server says of itself when it starts: where, who answers, and what is worth knowing."""

from pathlib import Path

import pytest

from gateway.cli.serve import announcement
from gateway.settings.load import load


def said(*flags: str, port: int = 8765) -> list[str]:
    return announcement(load(flags, {}), port).split("\n")


def test_one_line_says_where_and_with_which_backend_model_and_voice() -> None:
    flags = ("--llm_backend", "chat-completions", "--model_name", "qwen", "--voice", "nova")
    base_url = ("--responses_api_base_url", "http://localhost:8000/v1")
    assert said(*flags, *base_url) == [
        "speech-to-speech listens on http://127.0.0.1:8765/v1 with chat-completions model qwen voice nova.",
        "Talk to it in a browser: http://127.0.0.1:8765/",
    ]
    assert len(said(*flags, *base_url, "--page", "false")) == 1


def routes(folder: Path, count: int) -> str:
    """The announcement of so many routes."""
    tables = [f'[[routes]]\nname = "r{number}"\nmodel_name = "org/m{number}"\n' for number in range(count)]
    path = folder / "gateway.toml"
    path.write_text('llm_backend = "echo"\n' + "".join(tables), encoding="utf-8")
    return said(str(path))[0]


def test_several_routes_are_named_as_clients_send_them(tmp_path: Path) -> None:
    assert routes(tmp_path, 2).endswith("/v1 and serves 2 models: r0 (echo org/m0), r1 (echo org/m1).")


def test_a_line_does_not_name_all_of_many_routes(tmp_path: Path) -> None:
    assert ", r9 (echo org/m9)." in routes(tmp_path, 10)
    assert routes(tmp_path, 13).endswith(", r9 (echo org/m9) and 3 more.")


def test_echo_is_named_for_what_it_is() -> None:
    assert said()[1].startswith("No model is set: answers repeat what was heard.")


@pytest.mark.parametrize(
    ("host", "open_to_others"),
    [("127.0.0.1", False), ("localhost", False), ("::1", False), ("0.0.0.0", True), ("::", True), ("10.1.2.3", True)],
)
def test_a_port_that_others_can_reach_is_warned_of(host: str, open_to_others: bool) -> None:
    assert any("there are no keys" in line for line in said("--host", host)) is open_to_others


def test_an_ipv6_address_is_written_as_urls_are() -> None:
    assert "http://[::1]:80/v1" in said("--host", "::1", port=80)[0]
