"""Finds and loads a Whisper for CTranslate2; imports the library when it is called."""

import os
from pathlib import Path
from types import MappingProxyType
from typing import Any

from adapters.local import hub, weights
from adapters.local.weights import HubFiles, Source
from adapters.options import BadOption

CPU_MODEL, GPU_MODEL = "base", "large-v3-turbo"
"""The models when none is named: what keeps up with speech on the device."""

REPOSITORIES = MappingProxyType(
    {CPU_MODEL: "Systran/faster-whisper-base", GPU_MODEL: "mobiuslabsgmbh/faster-whisper-large-v3-turbo"}
)
"""Where those models are; the library, which knows all of them, takes half a second to import."""

FILES = ("model.bin", "tokenizer.json")
"""What a folder must have besides ``config.json``."""

MOST_THREADS = 8
"""Of one computation on the CPU; more gain nothing."""


def default_model(device: str | None) -> str:
    """The model for the device when none is named."""
    return GPU_MODEL if split_device(device)[0] == "cuda" else CPU_MODEL


def split_device(device: str | None) -> tuple[str, int]:
    """``cuda:1`` as CTranslate2 wants it, by name and number; the best device when none is named."""
    import ctranslate2  # noqa: PLC0415

    if device is None:
        return ("cuda" if ctranslate2.get_cuda_device_count() else "cpu"), 0
    name, _, number = device.partition(":")
    return name, int(number) if number.isdigit() else 0


def check_device(device: str | None, compute_type: str | None) -> None:
    """Raise ``BadOption`` for a device that is not there, or a compute type that it does not have."""
    import ctranslate2  # noqa: PLC0415

    name, number = split_device(device)
    if name not in ("cpu", "cuda") or (name == "cuda" and number >= ctranslate2.get_cuda_device_count()):
        raise BadOption(
            f"--stt_device {device!r} is not available to CTranslate2; omit it to select a device automatically, or "
            "name cpu or cuda:0."
        )
    known = sorted(ctranslate2.get_supported_compute_types(name, number))
    if compute_type is not None and compute_type not in known:
        raise BadOption(f"--stt_compute_type {compute_type!r} is not one that {name} has here: {', '.join(known)}.")


def source(model: str) -> Source:
    """What ``--stt_model`` means: a folder, the name of a size, or a repository of the hub."""
    repository = REPOSITORIES.get(model) or _sizes().get(model, model)
    if repository == model and hub.is_path(model):
        return Path(model)
    return HubFiles(
        repository=repository,
        needed=("config.json", *FILES, "vocabulary.*"),
        useful=("preprocessor_config.json",),
        owner="--stt faster-whisper",
        flag="--stt_model",
    )


def check_model(model: str) -> None:
    """Raise ``BadOption`` unless ``model`` is a folder with its files, or in the cache or on the hub."""
    found = source(model)
    if isinstance(found, HubFiles):
        weights.check(found)
        return
    hub.check_folder(model, "--stt_model")
    if missing := [name for name in FILES if not (found / name).is_file()]:
        raise BadOption(
            f"--stt_model {model!r} lacks {' and '.join(missing)}; give a folder with a Whisper for CTranslate2, or "
            f"one of {', '.join(_sizes())}."
        )


def _sizes() -> dict[str, str]:
    """The repositories of the names of sizes."""
    from faster_whisper.utils import _MODELS  # noqa: PLC0415

    sizes: dict[str, str] = _MODELS
    return sizes


def load_model(folder: Path, *, device: str | None, compute_type: str | None) -> Any:
    """The loaded ``faster_whisper.WhisperModel``. Raises what the libraries raise."""
    import faster_whisper  # noqa: PLC0415

    name, number = split_device(device)
    # Weights in 8 bits are as good and the fastest on a CPU; on a GPU the type of the weights is.
    computed = compute_type or ("int8" if name == "cpu" else "auto")
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    return faster_whisper.WhisperModel(
        str(folder), device=name, device_index=number, compute_type=computed, cpu_threads=threads
    )
