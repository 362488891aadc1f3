"""One VITS model of transformers, which speaks a phrase at a time; imports torch."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from adapters.contract.errors import UpstreamError
from adapters.local import devices
from adapters.tts import waveform

ADAPTER = "transformers"


class VitsVoice:
    """The model ``name``, loaded from ``folder``.

    Raises what transformers raises, and ``UpstreamError`` for a model that cannot be used.
    """

    def __init__(self, name: str, folder: Path, device: str | None) -> None:
        if not sys.stderr.isatty():  # progress bars are for people
            transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
        selected = devices.select_device(device)
        devices.configure(selected)
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)
        if getattr(self._tokenizer, "phonemize", False) or getattr(self._tokenizer, "is_uroman", False):
            raise UpstreamError(
                f"The model {name!r} needs a phonemiser that is not supported; choose a model of MMS-TTS without one.",
                adapter=ADAPTER,
            )
        self._model: Any = transformers.VitsModel.from_pretrained(folder).to(selected).eval()
        self.sample_rate: int = self._model.config.sampling_rate
        self.speakers: int = self._model.config.num_speakers

    def speak(self, texts: list[str], speed: float, speaker: int) -> list[bytes]:
        """The samples of each text, s16le mono; empty when the model knows none of its characters. Blocks."""
        known = [text for text in texts if len(self._tokenizer(text)["input_ids"]) > 1]
        spoken = iter(self._spoken(known, speed, speaker) if known else [])
        return [next(spoken) if text in known else b"" for text in texts]

    def _spoken(self, texts: list[str], speed: float, speaker: int) -> list[bytes]:
        tokens = self._tokenizer(texts, return_tensors="pt", padding=True)
        inputs = {name: tensor.to(self._model.device) for name, tensor in tokens.items()}
        with torch.inference_mode():
            made = self._model(**inputs, speaking_rate=speed, speaker_id=speaker if self.speakers > 1 else None)
        samples = made.waveform.float().cpu().numpy().astype(np.float32)
        lengths = made.sequence_lengths.tolist()
        return [waveform.of_floats(row[: int(length)]) for row, length in zip(samples, lengths, strict=True)]
