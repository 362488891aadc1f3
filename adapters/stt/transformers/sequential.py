"""Recognises one utterance after the other, in one thread: the libraries of GPUs prepare a lot for each thread."""

from collections.abc import Callable, Iterator
from functools import partial

from adapters.blocking import Ended, ReaderLeft
from adapters.local.device_errors import is_device_lost
from adapters.stt.transformers.errors import recognition_error
from adapters.stt.transformers.model import RecognitionModel
from adapters.stt.transformers.recognition import RecognitionRequest, RecognitionResult


class SequentialBatch:
    """A batch that recognises the utterance that came first; ``check`` raises ``ReaderLeft`` when nobody waits for it.

    The gateway, by ``info.max_parallel``, sends one at a time.
    """

    def __init__(self, model: RecognitionModel, check: Callable[[int], None]) -> None:
        self._model = model
        self._check = check
        self._utterances: dict[int, RecognitionRequest] = {}

    def add(self, key: int, job: RecognitionRequest) -> None:
        """Add an utterance; nothing is computed yet."""
        self._utterances[key] = job

    def drop(self, key: int) -> None:
        """Remove an utterance."""
        del self._utterances[key]

    def step(self) -> Iterator[tuple[int, RecognitionResult | Exception | Ended]]:
        """Recognise the utterance that came first. Raises when the device is lost."""
        key, request = next(iter(self._utterances.items()))
        try:
            result = self._model.recognise(request, partial(self._check, key))
        except ReaderLeft:  # it is dropped or closed next
            return
        except Exception as error:  # every other failure is passed to the reader of this utterance
            if is_device_lost(error):
                raise
            del self._utterances[key]
            yield key, recognition_error(error).with_traceback(None)
            return
        del self._utterances[key]
        yield key, result
        yield key, Ended()

    def close(self) -> None:
        """Release the model."""
        del self._model
