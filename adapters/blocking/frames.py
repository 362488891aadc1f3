"""The messages between the gateway and a worker process: length-prefixed frames of MessagePack over pipes."""

from types import MappingProxyType
from typing import BinaryIO, Literal, Self

import msgspec

from adapters.contract.errors import InvalidRequest, TooLong, Unsupported

LIMIT = 64 * 1024 * 1024
"""The size in bytes of the largest frame that either side sends or accepts."""

BUFFER_BYTES = 65_536
"""As much as a pipe holds: what fits is written by one call, and mostly read by one."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is to do; ``alone`` when no other worker of its pool had anything to do."""

    payload: bytes
    alone: bool


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """The worker has loaded its engine; sent once and first."""


class Item(msgspec.Struct, frozen=True, kw_only=True, tag="item"):
    """The next piece of the answer."""

    payload: bytes


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The answer is complete with this piece, which may be empty: what is ready at once takes one message."""

    payload: bytes


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The job raised an exception of the class ``kind``; the worker can take the next job."""

    kind: str


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The job raised ``InvalidRequest`` or one of its kinds; the worker can take the next job."""

    kind: Literal["InvalidRequest", "Unsupported", "TooLong"]
    message: str
    adapter: str
    param: str | None
    code: str | None

    @classmethod
    def of(cls, error: InvalidRequest) -> Self:
        """The message that brings ``error`` to the other side."""
        kind = next(kind for kind in _REFUSALS if isinstance(error, _REFUSALS[kind]))
        return cls(kind=kind, message=error.message, adapter=error.adapter, param=error.param, code=error.code)

    def error(self) -> InvalidRequest:
        """The error that was raised in the worker."""
        return _REFUSALS[self.kind](self.message, adapter=self.adapter, param=self.param, code=self.code)


_REFUSALS: MappingProxyType[Literal["InvalidRequest", "Unsupported", "TooLong"], type[InvalidRequest]] = (
    MappingProxyType({"TooLong": TooLong, "Unsupported": Unsupported, "InvalidRequest": InvalidRequest})
)

Reply = Ready | Item | Done | Failed | Refused


class BadFrame(ValueError):
    """A frame is too large or invalid."""


_decoder: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def write(stream: BinaryIO, *parts: bytes) -> None:
    """Send one frame, whose body is ``parts`` one after the other; blocks.

    Raises ``BadFrame`` when it is too large and ``OSError`` when the other side is gone.
    """
    size = sum(map(len, parts))
    if size > LIMIT:
        raise BadFrame(f"A frame of {size} bytes is larger than the {LIMIT} allowed.")
    for part in (size.to_bytes(4, "big"), *parts):
        stream.write(part)
    stream.flush()


def read(stream: BinaryIO) -> bytes | None:
    """The next frame, ``None`` when the other side is gone; blocks. Raises ``BadFrame``."""
    header = stream.read(4)
    if len(header) < 4:
        return None
    size = int.from_bytes(header, "big")
    if size > LIMIT:
        raise BadFrame(f"A frame of {size} bytes is larger than the {LIMIT} allowed.")
    body = stream.read(size)
    return body if len(body) == size else None


def write_job(stream: BinaryIO, *payload: bytes, alone: bool) -> None:
    """Send the job whose bytes are those of ``payload`` joined; blocks and raises as ``write`` does."""
    write(stream, bytes([alone]), *payload)


def read_job(stream: BinaryIO) -> Job | None:
    """The next job, ``None`` when the gateway is gone; blocks. Raises ``BadFrame``."""
    body = read(stream)
    return None if body is None else Job(payload=body[1:], alone=body[:1] == b"\1")


def write_reply(stream: BinaryIO, reply: Reply) -> None:
    """Send one message of the worker; blocks and raises as ``write`` does."""
    write(stream, msgspec.msgpack.encode(reply))


def read_reply(stream: BinaryIO) -> Reply | None:
    """The worker's next message, ``None`` when it is gone; blocks. Raises ``BadFrame``."""
    body = read(stream)
    if body is None:
        return None
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise BadFrame("A worker process sent an invalid message.") from error
