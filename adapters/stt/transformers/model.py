"""A recognition model of transformers that can be stopped between its layers; imports torch."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from adapters.local.device_errors import is_out_of_memory
from adapters.stt.transformers.chunked import ChunkedPipeline
from adapters.stt.transformers.recognition import RecognitionRequest, RecognitionResult
from adapters.stt.transformers.whisper import WhisperPipeline

WHISPER = "seq2seq_whisper"
"""The pipeline's name for Whisper; its others are ``seq2seq``, ``ctc`` and ``tdt`` (transducers)."""


class RecognitionModel:
    """The model of a loaded ``pipeline``.

    ``languages`` are those that it takes (``None``: it has no choice of languages).
    """

    def __init__(self, pipeline: Any) -> None:
        self._model = pipeline.model
        recogniser = WhisperPipeline(pipeline) if pipeline.type == WHISPER else ChunkedPipeline(pipeline)
        self._recogniser = recogniser
        self.languages = recogniser.languages
        self.word_times = recogniser.word_times
        self.takes_prompts = recogniser.takes_prompts
        self._check: Callable[[], None] = _go_on
        for module in (self._model, *_layers(self._model)):
            module.register_forward_pre_hook(lambda *_: self._check())

    def recognise(self, request: RecognitionRequest, check: Callable[[], None]) -> RecognitionResult:
        """Recognise one utterance; ``check`` is called before every layer, and an exception that it raises ends this.

        Raises ``InvalidRequest`` and whatever the model raises.
        """
        samples = np.frombuffer(request.pcm[: len(request.pcm) // 2 * 2], "<i2").astype(np.float32) / 32768
        attention = self._model.config._attn_implementation
        self._check = check
        try:
            return self._recogniser.recognise(samples, request)
        except Exception as error:
            if is_out_of_memory(error):
                torch.cuda.empty_cache()  # does nothing without such a device
            raise
        finally:
            # For the times of words Whisper switches to a slower attention, and would keep it.
            self._model.config._attn_implementation = attention


def _go_on() -> None:
    """Check nothing."""


def _layers(model: Any) -> Iterator[Any]:
    """Every layer of every stack of layers."""
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList):
            yield from module
