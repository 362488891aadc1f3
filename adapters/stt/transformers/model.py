"""A recognition model of transformers that can be stopped between its layers; imports torch."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from adapters.local.device_errors import is_out_of_memory
from adapters.stt.recognition import ModelFacts, RecognitionRequest, RecognitionResult
from adapters.stt.transformers.chunked import ChunkedRecogniser
from adapters.stt.transformers.whisper import WhisperRecogniser

WHISPER = "seq2seq_whisper"
"""The pipeline's name for Whisper; its others are ``seq2seq``, ``ctc`` and ``tdt`` (transducers)."""


Tell = Callable[[str], None]


class Recogniser(Protocol):
    """A way to recognise, for a kind of models; each method may raise whatever the model raises."""

    facts: ModelFacts

    def batch_key(self, request: RecognitionRequest) -> Hashable | None:
        """Requests with equal keys can be recognised together; ``None``: this one alone."""

    def recognise(
        self, recordings: Sequence[Any], requests: Sequence[RecognitionRequest], tell: Tell
    ) -> list[RecognitionResult]:
        """Recognise recordings (mono at 16 kHz, -1 to 1), whose requests have one key, or one alone.

        ``tell`` is called with the beginning of the text of one that is long.
        """


class RecognitionModel:
    """The model of a loaded ``pipeline``."""

    def __init__(self, pipeline: Any) -> None:
        self._model = pipeline.model
        self._recogniser: Recogniser = (
            WhisperRecogniser(pipeline) if pipeline.type == WHISPER else ChunkedRecogniser(pipeline)
        )
        self.facts = self._recogniser.facts
        self.batch_key = self._recogniser.batch_key
        self._check: Callable[[], None] = _go_on
        for module in (self._model, *_layers(self._model)):
            module.register_forward_pre_hook(lambda *_: self._check())

    def recognise(
        self, requests: Sequence[RecognitionRequest], check: Callable[[], None], tell: Tell
    ) -> list[RecognitionResult]:
        """Recognise recordings whose requests have one ``batch_key``, or one alone.

        ``check`` is called before every layer, and an exception that it raises ends this. ``tell`` is called with the
        beginning of the text of a long recording, as each of its windows is done. Raises ``InvalidRequest`` and
        whatever the model raises.
        """
        recordings = [
            np.frombuffer(request.pcm[: len(request.pcm) // 2 * 2], "<i2").astype(np.float32) / 32768
            for request in requests
        ]
        attention = self._model.config._attn_implementation
        self._check = check
        try:
            return self._recogniser.recognise(recordings, requests, tell)
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
