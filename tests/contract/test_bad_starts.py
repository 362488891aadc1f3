"""Every engine of speech that loads something: what it lacks is one sentence of its own, before a port is opened."""

import re
from collections.abc import Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from adapters import registry
from adapters.contract.errors import AdapterError
from adapters.local import requirements
from adapters.options import BadOption
from tests.adapters.tts.kokoro.test_model_files import model as kokoro_files
from tests.adapters.tts.piper.test_voices import voice as piper_voice

LOADS_NOTHING = {("stt", "openai"), ("stt", "pocketsphinx"), ("tts", "openai"), ("tts", "espeak"), ("vad", "energy")}
"""Servers, and what comes with the gateway itself."""

Options = Mapping[str, Any]
Spoil = Callable[[Path], Options]


def folder_as(option: str, **more: str) -> Callable[[Callable[[Path], object]], Spoil]:
    """Options that name a folder, once it has been spoilt."""

    def naming(spoil: Callable[[Path], object]) -> Spoil:
        def options(folder: Path) -> Options:
            spoil(folder)
            return {option: str(folder), **more}

        return options

    return naming


def nothing(_folder: Path) -> None:
    pass


def no_whisper(folder: Path) -> None:
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_text("{}")
    (folder / "model.bin").write_bytes(b"this is no model")


def no_settings(folder: Path) -> None:
    (folder / "config.json").write_text("<html>")


def for_telephones(folder: Path) -> None:
    """A recogniser that takes 8 kHz."""
    pytest.importorskip("transformers", reason="needs transformers")
    from tests.models.tiny_ctc import build_ctc  # noqa: PLC0415 - imports torch

    build_ctc(folder)
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (file := folder / name).exists():
            file.write_text(file.read_text().replace("16000", "8000"))


def damaged_vits(folder: Path) -> None:
    pytest.importorskip("transformers", reason="needs transformers")
    from tests.models.tiny_vits import build  # noqa: PLC0415 - imports torch

    build(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1_000])


def two_rates(folder: Path) -> Options:
    pytest.importorskip("transformers", reason="needs transformers")
    from tests.models.tiny_vits import build  # noqa: PLC0415 - imports torch

    english, german = build(folder / "en"), build(folder / "de", rate=22_050)
    return {"tts_model": str(english), "tts_language_models": {"de": str(german)}, "tts_device": "cpu"}


def voices_of_two_rates(folder: Path) -> None:
    piper_voice(folder, "a")
    piper_voice(folder, "b", audio={"sample_rate": 16_000})


def no_detector(folder: Path) -> Options:
    (folder / "silero_vad.onnx").write_bytes(b"this is no model")
    return {"vad_model": str(folder / "silero_vad.onnx")}


stt_folder, tts_folder = folder_as("stt_model", stt_device="cpu"), folder_as("tts_model")
cpu_voice = folder_as("tts_model", tts_device="cpu")

CASES: Mapping[tuple[registry.Stage, str], Mapping[str, tuple[Spoil, str]]] = {
    ("stt", "faster-whisper"): {
        "no such folder": (
            lambda _: {"stt_model": "./absent"},
            r"--stt_model './absent' does not exist; give",
        ),
        "an empty folder": (stt_folder(nothing), r"is not a folder with a config\.json"),
        "a corrupt file": (stt_folder(no_whisper), r"could not be loaded: .* its files must be complete"),
    },
    ("stt", "transformers"): {
        "no such folder": (
            lambda _: {"stt_model": "./absent"},
            r"--stt_model './absent' does not exist; give",
        ),
        "an empty folder": (stt_folder(nothing), r"is not a folder with a config\.json"),
        "a corrupt file": (stt_folder(no_settings), r"could not be loaded: .* its files must be complete"),
        "a sample rate": (
            stt_folder(for_telephones),
            r"of --stt_model takes audio at 8000 Hz; choose one that takes 16000",
        ),
    },
    ("tts", "piper"): {
        "no such folder": (lambda _: {"tts_model": "./absent"}, r"'absent' does not exist; give an \.onnx file"),
        "an empty folder": (tts_folder(nothing), r"is a folder without an \.onnx file; put a Piper voice there"),
        "a corrupt file": (tts_folder(lambda folder: piper_voice(folder, "joe")), r"joe\.onnx' cannot be loaded"),
        "a sample rate": (tts_folder(voices_of_two_rates), r"different sample rates: .* 16000 Hz; keep those of one"),
    },
    ("tts", "kokoro"): {
        "no such folder": (
            lambda _: {"tts_model": "./absent"},
            r"'absent' does not exist; give a folder with a",
        ),
        "an empty folder": (tts_folder(nothing), r"lacks an \.onnx file of a Kokoro model; put it there"),
        "a corrupt file": (tts_folder(kokoro_files), r"kokoro\.onnx' cannot be loaded .*: it is damaged; download it"),
    },
    ("tts", "transformers"): {
        "no such folder": (
            lambda _: {"tts_model": "./absent"},
            r"--tts_model './absent' does not exist; give",
        ),
        "an empty folder": (cpu_voice(nothing), r"is not a folder with a config\.json"),
        "a corrupt file": (cpu_voice(damaged_vits), r"could not be loaded: .* its files must be complete"),
        "a sample rate": (two_rates, r"\(16000 Hz\) and .* \(22050 Hz\) have different sample rates; choose models"),
    },
    ("vad", "silero"): {
        "no such file": (lambda _: {"vad_model": "./absent"}, r"--vad_model './absent' is not a file; give Silero's"),
        "a corrupt file": (no_detector, r"is not Silero's model of voice activity .*; give its silero_vad\.onnx"),
    },
}

HEART = {
    "faster-whisper": "faster_whisper",
    "transformers": "transformers",
    "piper": "piper",
    "kokoro": "kokoro_onnx",
    "silero": "onnxruntime",
}
"""The package without which an engine can say nothing."""


def engine(stage: registry.Stage, name: str, options: Options) -> Any:
    kind: Any = registry.adapter_class(stage, name)
    return kind(kind.Options(**options))


async def sentence(made: Any) -> str:
    """Why an engine cannot be started."""
    async with aclosing(made):
        with pytest.raises((BadOption, AdapterError)) as refused:
            made.preflight()
            await made.warm_up()
    return str(refused.value)


@pytest.mark.parametrize(
    ("stage", "name", "case"),
    [pytest.param(*kind, case, id=f"{' '.join(kind)}-{case}") for kind, cases in CASES.items() for case in cases],
)
async def test_what_cannot_be_loaded(stage: registry.Stage, name: str, case: str, tmp_path: Path) -> None:
    pytest.importorskip(HEART[name], reason=f"needs {name}")
    spoil, words = CASES[stage, name][case]
    said = await sentence(engine(stage, name, spoil(tmp_path)))
    assert re.search(words, said), said
    assert "\n" not in said


@pytest.mark.parametrize(("stage", "name"), CASES)
async def test_a_missing_extra(stage: registry.Stage, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    said = await sentence(engine(stage, name, {}))
    assert said.startswith(f"--{stage} {name} needs packages that are not installed (")
    assert said.endswith(f"pip install 'speech-gateway[{name}]'")


def test_every_engine_has_its_cases() -> None:
    registered = {(stage, name) for stage in registry.STAGES if stage != "llm" for name in registry.names(stage)}
    assert registered == {*CASES, *LOADS_NOTHING}
    assert not {*CASES} & LOADS_NOTHING
