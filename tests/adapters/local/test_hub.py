"""A local model is checked, and refused in one sentence: folders, ids in the cache and on the hub."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from adapters.local import hub
from adapters.options import BadOption

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")

# What the hub answers about a model: status and the header in which it says why.
ANSWERS = {
    "org/there": (200, ""),
    "org/gated": (403, "GatedRepo"),
    "org/unknown": (404, "RepoNotFound"),
    "org/private": (401, "RepoNotFound"),
    "org/weights-only": (404, "EntryNotFound"),
    "org/broken": (500, ""),
}


class Hub(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        status, code = ANSWERS[self.path.removeprefix("/").split("/resolve/", maxsplit=1)[0]]
        self.send_response(status)
        self.send_header("ETag", '"0"')
        self.send_header("X-Repo-Commit", "0" * 40)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub of our own and an empty cache; the paths that it was asked for."""
    from huggingface_hub import constants  # noqa: PLC0415

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        )
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(Hub, "asked", [])
        yield Hub.asked
        server.shutdown()


def cached(cache: Path, model: str) -> None:
    """A cache that holds the model's configuration, as a download leaves it."""
    folder = cache / f"models--{model.replace('/', '--')}"
    snapshot = folder / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("a" * 40)


def refusal(model: str, flag: str = "--model_name") -> str:
    with pytest.raises(BadOption) as raised:
        hub.check_model(model, flag)
    message = str(raised.value)
    assert message.startswith(f"{flag} {model!r} ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("model", ["./absent", "/absent", "~/absent", "a/b/c", "../absent"])
def test_a_path_that_is_not_there(asked: list[str], model: str) -> None:
    assert "does not exist" in refusal(model, "--stt_model")
    assert asked == []


def test_folders(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "there").mkdir(parents=True)
    for empty in (str(tmp_path / "org"), "org/there", "org"):
        assert "config.json" in refusal(empty)
    (tmp_path / "org" / "there" / "config.json").write_text("{}")
    for folder in (str(tmp_path / "org" / "there"), "org/there", "./org/there"):
        hub.check_model(folder)
    assert asked == []


def test_an_id_that_the_hub_has_is_asked_for_once(asked: list[str]) -> None:
    hub.check_model("org/there")
    assert asked == ["/org/there/resolve/main/config.json"]


def test_an_id_in_the_cache_needs_no_hub(asked: list[str], tmp_path: Path) -> None:
    cached(tmp_path / "cache", "org/unknown")
    hub.check_model("org/unknown")
    assert asked == []


@pytest.mark.parametrize(
    ("model", "way_out"),
    [
        ("org/gated", "accept its terms"),
        ("org/unknown", "check the name"),
        ("org/private", "HF_TOKEN"),
        ("org/weights-only", "no config.json"),
        ("org/broken", "it answered 500"),
        ("org/with space", "a hub id (owner/name)"),
    ],
)
def test_an_id_that_cannot_be_resolved(asked: list[str], model: str, way_out: str) -> None:
    assert way_out in refusal(model)
    assert len(asked) <= 1


def test_offline(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants  # noqa: PLC0415

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refusal("org/there")
    assert asked == []


def test_a_hub_that_cannot_be_reached(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants  # noqa: PLC0415

    address = "http://127.0.0.1:9"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    )
    assert "the request to the hub failed" in refusal("org/there")
    assert asked == []
