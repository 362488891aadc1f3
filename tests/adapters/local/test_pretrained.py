"""Models of transformers and mlx-lm: which files of a repository are fetched, and when they are all here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")

from adapters.contract.errors import Unavailable
from adapters.local import weights
from adapters.local.pretrained import PretrainedModel
from adapters.options import BadOption
from tests.support.hub_server import HubServer, hub_server, use_hub

MODEL = PretrainedModel(name="org/model", owner="--stt test", flag="--stt_model")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server(tmp_path / "hub") as server:
        use_hub(server.url, tmp_path / "cache", monkeypatch)
        yield server


def lay_out(hub: HubServer, *names: str) -> None:
    for name in names:
        file = hub.folder / "org" / "model" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)


PARTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
OLD_PARTS = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")


@pytest.mark.parametrize(
    ("there", "fetched"),
    [
        (("model.safetensors", *PARTS, "pytorch_model.bin"), ("model.safetensors",)),
        ((*PARTS, "pytorch_model.bin", "tf_model.h5"), PARTS),
        (("pytorch_model.bin", "flax_model.msgpack", "model.fp16.safetensors"), ("pytorch_model.bin",)),
        ((*OLD_PARTS, "onnx/model.safetensors"), OLD_PARTS),
    ],
)
async def test_weights_are_fetched_in_one_format(
    hub: HubServer, there: tuple[str, ...], fetched: tuple[str, ...]
) -> None:
    lay_out(hub, "config.json", "vocab.txt", "README.md", *there)
    MODEL.check()
    assert hub.files_asked() == []
    await MODEL.fetch("test")
    assert sorted(hub.files_asked()) == sorted(("config.json", "vocab.txt", *fetched))
    asked = len(hub.asked)
    MODEL.check()
    await MODEL.fetch("test")
    assert len(hub.asked) == asked, "it is all here"


async def test_a_part_that_is_missing_is_fetched(hub: HubServer) -> None:
    lay_out(hub, "config.json", *PARTS)
    await MODEL.fetch("test")
    (part,) = hub.folder.parent.joinpath("cache").rglob(PARTS[0])
    part.unlink()
    await MODEL.fetch("test")
    assert part.read_text() == PARTS[0]


async def test_parts_in_a_format_that_is_not_needed_may_be_missing(hub: HubServer) -> None:
    """Another program's download was broken off, or the repository itself lacks some."""
    lay_out(hub, "config.json", "model.safetensors", OLD_PARTS[0])
    MODEL.check()
    folder = await MODEL.fetch("test")
    (folder / OLD_PARTS[0]).write_text("what another program left")
    asked = len(hub.asked)
    assert await MODEL.fetch("test") == folder
    assert len(hub.asked) == asked


async def test_a_download_is_bounded(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(hub, "config.json", "model.safetensors")
    hub.hangs = True
    monkeypatch.setattr(weights, "STALL_SECONDS", 1)
    with pytest.raises(Unavailable, match=r"'org/model' of --stt test could not be downloaded in time; .*--stt_model"):
        await MODEL.fetch("test")


def test_a_repository_without_weights(hub: HubServer) -> None:
    lay_out(hub, "config.json", "tf_model.h5")
    with pytest.raises(BadOption, match=r"has no model\.safetensors or .* on the hub; choose another --stt_model"):
        MODEL.check()


@pytest.mark.usefixtures("hub")
def test_a_repository_that_is_not_there() -> None:
    with pytest.raises(BadOption, match=r"'org/model' of --stt test is not on the hub"):
        MODEL.check()


async def test_a_folder_is_taken_as_it_is(hub: HubServer, tmp_path: Path) -> None:
    model = PretrainedModel(name=str(tmp_path), owner="--stt test", flag="--stt_model")
    with pytest.raises(BadOption, match=r"is not a folder with a config\.json"):
        model.check()
    (tmp_path / "config.json").write_text("{}")
    model.check()
    await model.fetch("test")
    assert hub.asked == []
