"""The worker process of ``WorkerPool``: loads an engine once, then answers jobs until its input ends."""

import os
import signal
import sys
import traceback
from importlib import import_module
from typing import BinaryIO

import msgspec

from adapters.blocking import frames
from adapters.blocking.limits import Limits, end_with
from adapters.blocking.processes import Work
from adapters.blocking.share import become, begin_job
from adapters.contract.errors import InvalidRequest


def main(limits: Limits, parent: int, number: int, target: str, *arguments: str) -> None:
    """Serve ``target`` (``package.module:factory``, called with ``arguments``) as long as ``parent`` runs.

    The worker has this ``number``. Jobs come from standard input, answers go to standard output.
    """
    end_with(parent)
    become(number)
    limits.apply()
    # Ctrl-C and what a service manager sends reach every process, but the gateway decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb", frames.BUFFER_BYTES)
    os.dup2(2, 1)  # everything printed, also by C libraries, now goes to the log and not between the frames
    module, _, factory = target.partition(":")
    work: Work = getattr(import_module(module), factory)(*arguments)
    frames.write_reply(replies, frames.Ready())
    while (job := frames.read_job(sys.stdin.buffer)) is not None:
        begin_job(alone=job.alone)
        _answer(work, job.payload, replies, limits)


def _answer(work: Work, payload: bytes, replies: BinaryIO, limits: Limits) -> None:
    def send(piece: bytes) -> None:
        frames.write_reply(replies, frames.Item(payload=piece))
        limits.renew()

    limits.renew()
    try:
        frames.write_reply(replies, frames.Done(payload=work(payload, send)))
    except BrokenPipeError:
        raise
    except InvalidRequest as error:
        frames.write_reply(replies, frames.Refused.of(error))
    except Exception as error:  # noqa: BLE001 - the failure of one job must not end the worker
        # The place is worth logging; the exception's text may contain what a user said.
        sys.stderr.writelines(traceback.format_tb(error.__traceback__))
        frames.write_reply(replies, frames.Failed(kind=type(error).__name__))


if __name__ == "__main__":
    try:
        main(msgspec.json.decode(sys.argv[1], type=Limits), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
    except BrokenPipeError:
        os._exit(1)  # the gateway is gone
