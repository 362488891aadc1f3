"""A recognition model of transformers that one utterance uses at a time and that can be stopped; imports torch."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from adapters.blocking import ReaderLeft
from adapters.local.load_errors import is_out_of_memory
from adapters.stt.transformers.chunked import ChunkedPipeline
from adapters.stt.transformers.errors import DeviceLost
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
        self._lock = threading.Lock()
        self._left = threading.Event()
        for module in (self._model, *_layers(self._model)):
            module.register_forward_pre_hook(self._check)

    def _check(self, *_arguments: Any) -> None:
        """Before every layer: end the work when nobody waits for it. Raises ``ReaderLeft``."""
        if self._left.is_set():
            raise ReaderLeft

    def recognise(self, request: RecognitionRequest, left: threading.Event) -> Iterator[RecognitionResult]:
        """Recognise one utterance, one at a time; when ``left`` is set, the model stops at its next layer.

        Raises ``ReaderLeft``, ``DeviceLost``, ``InvalidRequest`` and whatever the model raises.
        """
        samples = np.frombuffer(request.pcm[: len(request.pcm) // 2 * 2], "<i2").astype(np.float32) / 32768
        with self._lock:
            self._left = left
            attention = self._model.config._attn_implementation
            try:
                result = self._recogniser.recognise(samples, request)
            except Exception as error:
                if is_out_of_memory(error):
                    torch.cuda.empty_cache()  # does nothing without such a device
                elif isinstance(error, torch.AcceleratorError):
                    raise DeviceLost from error
                raise
            finally:
                # For the times of words Whisper switches to a slower attention, and would keep it.
                self._model.config._attn_implementation = attention
        yield result


def _layers(model: Any) -> Iterator[Any]:
    """Every layer of every stack of layers."""
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList):
            yield from module
