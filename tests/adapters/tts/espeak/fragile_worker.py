"""A worker that ends or stalls on certain words, as the library does on certain texts."""

import os
from collections.abc import Callable, Iterator

from adapters.tts.espeak import worker


def synthesiser() -> Callable[[bytes], Iterator[bytes]]:
    answer = worker.synthesiser()

    def fragile(job: bytes) -> Iterator[bytes]:
        if b"crash" in job:
            os.abort()
        while b"stall" in job:
            pass
        return answer(job)

    return fragile
