"""Piper's voice files as they lie on a disk: what is found, what is missing, and which voice a name stands for."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.errors import InvalidRequest, Unsupported
from adapters.options import BadOption
from adapters.tts.openai_voices import OPENAI_VOICES
from adapters.tts.phrase_workers import Speaker
from adapters.tts.piper.voices import VoiceFile, VoiceTable, find_voices


def voice(folder: Path, name: str, **changes: Any) -> Path:
    """A voice file with its description; the model in it is none."""
    description = {
        "audio": {"sample_rate": 22_050},
        "espeak": {"voice": "en-us"},
        "num_speakers": 1,
        "speaker_id_map": {},
        **changes,
    }
    (folder / f"{name}.onnx").write_bytes(b"")
    (folder / f"{name}.onnx.json").write_text(json.dumps(description))
    return folder / f"{name}.onnx"


def test_a_file_is_one_voice_and_a_folder_all_that_lie_there(tmp_path: Path) -> None:
    file = voice(tmp_path, "en_US-joe")
    voice(tmp_path, "de_DE-eva", espeak={"voice": "de"}, language={"code": "de_DE", "family": "de"})
    assert [found.name for found in find_voices(file)] == ["en_US-joe"]
    assert [(found.name, found.language) for found in find_voices(tmp_path)] == [
        ("de_DE-eva", "de"),
        ("en_US-joe", "en"),
    ]


def test_a_file_with_speakers_has_a_voice_for_each(tmp_path: Path) -> None:
    (found,) = find_voices(voice(tmp_path, "many", num_speakers=2, speaker_id_map={"p1": 0, "p2": 1}))
    assert found.voices == ("many", "many+p1", "many+p2")


def no_folder(folder: Path) -> Path:
    return folder / "nowhere"


def nothing(folder: Path) -> Path:
    return folder


def no_description(folder: Path) -> Path:
    voice(folder, "joe").with_suffix(".onnx.json").unlink()
    return folder


def bad_description(folder: Path) -> Path:
    voice(folder, "joe").with_suffix(".onnx.json").write_text("<html>")
    return folder


def another_rate(folder: Path) -> Path:
    voice(folder, "low", audio={"sample_rate": 16_000})
    voice(folder, "medium")
    return folder


def another_phonemiser(folder: Path) -> Path:
    return voice(folder, "zh", phoneme_type="pinyin")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_folder, "does not exist"),
        (nothing, r"without an \.onnx file"),
        (no_description, r"lacks its description; put joe\.onnx\.json"),
        (bad_description, "is not the description"),
        (another_rate, "low of 16000 Hz, medium of 22050 Hz"),
        (another_phonemiser, "'pinyin', which is not supported"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, spoil: Any, words: str) -> None:
    with pytest.raises(BadOption, match=words):
        find_voices(spoil(tmp_path))


def file(name: str, language: str, *speakers: str) -> VoiceFile:
    numbers = {speaker: number for number, speaker in enumerate(speakers)}
    return VoiceFile(name=name, path="", sample_rate=22_050, language=language, speakers=numbers)


TABLE = VoiceTable((file("joe", "en"), file("many", "en", "p1", "p2"), file("eva", "de")))


def test_the_names_of_openai_are_spread_over_the_voices_of_the_first_language() -> None:
    assert tuple(TABLE.aliases) == OPENAI_VOICES
    assert list(TABLE.aliases.values())[:4] == ["joe", "many+p1", "many+p2", "joe"]


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        (None, None, "joe"),
        (None, "de", "eva"),
        ("echo", "de-AT", "eva"),
        ("ASH", "en", "many+p1"),
        ("many+p2", None, "many+p2"),
        ("eva", "en", "eva"),
    ],
)
def test_the_language_decides_where_no_voice_of_the_engine_is_named(
    name: str | None, language: str | None, expected: str
) -> None:
    assert TABLE.speaker(name, language) == Speaker(voice=expected)


@pytest.mark.parametrize("name", ["nobody", "joe+p1", "many+p3", "+p1"])
def test_an_unknown_voice_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(InvalidRequest, match="joe, many, many"):
        TABLE.speaker(name, None)


def test_a_language_that_no_voice_speaks_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="speaks 'fr', only de, en"):
        TABLE.speaker(None, "fr")
