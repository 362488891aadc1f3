"""Weights come from the hub's cache, or from the hub: whole, in bounded time, and with a sentence when they cannot."""

import asyncio
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")

from adapters.contract.errors import Unavailable
from adapters.local import weights
from adapters.local.weights import HubFiles
from adapters.options import BadOption
from tests.support.hub_server import HubServer, hub_server, use_hub

MODEL = os.urandom(300_000)


def files(repository: str = "org/voice", main: str = "big/model.onnx") -> HubFiles:
    return HubFiles(
        repository=repository,
        needed=("big/model.onnx", "vocabulary.*"),
        useful=("extra.json",),
        main=main,
        owner="--tts test",
        flag="--tts_model",
    )


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one repository, and an empty cache, for this process and its children."""
    repository = tmp_path / "hub" / "org" / "voice"
    (repository / "big").mkdir(parents=True)
    (repository / "big" / "model.onnx").write_bytes(MODEL)
    (repository / "big" / "vocabulary.txt").write_text("not in the root")
    (repository / "vocabulary.txt").write_text("words")
    (repository / "extra.json").write_text("{}")
    (repository / "another.onnx").write_text("not wanted")
    with hub_server(tmp_path / "hub") as server:
        use_hub(server.url, tmp_path / "cache", monkeypatch)
        yield server


async def test_what_is_on_the_hub_is_downloaded_once(hub: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    assert weights.check(files()) is None
    assert hub.files_asked() == []
    with caplog.at_level(logging.INFO):
        model = await weights.fetch(files(), adapter="test")
    assert model.read_bytes() == MODEL
    assert sorted(hub.files_asked()) == ["big/model.onnx", "extra.json", "vocabulary.txt"]
    assert hub.files_asked()[-1] == "big/model.onnx"
    assert "--tts test downloads org/voice" in caplog.text
    assert "--tts test has org/voice" in caplog.text
    asked = len(hub.asked)
    assert weights.check(files()) == model
    assert await weights.fetch(files(main=""), adapter="test") == model.parent.parent
    assert len(hub.asked) == asked


@pytest.mark.usefixtures("hub")
async def test_progress_is_told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "REPORT_SECONDS", -1)
    with caplog.at_level(logging.INFO):
        await weights.fetch(files(), adapter="test")
    assert "--tts test: org/voice, 0 of 0 MB" in caplog.text


async def test_a_connection_that_breaks_is_continued(hub: HubServer) -> None:
    block = 10 * 2**20  # what the library keeps at least
    large = MODEL * (block // len(MODEL) + 2)
    (hub.folder / "org" / "voice" / "big" / "model.onnx").write_bytes(large)
    hub.breaks_after = block + 100
    model = await weights.fetch(files(), adapter="test")
    assert model.read_bytes() == large
    assert hub.continued_at == [block]


async def test_what_is_whole_is_not_downloaded_again(hub: HubServer) -> None:
    model = await weights.fetch(files(), adapter="test")
    model.unlink()
    assert weights.check(files()) is None
    before = len(hub.files_asked())
    await weights.fetch(files(), adapter="test")
    assert hub.files_asked()[before:] in ([], ["big/model.onnx"])


async def test_a_download_that_stalls_ends(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.hangs = True
    monkeypatch.setattr(weights, "LONGEST_SECONDS", 1)
    with pytest.raises(Unavailable, match=r"could not be downloaded in time; start again, or put .*--tts_model"):
        await weights.fetch(files(), adapter="test")
    assert not children()


async def test_cancelling_ends_the_download(hub: HubServer) -> None:
    hub.hangs = True
    task = asyncio.ensure_future(weights.fetch(files(), adapter="test"))
    while not hub.files_asked():
        await asyncio.sleep(0.01)
    assert children()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not children()


def children() -> list[str]:
    """The processes of this one that download."""
    command = ["ps", "-ww", "-o", "args=", "--ppid", str(os.getpid())]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if "adapters.local.download" in line]


async def test_a_failure_in_the_middle_says_why(hub: HubServer) -> None:
    assert weights.check(files()) is None
    hub.refuses = True
    with pytest.raises(Unavailable, match="'org/voice' of --tts test is gated: accept its terms"):
        await weights.fetch(files(), adapter="test")


def test_a_repository_without_the_files(hub: HubServer) -> None:
    (hub.folder / "org" / "voice" / "vocabulary.txt").unlink()
    with pytest.raises(BadOption, match=r"has no vocabulary\.\* on the hub; choose another --tts_model"):
        weights.check(files())


@pytest.mark.usefixtures("hub")
def test_a_repository_that_is_not_there() -> None:
    with pytest.raises(BadOption, match="'org/nothing' of --tts test is not on the hub"):
        weights.check(files("org/nothing"))


def test_offline_one_line_says_which_files_to_put_where(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants  # noqa: PLC0415

    way_out = (
        r"put big/model\.onnx and vocabulary\.\* of https://huggingface\.co/org/voice into a folder and give it as "
        r"--tts_model\.$"
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BadOption, match=f"HF_HUB_OFFLINE forbids .* or {way_out}"):
        weights.check(files())
    assert hub.asked == []


def test_a_hub_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub("http://127.0.0.1:9", tmp_path / "cache", monkeypatch)
    with pytest.raises(BadOption, match=r"request to the hub failed \(ConnectError\).* or put big/model\.onnx"):
        weights.check(files())


async def test_files_of_the_user_are_taken_as_they_are(tmp_path: Path) -> None:
    assert weights.check(tmp_path) == tmp_path
    assert await weights.fetch(tmp_path, adapter="test") == tmp_path
