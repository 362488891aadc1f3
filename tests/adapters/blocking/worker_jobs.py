"""What the worker processes of these tests load: jobs named by their payload."""

import ctypes
import os
import time
from pathlib import Path

from adapters.blocking import Send, Work, is_alone, worker_number
from adapters.contract.errors import TooLong


def factory() -> Work:
    return work


def broken() -> Work:
    raise RuntimeError("no model here")


def silent() -> Work:
    time.sleep(60)
    return work


poisoned = False


def work(payload: bytes, send: Send) -> bytes:  # noqa: PLR0912 - one case for each job
    global poisoned  # noqa: PLW0603 - what a job leaves behind in the memory of its process
    if poisoned:
        os.abort()
    match payload:
        case b"poison":
            poisoned = True
            return b"done"
        case b"refuse":
            raise TooLong("That is too long.", adapter="test", param="audio", code="audio_too_long")
        case b"hoard":
            return bytes(1024 * 1024 * 1024)[:1]
        case b"spin":
            send(b"first")
            while True:
                pass
        case b"pid":
            return str(os.getpid()).encode()
        case b"alone":
            return str(is_alone()).encode()
        case b"number":
            return str(worker_number()).encode()
        case b"number and hang":
            send(str(worker_number()).encode())
            time.sleep(60)
        case b"print":
            # C's own buffer, as a chatty library would use it, besides Python's.
            library = ctypes.CDLL(None)
            library.puts(b"noise from C")
            library.fflush(None)
            print("noise from Python", flush=True)
            return b"clean"
        case b"die":
            send(b"first")
            os._exit(3)
        case b"fail":
            send(b"first")
            raise ValueError("what the user said")
        case b"hang":
            send(str(os.getpid()).encode())
            time.sleep(60)
        case b"flood":
            for _ in range(200):
                send(bytes(100_000))
            return b"end"
        case b"short":
            time.sleep(0.3)
            return b"done"
        case b"halves":
            send(b"first")
            time.sleep(0.1)
            return b"second"
        case _ if payload.startswith(b"die once"):
            died = Path(os.fsdecode(payload.removeprefix(b"die once")))
            if not died.exists():
                died.touch()
                send(b"begin")
                os._exit(3)
            send(b"beginning")
            return b"end"
        case b"huge":
            return bytes(65 * 1024 * 1024)
        case _:
            for number in range(3):
                send(payload + str(number).encode())
    return b""
