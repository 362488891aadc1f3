"""Recognises recordings in batches, in one thread: the libraries of GPUs prepare a lot for each thread."""

from collections.abc import Iterator
from functools import partial
from typing import Protocol

from adapters.blocking import Ended, ReaderLeft
from adapters.contract.errors import AdapterError
from adapters.local.device_errors import is_device_lost
from adapters.stt.recognition import Recognised, RecognisedSoFar, RecognitionRequest
from adapters.stt.recognition_errors import recognition_error
from adapters.stt.transformers.errors import ADAPTER
from adapters.stt.transformers.model import RecognitionModel

Outcome = tuple[int, Recognised | Exception | Ended]


class Readers(Protocol):
    """Those who wait for recordings, by key; ``BatchThread`` has them."""

    def check(self, key: int) -> None:
        """Raise ``ReaderLeft`` when nobody waits for the recording."""

    def give(self, key: int, item: Recognised) -> None:
        """Pass a part of the outcome on while the rest is still being recognised."""


class RecognitionBatch:
    """Recognises the recording that came first, with up to ``size`` in all that can share a batch with it."""

    def __init__(self, model: RecognitionModel, readers: Readers, size: int) -> None:
        self._model = model
        self._readers = readers
        self._size = size
        self._waiting: dict[int, RecognitionRequest] = {}

    def add(self, key: int, job: RecognitionRequest) -> None:
        """Add a recording; nothing is computed yet."""
        self._waiting[key] = job

    def drop(self, key: int) -> None:
        """Remove a recording."""
        del self._waiting[key]

    def step(self) -> Iterator[Outcome]:
        """Recognise one batch. Raises when the device is lost."""
        keys = self._next()
        try:
            yield from self._recognised(keys)
        except ReaderLeft:  # they are dropped or closed next
            return
        except Exception as error:  # a failure is passed to the reader of the recording that it belongs to
            if is_device_lost(error):
                raise
            if len(keys) == 1:
                yield self._failed(keys[0], error)
            else:
                yield from self._one_by_one(keys)

    def close(self) -> None:
        """Release the model."""
        del self._model

    def _next(self) -> list[int]:
        first, request = next(iter(self._waiting.items()))
        shared = self._model.batch_key(request)
        if shared is None:
            return [first]
        keys = [key for key, other in self._waiting.items() if self._model.batch_key(other) == shared]
        return keys[: self._size]

    def _recognised(self, keys: list[int]) -> list[Outcome]:
        requests = [self._waiting[key] for key in keys]
        results = self._model.recognise(requests, partial(self._check_any, keys), partial(self._tell, keys[0]))
        for key in keys:
            del self._waiting[key]
        return [(key, outcome) for key, result in zip(keys, results, strict=True) for outcome in (result, Ended())]

    def _one_by_one(self, keys: list[int]) -> Iterator[Outcome]:
        """The recordings of a batch that failed: one of them, or the size of the batch, may be the reason."""
        for key in keys:
            try:
                yield from self._recognised([key])
            except ReaderLeft:
                continue
            except Exception as error:
                if is_device_lost(error):
                    raise
                yield self._failed(key, error)

    def _failed(self, key: int, error: Exception) -> tuple[int, AdapterError]:
        del self._waiting[key]
        return key, recognition_error(error, adapter=ADAPTER).with_traceback(None)

    def _tell(self, key: int, text: str) -> None:
        """Tell how the text of a long recording begins, which is in no batch with others."""
        self._readers.give(key, RecognisedSoFar(text=text))

    def _check_any(self, keys: list[int]) -> None:
        """Raise ``ReaderLeft`` when nobody waits for any of the recordings."""
        for key in keys:
            try:
                self._readers.check(key)
            except ReaderLeft:
                continue
            return
        raise ReaderLeft
