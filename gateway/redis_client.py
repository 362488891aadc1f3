"""The client of a Valkey or Redis server: made from an address, with bounded replies, and nothing secret in the log."""

import os
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from redis import asyncio as redis
from redis._parsers import _AsyncRESP2Parser
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, InvalidResponse, RedisError
from redis.exceptions import ConnectionError as NotConnected

from adapters.options import BadOption, Secret

SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")

MOST_CONNECTIONS = 256
"""Commands under way at once; more are refused, not queued without bound."""

REPLY_OVERHEAD = 65_536
"""Bytes of a reply beside the value in it: lengths, line ends, the words of an error."""


def redis_client(url: Secret, option: str, *, answer_seconds: float, most_bytes: int) -> redis.Redis:
    """A client that connects when it is first used and reads values of at most ``most_bytes``.

    Connecting, and one reply, may take ``answer_seconds``. Raises ``BadOption`` with the name of the ``option``, but
    without the URL: it may hold a password.
    """
    way_out = f"use one that begins with {', '.join(SCHEMES)}, such as redis://127.0.0.1:6379/0."
    address = url.reveal()
    if not address.startswith(SCHEMES):
        raise BadOption(f"--{option} cannot be used: its scheme is not known; {way_out}")
    try:
        parts = urlsplit(address)
        if parts.scheme != "unix" and parts.path.strip("/"):
            int(parts.path.strip("/"))  # the client would silently take database 0
        options: dict[str, Any] = {
            "socket_timeout": answer_seconds,
            "socket_connect_timeout": answer_seconds,
            "max_connections": MOST_CONNECTIONS,
            **parse_url(address.replace("valkey", "redis", 1) if address.startswith("valkey") else address),
            # What follows is not the address' to choose.
            "protocol": 2,
            "decode_responses": False,
            "parser_class": _bounded_parser(most_bytes + REPLY_OVERHEAD),
            # Once more where the server closed the connection meanwhile; silence is not waited for twice.
            "retry": Retry(NoBackoff(), 1, supported_errors=(NotConnected,)),
        }
        client = redis.Redis.from_pool(redis.ConnectionPool(**options))
        # Looks at the options in the address; it connects later.
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call, unused-ignore]
    except (ValueError, TypeError, RedisError):
        raise BadOption(f"--{option} cannot be used: it is no complete address; {way_out}") from None
    return client


def server_place(client: redis.Redis) -> str:
    """Where the server is, for the log: without name and password."""
    where = client.connection_pool.connection_kwargs
    return str(where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}/{where.get('db', 0)}")


def failure_reason(error: Exception) -> str:
    """Why a command failed, for the log. What the server says is never repeated: some repeat the password in it."""
    if isinstance(error, AuthenticationError):
        return "the server refused the user name or the password"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror | ssl.SSLError) and cause.strerror:
            return cause.strerror
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _bounded_parser(most_bytes: int) -> type[_AsyncRESP2Parser]:
    """A parser of replies of at most ``most_bytes``; a server that sends more is left.

    A single line is bounded by the stream that it is read from.
    """

    class BoundedParser(_AsyncRESP2Parser):
        async def read_response(self, disable_decoding: bool = False) -> Any:
            self._left = most_bytes
            return await super().read_response(disable_decoding=disable_decoding)

        async def _read(self, length: int) -> bytes:
            self._spend(length)
            return await super()._read(length)

        async def _readline(self) -> bytes:
            line = await super()._readline()
            self._spend(len(line) + 2)
            return line

        def _spend(self, length: int) -> None:
            self._left -= length
            if length < 0 or self._left < 0:
                raise InvalidResponse("the reply is longer than any that was stored")

    return BoundedParser
