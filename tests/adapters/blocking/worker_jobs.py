"""What the worker processes of these tests load: jobs named by their payload."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator

from adapters.blocking import worker_number
from adapters.contract.errors import TooLong


def factory() -> Callable[[bytes], Iterator[bytes]]:
    return work


def broken() -> Callable[[bytes], Iterator[bytes]]:
    raise RuntimeError("no model here")


def silent() -> Callable[[bytes], Iterator[bytes]]:
    time.sleep(60)
    return work


poisoned = False


def work(payload: bytes) -> Iterator[bytes]:  # noqa: PLR0912 - one case for each job
    global poisoned  # noqa: PLW0603 - what a job leaves behind in the memory of its process
    if poisoned:
        os.abort()
    match payload:
        case b"poison":
            poisoned = True
            yield b"done"
        case b"refuse":
            raise TooLong("That is too long.", adapter="test", param="audio", code="audio_too_long")
        case b"hoard":
            yield bytes(1024 * 1024 * 1024)[:1]
        case b"spin":
            yield b"first"
            while True:
                pass
        case b"pid":
            yield str(os.getpid()).encode()
        case b"number":
            yield str(worker_number()).encode()
        case b"number and hang":
            yield str(worker_number()).encode()
            time.sleep(60)
        case b"print":
            # C's own buffer, as a chatty library would use it, besides Python's.
            library = ctypes.CDLL(None)
            library.puts(b"noise from C")
            library.fflush(None)
            print("noise from Python", flush=True)
            yield b"clean"
        case b"die":
            yield b"first"
            os._exit(3)
        case b"fail":
            yield b"first"
            raise ValueError("what the user said")
        case b"hang":
            yield str(os.getpid()).encode()
            time.sleep(60)
        case b"short":
            time.sleep(0.3)
            yield b"done"
        case b"huge":
            yield bytes(65 * 1024 * 1024)
        case _:
            for number in range(3):
                yield payload + str(number).encode()
