"""Loads the pipeline for speech recognition of transformers, and reads what it gives; imports torch."""

import re
import sys
from pathlib import Path
from typing import Any

import transformers

from adapters.contract import stt
from adapters.contract.errors import UpstreamError
from adapters.local import devices
from adapters.stt.recognition import SAMPLE_RATE
from adapters.stt.transformers.errors import ADAPTER

NOTHING = re.compile("(?!)")
"""Matches no text."""


def load_pipeline(folder: Path, *, device: str | None, dtype: str | None) -> Any:
    """The pipeline with the model in ``folder``. Raises what transformers raises, and ``UpstreamError``."""
    if not sys.stderr.isatty():  # progress bars are for people
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
    selected = devices.select_device(device)
    devices.configure(selected)
    pipeline: Any = transformers.pipeline(
        "automatic-speech-recognition", model=str(folder), device=selected, dtype=devices.select_dtype(dtype, selected)
    )
    rate = pipeline.feature_extractor.sampling_rate
    if rate != SAMPLE_RATE:
        raise UpstreamError(
            f"The model of --stt_model takes audio at {rate} Hz; choose one that takes {SAMPLE_RATE} Hz.",
            adapter=ADAPTER,
        )
    return pipeline


def without(text: str, markers: re.Pattern[str]) -> str:
    """``text`` without ``markers`` and superfluous white space."""
    return " ".join(markers.sub("", text).split())


def words(output: dict[str, Any], markers: re.Pattern[str] = NOTHING) -> tuple[stt.Word, ...]:
    """The words in the ``output`` of a pipeline, without ``markers``; the end of the last one may be missing there."""
    found = ((without(chunk["text"], markers), *chunk["timestamp"]) for chunk in output["chunks"])
    return tuple(
        stt.Word(text=text, start=float(start), end=float(start if end is None else end))
        for text, start, end in found
        if text
    )
