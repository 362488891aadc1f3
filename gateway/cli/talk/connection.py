"""The connection to a realtime route: its address, and how its failures are told."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from adapters.options import shown_url
from gateway.cli.answer_file import NoAnswer
from gateway.settings.model import SettingsError

CONNECT_SECONDS = 10.0
LARGEST_FRAME = 16 << 20
"""Bytes of an event; a server is asked to stay below 1 MiB, and not all do."""


def realtime_address(url: str, model: str | None) -> str:
    """The address of the realtime route of the gateway ``url`` (http, https, ws or wss). Raises ``SettingsError``."""
    try:
        address = httpx.URL(url)
        address.host.encode("idna")  # as the resolver will
        scheme = {"http": "ws", "ws": "ws", "https": "wss", "wss": "wss"}[address.scheme]
        if not address.host or (address.port or 0) > 65535:
            raise ValueError(url)
    except (httpx.InvalidURL, ValueError, KeyError):
        raise SettingsError(
            f"Cannot talk to {shown_url(url)!r}; --url takes an address such as http://127.0.0.1:8765/v1."
        ) from None
    path = address.path.rstrip("/") or "/v1"
    address = address.copy_with(scheme=scheme, path=path if path.endswith("/realtime") else f"{path}/realtime")
    return str(address if model is None else address.copy_set_param("model", model))


@asynccontextmanager
async def connected(address: str, key: str | None) -> AsyncGenerator[ClientConnection, None]:
    """Connect to the realtime route at ``address``, showing ``key``. Raises ``NoAnswer``, also from the block.

    In the block a connection that is lost, or closed by the server, is a ``NoAnswer`` with the server's reason.
    """
    shown = shown_url(address)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        async with connect(
            address,
            additional_headers=headers,
            open_timeout=CONNECT_SECONDS,
            max_size=LARGEST_FRAME,
            compression=None,  # sound does not become smaller
        ) as connection:
            yield connection
    except InvalidStatus as error:
        said = _message(error.response.body)
        raise NoAnswer(said or f"{shown} answers {error.response.status_code}; is that a gateway?") from None
    except InvalidHandshake as error:
        raise NoAnswer(f"What answers at {shown} is not a gateway ({type(error).__name__}).") from None
    except TimeoutError:
        raise NoAnswer(f"{shown} said nothing for {CONNECT_SECONDS:g} s; is that a gateway?") from None
    except ConnectionClosed as error:
        reason = "" if error.rcvd is None else error.rcvd.reason
        raise NoAnswer(
            f"{shown} ended the conversation: {reason}" if reason else f"The connection to {shown} broke off."
        ) from None
    except OSError as error:
        why = "" if error.errno is None else f" ({error.strerror})"
        raise NoAnswer(f"No gateway answers at {shown}{why}; start one with 'speech-to-speech'.") from None


def _message(body: bytes | None) -> str | None:
    """The message of an error body, where it is one."""
    try:
        match msgspec.json.decode(body or b""):
            case {"error": {"message": str(message)}}:
                return message
    except msgspec.DecodeError:
        pass
    return None
