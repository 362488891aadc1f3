"""Folders of models are told from ids of the hub; why either cannot be used is one sentence."""

import re
from pathlib import Path

import pytest

from adapters.local import hub
from adapters.options import BadOption
from tests.support.hub_server import hub_server, use_hub

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")


@pytest.mark.parametrize("model", ["./absent", "/absent", "~/absent", "a/b/c", "../absent"])
def test_a_path_that_is_not_there(model: str) -> None:
    assert hub.is_path(model)
    with pytest.raises(BadOption, match=f"--stt_model '{model}' does not exist"):
        hub.check_folder(model, "--stt_model")


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not hub.is_path("org/there")
    (tmp_path / "org" / "there").mkdir(parents=True)
    for empty in (str(tmp_path / "org"), "org/there", "org"):
        assert hub.is_path(empty)
        with pytest.raises(BadOption, match=r"is not a folder with a config\.json"):
            hub.check_folder(empty, "--model_name")
    (tmp_path / "org" / "there" / "config.json").write_text("{}")
    for folder in (str(tmp_path / "org" / "there"), "org/there", "./org/there"):
        hub.check_folder(folder, "--model_name")


@pytest.mark.parametrize(
    ("status", "code", "way_out"),
    [
        (403, "GatedRepo", "is gated: accept its terms"),
        (404, "RepoNotFound", "is not on the hub, or it is private: check the name, or set HF_TOKEN"),
        (401, "RepoNotFound", "set HF_TOKEN"),
        (500, "", r"the request to the hub failed \(it answered 500\); .* or give another one"),
        (None, "", "the request to the hub failed (ConnectError)"),
        (200, "", "HF_HUB_OFFLINE forbids asking the hub; unset it or give another one"),
    ],
)
def test_what_the_hub_says(
    status: int | None, code: str, way_out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi  # noqa: PLC0415

    with hub_server(tmp_path) as server:
        server.answers_with = (status or 0, code)
        use_hub(server.url if status else "http://127.0.0.1:9", tmp_path / "cache", monkeypatch, offline=status == 200)
        with pytest.raises(BadOption) as raised, hub.explained("It", "give another one"):
            HfApi().model_info("org/name", timeout=5)
        assert len([line for line in server.asked if "org/name" in line]) == (status not in (None, 200))
    assert re.match(f"It .*{re.escape(way_out) if '.*' not in way_out else way_out}", str(raised.value))
    assert "\n" not in str(raised.value)


def test_a_name_that_is_none() -> None:
    from huggingface_hub import snapshot_download  # noqa: PLC0415

    with pytest.raises(BadOption, match=r"^It is neither an existing folder nor a hub id \(owner/name\)"):
        with hub.explained("It", "give another one"):
            snapshot_download("org/with space")
