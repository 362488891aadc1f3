"""A worker that ends or stalls on certain words, as the library does on certain texts."""

import os

from adapters.blocking import Send, Work
from adapters.tts.espeak import worker


def synthesiser() -> Work:
    answer = worker.synthesiser()

    def fragile(job: bytes, send: Send) -> bytes:
        if b"crash" in job:
            os.abort()
        while b"stall" in job:
            pass
        return answer(job, send)

    return fragile
