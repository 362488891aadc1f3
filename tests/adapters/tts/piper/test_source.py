"""What --tts_model means to Piper."""

from pathlib import Path

import pytest

from adapters.local.weights import HubFiles
from adapters.tts.piper.source import source


@pytest.mark.parametrize("given", ["./voices", "/voices/joe.onnx", "joe.onnx"])
def test_a_path_means_files_of_the_user(given: str) -> None:
    assert source(given) == Path(given)


@pytest.mark.parametrize(
    ("given", "file"),
    [
        (None, "en/en_US/ljspeech/medium/en_US-ljspeech-medium.onnx"),
        ("de_DE-thorsten_emotional-medium", "de/de_DE/thorsten_emotional/medium/de_DE-thorsten_emotional-medium.onnx"),
        ("pt_BR-faber-x_low", "pt/pt_BR/faber/x_low/pt_BR-faber-x_low.onnx"),
    ],
)
def test_a_voice_of_the_project_is_named_as_there(given: str | None, file: str) -> None:
    found = source(given)
    assert isinstance(found, HubFiles)
    assert (found.repository, found.main) == ("rhasspy/piper-voices", file)
    assert found.needed == (file, f"{file}.json")


def test_another_name_means_a_repository() -> None:
    found = source("org/voices")
    assert isinstance(found, HubFiles)
    assert (found.repository, found.main, found.needed) == ("org/voices", "", ("*.onnx", "*.onnx.json"))
