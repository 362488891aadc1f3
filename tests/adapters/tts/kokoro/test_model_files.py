"""The files of a Kokoro model on a disk: what is found there, and what is missing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.local.weights import HubFiles
from adapters.options import BadOption
from adapters.tts.kokoro.model_files import find_model, source


def model(folder: Path) -> Path:
    """A folder as it should be, with no model in its files."""
    (folder / "kokoro.onnx").write_bytes(b"this is no model")
    with (folder / "voices-v1.0.bin").open("wb") as file:
        style = np.zeros((510, 1, 256), np.float32)
        np.savez(file, bf_emma=style, af_sky=style)
    return folder


@pytest.mark.parametrize("given", [".", "kokoro.onnx"])
def test_the_folder_or_the_file_in_it_can_be_given(tmp_path: Path, given: str) -> None:
    found = find_model(model(tmp_path) / given)
    assert (Path(found.model).name, Path(found.voices).name) == ("kokoro.onnx", "voices-v1.0.bin")
    assert (found.names, found.vocabulary) == (("af_sky", "bf_emma"), "")


def test_a_vocabulary_beside_the_model_is_used(tmp_path: Path) -> None:
    (model(tmp_path) / "config.json").write_text("{}")
    assert Path(find_model(tmp_path).vocabulary).name == "config.json"


def nowhere(folder: Path) -> Path:
    return folder / "nowhere"


def no_onnx(folder: Path) -> Path:
    (model(folder) / "kokoro.onnx").unlink()
    return folder


def no_voices(folder: Path) -> Path:
    (model(folder) / "voices-v1.0.bin").unlink()
    return folder


def two_models(folder: Path) -> Path:
    (model(folder) / "another.onnx").touch()
    return folder


def damaged_voices(folder: Path) -> Path:
    (model(folder) / "voices-v1.0.bin").write_bytes(b"<html>")
    return folder


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nowhere, "does not exist"),
        (no_onnx, r"lacks an \.onnx file"),
        (no_voices, r"lacks a file of voices \(voices\*\.bin\)"),
        (two_models, r"more than an \.onnx file .*another\.onnx, kokoro\.onnx"),
        (damaged_voices, "is not a file of Kokoro voices"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, spoil: Any, words: str) -> None:
    with pytest.raises(BadOption, match=words):
        find_model(spoil(tmp_path))


@pytest.mark.parametrize("given", ["./kokoro", "/models/kokoro", "kokoro.onnx"])
def test_a_path_means_files_of_the_user(given: str) -> None:
    assert source(given) == Path(given)


def test_a_name_means_a_repository() -> None:
    usual, other = source(None), source("org/kokoro")
    assert isinstance(usual, HubFiles)
    assert (usual.repository, usual.main, usual.needed) == (
        "fastrtc/kokoro-onnx",
        "kokoro-v1.0.onnx",
        ("kokoro-v1.0.onnx", "voices-v1.0.bin"),
    )
    assert source("fastrtc/kokoro-onnx") == usual
    assert isinstance(other, HubFiles)
    assert (other.repository, other.main, other.needed) == ("org/kokoro", "", ("*.onnx", "voices*.bin"))
