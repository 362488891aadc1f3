"""Recognises recordings window by window, several at once: a short one does not wait for a long one."""

from collections.abc import Iterator

from adapters.blocking import Ended
from adapters.local.device_errors import is_device_lost
from adapters.stt.faster_whisper.decoding import WindowDecoder
from adapters.stt.faster_whisper.errors import ADAPTER
from adapters.stt.faster_whisper.recording import Recording
from adapters.stt.recognition import Recognised, RecognisedSoFar, RecognitionRequest
from adapters.stt.recognition_errors import recognition_error

Outcome = tuple[int, Recognised | Exception | Ended]


class WindowBatch:
    """Up to ``size`` recordings advance by one window in each step; recordings that cannot share one take turns."""

    def __init__(self, decoder: WindowDecoder, size: int) -> None:
        self._decoder = decoder
        self._size = size
        self._recordings: dict[int, Recording] = {}

    def add(self, key: int, job: RecognitionRequest) -> None:
        """Add a recording; nothing is computed yet. Raises ``InvalidRequest``."""
        self._recordings[key] = Recording(job, self._decoder.prompt(job.prompt))

    def drop(self, key: int) -> None:
        """Remove a recording."""
        del self._recordings[key]

    def step(self) -> Iterator[Outcome]:
        """Recognise one window of some recordings. Raises when the device is lost."""
        first = next(iter(self._recordings.values()))
        shared = self._decoder.batch_key(first)
        keys = [key for key, each in self._recordings.items() if self._decoder.batch_key(each) == shared][: self._size]
        try:
            self._decoder.advance([self._recordings[key] for key in keys])
        except Exception as error:
            if is_device_lost(error):
                raise
            if len(keys) == 1:
                del self._recordings[keys[0]]
                yield keys[0], recognition_error(error, adapter=ADAPTER).with_traceback(None)
                return
            # One of them, or the size of the batch, may be the reason.
            for key in keys:
                yield from self._alone(key)
        for key in keys:
            if (recording := self._recordings.pop(key, None)) is None:
                continue
            if recording.is_done:
                yield key, recording.result()
                yield key, Ended()
            else:
                self._recordings[key] = recording  # behind those that wait
                if text := recording.text():
                    yield key, RecognisedSoFar(text=text)

    def _alone(self, key: int) -> Iterator[Outcome]:
        try:
            self._decoder.advance([self._recordings[key]])
        except Exception as error:
            if is_device_lost(error):
                raise
            del self._recordings[key]
            yield key, recognition_error(error, adapter=ADAPTER).with_traceback(None)

    def close(self) -> None:
        """Release the model."""
        del self._decoder
